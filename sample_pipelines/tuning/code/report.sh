# Says which training job won, and writes the winner's settings as a report.
set -eu
tar -xzf /opt/ml/processing/model/model.tar.gz -O model.json > /opt/ml/processing/report/best.json
echo "best of all: $1 with a validation loss of $2"
echo "second:      $3"
cat /opt/ml/processing/report/best.json
