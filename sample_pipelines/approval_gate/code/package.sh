#!/bin/sh
# Packs a model that is one number, and measures it. Argument: the accuracy to report.
set -eu
accuracy=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p /opt/ml/processing/model /opt/ml/processing/metrics
echo '{"threshold": 0.5}' >"$work/model.json"
tar -czf /opt/ml/processing/model/model.tar.gz -C "$work" model.json
printf '{"accuracy": {"value": %s}}\n' "$accuracy" | tee /opt/ml/processing/metrics/metrics.json
