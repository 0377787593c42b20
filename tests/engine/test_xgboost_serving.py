"""The built-in XGBoost algorithm, served in its environment, compared with the library alone."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.environments import Environments, resolve
from engine.model.status import ExecutionStatus
from engine.serving.endpoints import delete_endpoint, invoke, list_endpoints
from tests.engine.embedded import Embedded, definition
from tests.engine.serving import container, model_step, pack_model, transform_step
from tests.environments import shared_environments
from tests.shared import SHARED, needs_shared

pytestmark = [pytest.mark.environments, needs_shared]

ROOT = Path(__file__).parents[1]
ABALONE = ROOT / "definitions" / "v2-abalone-full.json"
SERVED = ROOT / "definitions" / "v2-endpoint-infcomponent-lineage.json"
SERIAL = ROOT / "definitions" / "v2-pipeline-model-transform.json"
BUCKET = "s3://pipetui-test-bucket"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.5-1"

# the library alone: predictions for CSV rows without labels
DIRECT = """
import sys, tarfile, tempfile, numpy, xgboost
folder = tempfile.mkdtemp()
with tarfile.open(sys.argv[1]) as archive:
    archive.extractall(folder)
booster = xgboost.Booster()
booster.load_model(folder + "/xgboost-model")
rows = numpy.loadtxt(sys.stdin, delimiter=",", ndmin=2)
print("\\n".join(map(str, booster.predict(xgboost.DMatrix(rows)).tolist())))
"""

# a model of three classes, as the algorithm's own training leaves it
TRAIN = """
import sys, numpy, xgboost
rows = numpy.arange(60).reshape(30, 2) % 7
booster = xgboost.train(
    {"objective": "multi:softprob", "num_class": 3, "max_depth": 2},
    xgboost.DMatrix(rows, label=numpy.arange(30) % 3), 3)
booster.save_model(sys.argv[1])
"""


@pytest.fixture
async def served(embedded: Embedded) -> AsyncIterator[Embedded]:
    """An engine that shares built environments, and whose endpoints are gone at the end."""
    shared_environments(embedded.home)
    yield embedded
    for endpoint in list_endpoints(embedded.home.root):
        await delete_endpoint(embedded.home.root, endpoint.name)


def direct(python: str, model: Path, rows: list[str]) -> list[str]:
    done = subprocess.run(
        [python, "-W", "ignore", "-c", DIRECT, str(model)],
        input="\n".join(rows),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    # the library's own remarks come first
    return done.stdout.splitlines()[-len(rows) :]


async def test_the_sdk_made_abalone_pipeline_transforms_as_the_booster_predicts(
    served: Embedded,
) -> None:
    for entry in json.loads(ABALONE.read_text())["Steps"]:
        for source in entry["Arguments"].get("ProcessingInputs", ()):
            uri = source["S3Input"]["S3Uri"]
            if isinstance(uri, str) and uri.endswith(".py"):
                code = ROOT / "conformance" / "abalone" / uri.rsplit("/", 1)[-1]
                served.put(uri, code.read_text())
    served.put(f"{BUCKET}/abalone/raw.csv", (SHARED / "data/abalone/abalone.csv").read_text())
    # an id, then what preprocess.py makes of a row: seven measures and three columns for the sex
    rows = [f"{n / 50},0.3,0.1,0.5,0.2,0.1,{n / 90},{n % 2}.0,0.0,{1 - n % 2}.0" for n in range(50)]
    served.put(f"{BUCKET}/abalone/batch.csv", "".join(f"id-{n},{r}\n" for n, r in enumerate(rows)))

    state = await served.run(str(ABALONE))

    reasons = {s.name: s.failure_reason for s in state.steps.values() if s.failure_reason}
    assert state.execution.status is ExecutionStatus.SUCCEEDED, reasons
    step = state.steps["AbaloneTransform"]
    model = state.steps["AbaloneTrain"].properties["ModelArtifacts"]["S3ModelArtifacts"]
    file = served.home.s3 / model.removeprefix("s3://")
    expected = direct(step.environment["Python"], file, rows)
    assert len(set(expected)) > 5
    output = served.get(f"{BUCKET}/AbaloneTransform/batch.csv.out").splitlines()
    assert output == [f"id-{number},{value}" for number, value in enumerate(expected)]


@pytest.fixture
async def classes(served: Embedded) -> dict[str, Any]:
    """A container of a model with three classes, trained by the environment's own library."""
    version = (sys.version_info.major, sys.version_info.minor)
    resolution = resolve(XGBOOST, python=version)
    built = await Environments(served.home.environments, sys.executable).ensure(resolution)
    model = served.folder / "xgboost-model"
    train = [str(built.python), "-W", "ignore", "-c", TRAIN, str(model)]
    await asyncio.to_thread(lambda: subprocess.run(train, check=True, timeout=120))
    archive = served.home.s3 / "bucket" / "model.tar.gz"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(model, "xgboost-model")
    return container("s3://bucket/model.tar.gz", XGBOOST)


