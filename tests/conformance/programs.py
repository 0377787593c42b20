"""Programs of the standard library alone that stand at the URIs definitions name."""

from __future__ import annotations

PROCESSING = """
import json, os
with open("/opt/ml/config/processingjobconfig.json") as file:
    job = json.load(file)
seen = {}
for given in job["ProcessingInputs"]:
    folder = given["S3Input"]["LocalPath"]
    seen[given["InputName"]] = sorted(name for _, _, names in os.walk(folder) for name in names)
report = {"regression_metrics": {"mse": {"value": 4.5}}, "inputs": seen}
for output in job["ProcessingOutputConfig"]["Outputs"]:
    folder = output["S3Output"]["LocalPath"]
    os.makedirs(os.path.join(folder, "test"), exist_ok=True)
    if "evaluation" in output["OutputName"]:
        for name in ("evaluation.json", "model_evaluation_metrics.json"):
            with open(os.path.join(folder, name), "w") as file:
                json.dump(report, file)
        continue
    for name in ("data.csv", "test/x_test.csv"):
        with open(os.path.join(folder, name), "w") as file:
            file.write("1,2,3\\n4,5,6\\n")
print("inputs", json.dumps(seen))
"""
"""Writes data to every output, or a report of an evaluation that names the files it was given."""

SHELL = f"python3 - <<'END'\n{PROCESSING}\nEND\n"

INFERENCE = """
import json, os
def model_fn(folder):
    with open(os.path.join(folder, "factor")) as file:
        return float(file.read())
def input_fn(body, content_type):
    text = body.decode() if isinstance(body, bytes) else body
    return [json.loads("[" + line.strip(" []") + "]") for line in text.splitlines()]
def predict_fn(rows, factor):
    return [factor * sum(row) for row in rows]
def output_fn(values, accept):
    return "".join(f"{value:g}\\n" for value in values), "text/csv"
"""
"""Predicts ``factor * sum(row)`` for lines of CSV or of JSON lists."""

TRAINING = f"""
import os, sys
accuracy = os.environ.get("ACCURACY", "0.95")
for epoch in range(3):
    print(f"epoch={{epoch}} val_acc=0.1 acc=0.1 loss=3")
print(f"val_acc={{accuracy}} acc={{accuracy}} loss={{1 - float(accuracy):.3f}}")
print("given", sys.argv[1:])
os.makedirs("/opt/ml/model/code", exist_ok=True)
with open("/opt/ml/model/factor", "w") as file:
    file.write("2")
with open("/opt/ml/model/code/inference.py", "w") as file:
    file.write({INFERENCE!r})
sys.exit(int(os.environ.get("EXIT", "0")))
"""
"""Trains to the accuracy that its environment names, and leaves a model that can be served."""

DRIVER = "exec python3 /opt/ml/input/data/code/train.py\n"
"""``sm_train.sh`` of SDK 3, without its environment variables."""

IMAGE_PROGRAM = {"ContainerEntrypoint": ["python3", "-c", TRAINING]}
"""Names the program of an image that is somebody's own, and in no registry."""

LAMBDA = """
import json, pathlib
def handler(event, context):
    outputs = json.loads(pathlib.Path(__file__).with_name("outputs.json").read_text())
    return outputs.get(context.function_name, {})
"""
"""Answers for every function with what ``outputs.json`` says for it."""

JOB = """
import json
with open("/opt/ml/config/job.json") as file:
    model = json.load(file)["JobConfigDocument"]["Model"]["Name"]
with open("/opt/ml/output/job.json", "w") as file:
    json.dump({"JobConfigDocument": {"OutputModelPackageArn": "arn:of-" + model}}, file)
"""
"""Stands for a job of CreateJob: says of which model its result is."""

SPARK_SUBMIT = """#!/bin/sh
printf '%s\\n' "$@"
"""
"""Stands for a cluster's ``spark-submit``: says what it is given."""
