"""Writes pipeline.json: 200 quick steps that make every shape a graph can have.

Standard library only, seeded: it writes the same bytes each time, and what it writes has the form
that the SageMaker SDK gives to a ``ScriptProcessor`` step. A join of two jobs passes data; a wide
join only waits (``DependsOn``), as a Processing job may have no more than ten inputs.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent / "pipeline.json"
PIPELINE = "wide-and-deep"
BUCKET = "pipetui-samples"
STEPS = 200
SEED = 7
SHARDS, DIAMONDS, CHAIN, LAYERS, LAYER_WIDTH = 24, 8, 24, 5, 10

Json = dict[str, Any]


def dice(name: str) -> random.Random:
    """Random numbers of a step's own, so that one more step changes no other."""
    return random.Random(f"{SEED}/{name}")


def job(name: str, *reads: str, after: Sequence[str] = (), property_file: str = "") -> Json:
    """A shell job that reads the outputs of some steps and waits for some others."""
    draw = dice(name)
    values = (draw.uniform(0.02, 0.3), draw.uniform(0.6, 1), draw.uniform(0, 0.2))
    arguments = [name, *(f"{value:.3f}" for value in values), str(draw.randint(1, 90))]
    step: Json = {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": "ml.t3.medium",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 30,
                }
            },
            "AppSpecification": {
                "ImageUri": "local/host:latest",
                "ContainerArguments": arguments,
                "ContainerEntrypoint": ["/bin/sh", "/opt/ml/processing/input/code/work.sh"],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/PipelineRole",
            "ProcessingInputs": [
                *(channel(read, output_of(read), f"in/{read}") for read in reads),
                channel("code", "code/work.sh", "input/code"),
            ],
            "ProcessingOutputConfig": {"Outputs": [output(name)]},
        },
    }
    if after:
        step["DependsOn"] = list(after)
    if property_file:
        step["PropertyFiles"] = [
            {"PropertyFileName": property_file, "OutputName": "out", "FilePath": "result.json"}
        ]
    return step


def channel(name: str, uri: str | Json, folder: str) -> Json:
    return {
        "InputName": name,
        "AppManaged": False,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/{folder}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def output(step: str) -> Json:
    execution = {"Get": "Execution.PipelineExecutionId"}
    parts = ["s3:/", BUCKET, PIPELINE, execution, step, "output", "out"]
    return {
        "OutputName": "out",
        "AppManaged": False,
        "S3Output": {
            "S3Uri": {"Std:Join": {"On": "/", "Values": parts}},
            "LocalPath": "/opt/ml/processing/out",
            "S3UploadMode": "EndOfJob",
        },
    }


def output_of(step: str) -> Json:
    return {"Get": f"Steps.{step}.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"}


def check(
    name: str, kind: str, field: str, parameter: str, yes: list[Json], no: list[Json]
) -> Json:
    """A Condition that compares a field of Score's property file with a parameter."""
    left = {
        "Std:JsonGet": {"PropertyFile": {"Get": "Steps.Score.PropertyFiles.Scores"}, "Path": field}
    }
    condition = {"Type": kind, "LeftValue": left, "RightValue": {"Get": f"Parameters.{parameter}"}}
    arguments = {"Conditions": [condition], "IfSteps": yes, "ElseSteps": no}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def fail(name: str, message: str, parameter: str) -> Json:
    text = {"Std:Join": {"On": " ", "Values": [message, {"Get": f"Parameters.{parameter}"}]}}
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": text}}


def numbered(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number:02d}" for number in range(1, count + 1)]


def fan_out() -> list[Json]:
    """One step, many two-step arms, one step that waits for all of them."""
    shards, cleans = numbered("Shard", SHARDS), numbered("Clean", SHARDS)
    return [
        job("Ingest"),
        *(job(shard, "Ingest") for shard in shards),
        *(job(clean, shard) for clean, shard in zip(cleans, shards, strict=True)),
        job("Merge", after=cleans),
    ]


def diamonds() -> list[Json]:
    """Split, left and right, join; each hangs on the one before."""
    steps, tip = [], "Merge"
    for diamond in numbered("Diamond", DIAMONDS):
        split, left, right, join = (f"{diamond}-{part}" for part in ("S", "L", "R", "J"))
        steps += [job(split, tip), job(left, split), job(right, split)]
        steps += [job(join, left, right, property_file="Joined")]
        tip = join
    return steps


def chain() -> list[Json]:
    """One step after another, beside everything else."""
    names = numbered("Chain", CHAIN)
    return [job(name, before) for before, name in zip(["Ingest", *names], names, strict=False)]


def layers() -> list[Json]:
    """Layers of steps, each of which reads one to three of the layer above."""
    steps, above = [], ["Merge"]
    for layer in range(1, LAYERS + 1):
        names = numbered(f"Layer-{layer}", LAYER_WIDTH)
        steps += [job(name, *some_of(above, name)) for name in names]
        above = names
    return steps


def some_of(above: list[str], name: str) -> list[str]:
    """One to three steps of the layer above, the step's own choice."""
    draw = dice(f"reads of {name}")
    return sorted(draw.sample(above, min(len(above), draw.randint(1, 3))))


def decisions() -> list[Json]:
    """Three Conditions, each in a branch of the one before."""
    ship = [job(name, "Score") for name in numbered("Ship", 4)]
    too_large = [fail("TooLarge", "The model is larger than", "MaximumSize")]
    size = check("CheckSize", "LessThanOrEqualTo", "size", "MaximumSize", ship, too_large)
    publish = [job(name, "Score") for name in numbered("Publish", 8)]
    retrain = [job(name, "Score") for name in numbered("Retrain", 4)]
    drift = check("CheckDrift", "LessThan", "drift", "MaximumDrift", [*publish, size], retrain)
    audit = [job(name, "Score") for name in numbered("Audit", 4)]
    low = [fail("LowQuality", "The quality is below", "MinimumQuality")]
    quality = check(
        "CheckQuality",
        "GreaterThanOrEqualTo",
        "quality",
        "MinimumQuality",
        [*audit, drift],
        low,
    )
    last = [f"Chain-{CHAIN:02d}", f"Diamond-{DIAMONDS:02d}-J"]
    return [job("Score", *last, property_file="Scores"), quality]


def count(steps: list[Json]) -> int:
    """How many steps there are, those in branches too."""
    branches = [
        step["Arguments"].get(branch, []) for step in steps for branch in ("IfSteps", "ElseSteps")
    ]
    return len(steps) + sum(map(count, branches))


def definition() -> Json:
    """The whole definition."""
    steps = [*fan_out(), *diamonds(), *chain(), *layers(), *decisions()]
    bottom = numbered(f"Layer-{LAYERS}", LAYER_WIDTH)
    reports = numbered("Report", STEPS - count(steps))
    steps += [job(name, dice(f"reads of {name}").choice(bottom)) for name in reports]
    thresholds = {"MinimumQuality": 0.5, "MaximumDrift": 0.25, "MaximumSize": 100.0}
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [
            {"Name": name, "Type": "Float", "DefaultValue": value}
            for name, value in thresholds.items()
        ],
        "PipelineExperimentConfig": {
            "ExperimentName": {"Get": "Execution.PipelineName"},
            "TrialName": {"Get": "Execution.PipelineExecutionId"},
        },
        "Steps": steps,
    }


def text() -> str:
    """The text of pipeline.json."""
    return json.dumps(definition(), indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text())
