"""Models to serve in tests: stdlib-only user modules, packed as the SDK packs them."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from engine.home import Home
from tests.engine.embedded import HOST_IMAGE

# predicts factor * sum(row), in CSV; the factor is the model's data
SCALE = """
import json, os
def model_fn(folder):
    with open(os.path.join(folder, "factor")) as file:
        return float(file.read())
def input_fn(body, content_type):
    if content_type != "text/csv":
        raise ValueError("I read CSV, not " + content_type)
    return [[float(cell) for cell in line.split(",")] for line in body.splitlines()]
def predict_fn(rows, factor):
    return [factor * sum(row) for row in rows]
def output_fn(values, accept):
    return "".join(f"{value:g}\\n" for value in values), accept
"""


def pack_model(home: Home, uri: str, code: str, **files: str) -> str:
    """Store a ``model.tar.gz`` with ``code/inference.py`` and further files; returns its URI."""
    path = home.s3 / uri.removeprefix("s3://")
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {**files, "code/inference.py": code} if code else files
    with tarfile.open(path, "w:gz") as archive:
        for name, text in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, BytesIO(text.encode()))
    return uri


def container(data: str, image: str = HOST_IMAGE, **environment: str) -> dict[str, Any]:
    """A container of a model."""
    return {"Image": image, "ModelDataUrl": data, "Environment": environment}


def model_step(name: str, *containers: Mapping[str, Any]) -> dict[str, Any]:
    """A Model step of one container, or of several in series."""
    role = {"ExecutionRoleArn": "arn:aws:iam::123456789012:role/R"}
    if len(containers) == 1:
        return _step(name, "Model", {**role, "PrimaryContainer": containers[0]})
    return _step(name, "Model", {**role, "Containers": list(containers)})


def transform_step(name: str, model: str, source: str, target: str, **more: Any) -> dict[str, Any]:
    """A Transform step of a Model step's model; CSV by line unless ``more`` says otherwise."""
    given = {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": source}},
        "ContentType": "text/csv",
        "SplitType": "Line",
        **more.pop("input", {}),
    }
    arguments = {
        "ModelName": {"Get": f"Steps.{model}.ModelName"},
        "TransformInput": {key: value for key, value in given.items() if value is not None},
        "TransformOutput": {
            "S3OutputPath": target,
            "AssembleWith": "Line",
            "Accept": "text/csv",
            **more.pop("output", {}),
        },
        "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
        **more,
    }
    return _step(name, "Transform", arguments)


def _step(name: str, kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments}
