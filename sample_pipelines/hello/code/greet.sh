#!/bin/sh
# Writes the greeting, one line for each time. Arguments: the name, how many times.
set -eu
name=$1 times=$2
mkdir -p /opt/ml/processing/text
i=0
while [ "$i" -lt "$times" ]; do
    i=$((i + 1))
    echo "hello, $name ($i)"
done | tee /opt/ml/processing/text/greeting.txt
