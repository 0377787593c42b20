#!/bin/sh
# Copies the greeting in capitals.
set -eu
mkdir -p /opt/ml/processing/loud
tr '[:lower:]' '[:upper:]' </opt/ml/processing/text/greeting.txt |
    tee /opt/ml/processing/loud/greeting.txt