@pytest.mark.parametrize(
    ("variables", "form"),
    [
        ({}, r"\[0\.\d+, 0\.\d+, 0\.\d+\]"),
        (
            {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,labels,predicted_score"},
            r'[012],"\[0, 1, 2\]",nan',
        ),
    ],
)
async def test_batch_answers_have_the_algorithms_own_form(
    served: Embedded, classes: dict[str, Any], variables: dict[str, str], form: str
) -> None:
    served.put("s3://bucket/in/a.csv", "1,2\n3,4\n")
    step = transform_step(
        "Score", "Make", "s3://bucket/in/", "s3://bucket/out", Environment=variables
    )
    state = await served.run(definition(model_step("Make", classes), step))
    assert not state.steps["Score"].failure_reason
    lines = served.get("s3://bucket/out/a.csv.out").splitlines()
    assert len(lines) == 2 and all(re.fullmatch(form, line) for line in lines), lines


async def test_an_sdk_made_model_of_two_images_transforms_in_series(
    served: Embedded, classes: dict[str, Any]
) -> None:
    document = json.loads(SERIAL.read_text())
    steps = {step["Name"]: step for step in document["Steps"]}
    first, second = steps["PM-CreateModel"]["Arguments"]["Containers"]
    code = """
import json
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    rows = [json.loads(line)["features"] for line in body.decode().splitlines()]
    return "\\n".join(",".join(map(str, row)) for row in rows), "text/csv"
"""
    pack_model(served.home, first["ModelDataUrl"], code)
    second["ModelDataUrl"] = classes["ModelDataUrl"]
    given = steps["TF"]["Arguments"]["TransformInput"]["DataSource"]["S3DataSource"]
    given["S3Uri"] = "s3://bucket/in/"
    served.put("s3://bucket/in/a.jsonl", '{"features": [1, 2]}\n{"features": [3, 4]}\n')

    state = await served.run(document, selection=("PM-CreateModel", "TF"))

    assert not state.steps["TF"].failure_reason
    target = state.steps["TF"].arguments["TransformOutput"]["S3OutputPath"]
    lines = served.get(f"{target}/a.jsonl.out").splitlines()
    assert [len(json.loads(line)) for line in lines] == [3, 3]


async def test_an_sdk_made_endpoint_answers_in_the_types_and_errors_of_the_algorithm(
    served: Embedded, classes: dict[str, Any]
) -> None:
    document = json.loads(SERVED.read_text())
    steps = {step["Name"]: step for step in document["Steps"]}
    steps["Create-CreateModel"]["Arguments"]["PrimaryContainer"] = classes
    state = await served.run(document, selection=("Create-CreateModel", "EpConfig", "Ep", "IC"))
    reasons = {s.name: s.failure_reason for s in state.steps.values() if s.failure_reason}
    assert not reasons

    async def ask(
        body: bytes, content_type: str, accept: str = "", component: str = ""
    ) -> tuple[int, str]:
        answer = await asyncio.to_thread(
            invoke,
            served.home.root,
            "my-endpoint",
            body,
            content_type=content_type,
            accept=accept,
            component=component,
        )
        return answer.status, answer.body.decode()

    status, lines = await ask(b"1,2\n3,4", "text/csv")
    assert status == 200
    rows = [[float(cell) for cell in line.split(",")] for line in lines.split("\n")]
    assert [len(row) for row in rows] == [3, 3]
    _, found = await ask(b"1,2\n3,4", "text/csv", "application/json")
    assert [one["score"] for one in json.loads(found)["predictions"]] == rows
    _, found = await ask(b"1,2\n3,4", "text/csv", "application/jsonlines", component="ic")
    assert [json.loads(line)["score"] for line in found.splitlines()] == rows
    assert await ask(b"0 0:1 1:2\n0 0:3 1:4", "text/libsvm") == (200, lines)
    assert await ask(b"", "text/csv") == (204, "")
    assert (await ask(b"a,b", "text/csv"))[0] == 415
    assert (await ask(b"{}", "application/json"))[0] == 415
    assert (await ask(b"1,2", "text/csv", "image/png"))[0] == 406
    status, said = await ask(b"1,2,3,4,5", "text/csv")
    assert status == 400 and said.startswith("Unable to evaluate payload provided: Feature size")
    assert (await ask(b"1" * (6 * 1024**2 + 1), "text/csv"))[0] == 413
