"""Executions to look at: one that runs, one that failed, one that waits, and older ones."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

from engine.api import Artifact, Graph, GraphEdge, GraphNode, ParameterView
from engine.model import events as e
from engine.model.status import ApprovalStatus, ExecutionStatus, StepAction
from tests.ui.recorded import NOW, RecordedSource

RUNNING, FAILED, WAITING, CACHED = "k3f9aaaaaaaa", "9dk2bbbbbbbb", "p0azcccccccc", "z1z1dddddddd"
GREEN = "gr33eeeeeeee"
TOKEN = "tok3nabcde"
MODEL = "arn:aws:sagemaker:local:000000000000:model-package/churn-model/7"

STEPS = (
    e.StepDeclared("preprocess", "Processing"),
    e.StepDeclared("baseline", "QualityCheck"),
    e.StepDeclared("split", "Processing"),
    e.StepDeclared("train", "Training"),
    e.StepDeclared("evaluate", "Processing"),
    e.StepDeclared("check-rmse", "Condition"),
    e.StepDeclared("register", "RegisterModel"),
    e.StepDeclared("fail", "Fail"),
    e.StepDeclared("deploy-gate", "Callback"),
)
GRAPH = Graph(
    tuple(
        GraphNode(
            step.name, step.type, parent="check-rmse" if step.name in ("register", "fail") else ""
        )
        for step in STEPS
    ),
    (
        GraphEdge("preprocess", "baseline", "reference"),
        GraphEdge("preprocess", "split", "reference"),
        GraphEdge("split", "train", "reference"),
        GraphEdge("train", "evaluate", "reference"),
        GraphEdge("evaluate", "check-rmse", "reference"),
        GraphEdge("check-rmse", "register", "if"),
        GraphEdge("check-rmse", "fail", "else"),
        GraphEdge("register", "deploy-gate", "reference"),
    ),
)
ARGUMENTS = {
    "AppSpecification": {"ContainerArguments": ["--threshold", "6.0"]},
    "ProcessingInputs": [
        {"InputName": "model", "S3Input": {"S3Uri": "s3://bucket/9dk2/train/model.tar.gz"}},
        {
            "InputName": "data",
            "S3Input": {
                "S3Uri": "s3://bucket/raw/churn.csv",
                "LocalPath": "/opt/ml/processing/data",
            },
        },
    ],
    "Environment": {"LOG_LEVEL": "info", "API_TOKEN": "hush"},
}
FORM = [
    ParameterView("Threshold", "Float", 6.0),
    ParameterView("InstanceType", "String", "local", choices=("local", "ml.m5.large")),
]
SOURCE_LINES = """import sys
import pandas as pd


def main():
    df = pd.read_csv(sys.argv[1])
    df["tenure"] = df["tenure_months"].clip(0, 72)
    return df


main()
"""


def home(folder: Path) -> RecordedSource:
    """The executions of a home; logs and artifacts lie under ``folder``."""
    source = RecordedSource()
    _cached(source)
    _waiting(source)
    _failed(source, folder)
    _running(source, folder)
    return source


def _create(source: RecordedSource, execution_id: str, at: float, origin: str = "") -> None:
    parameters = {"Threshold": 6.0, "InstanceType": "local"}
    created = e.ExecutionCreated("churn-train", "sha", parameters, STEPS, source_execution=origin)
    source.add(execution_id, created, at)
    source.graphs[execution_id] = GRAPH
    source.forms[execution_id] = FORM


def _do(source: RecordedSource, execution_id: str, step: str, start: float, end: float) -> None:
    source.add(execution_id, e.StepStarted(step, 1), start, "runner")
    source.add(execution_id, e.StepExecuting(step, 1), start, "runner")
    source.add(execution_id, e.StepSucceeded(step), end, "runner")


def attempt_folder(folder: Path, execution_id: str, step: str, log: str) -> str:
    """The folder of an attempt with its log."""
    place = folder / execution_id / step / "1"
    place.mkdir(parents=True)
    (place / "job.log").write_text(log, "utf-8")
    return str(place)


def _running(source: RecordedSource, folder: Path) -> None:
    _create(source, RUNNING, NOW - 131, FAILED)
    reused = e.StepReused("baseline", FAILED, cached=True)
    _do(source, RUNNING, "preprocess", NOW - 130, NOW - 124)
    source.add(RUNNING, reused, NOW - 124, "runner")
    _do(source, RUNNING, "split", NOW - 123, NOW - 121)
    lines = [f"[{n}] train-rmse:{9 - n / 10:.2f}" for n in range(45)]
    log = "\n".join([*lines, "WARNING early stopping has not triggered in 40 rounds"]) + "\n"
    place = attempt_folder(folder, RUNNING, "train", log)
    source.add(
        RUNNING, e.StepStarted("train", 1, {"HyperParameters": {"eta": "0.1"}}, place), NOW - 118
    )
    environment = {"runner": "namespace", "image": "xgboost 1.7-1", "grade": "close match"}
    source.add(RUNNING, e.StepExecuting("train", 1, environment=environment), NOW - 117, "runner")


def _failed(source: RecordedSource, folder: Path) -> None:
    _create(source, FAILED, NOW - 3700)
    for index, step in enumerate(("preprocess", "baseline", "split", "train")):
        _do(source, FAILED, step, NOW - 3690 + 60 * index, NOW - 3640 + 60 * index)
    place = attempt_folder(folder, FAILED, "evaluate", "")
    code = Path(place) / "ml" / "code" / "evaluate.py"
    code.parent.mkdir(parents=True)
    code.write_text(SOURCE_LINES, "utf-8")
    log = (
        "INFO starting\nloading the model\nTraceback (most recent call last):\n"
        f'  File "{code}", line 11, in <module>\n    main()\n'
        f'  File "{code}", line 7, in main\n'
        '    df["tenure"] = df["tenure_months"].clip(0, 72)\n'
        "KeyError: 'tenure_months'\n"
    )
    (Path(place) / "job.log").write_text(log, "utf-8")
    source.add(FAILED, e.StepStarted("evaluate", 1, ARGUMENTS, place), NOW - 3400, "runner")
    source.add(FAILED, e.StepExecuting("evaluate", 1), NOW - 3400, "runner")
    reason = "AlgorithmError: KeyError: 'tenure_months'\nexit code 1"
    source.add(FAILED, e.StepFailed("evaluate", reason, "AlgorithmError"), NOW - 3396, "runner")
    for step in ("check-rmse", "register", "fail", "deploy-gate"):
        source.add(FAILED, e.StepBlocked(step, "evaluate failed"), NOW - 3396, "runner")
    source.add(FAILED, e.ExecutionEnded(ExecutionStatus.FAILED, reason), NOW - 3396, "runner")
    source.raw[FAILED, "evaluate"] = {"Environment": {"LOG_LEVEL": {"Get": "Parameters.Level"}}}
    source.files["evaluate"] = _artifacts(Path(place))


def green(source: RecordedSource, folder: Path) -> None:
    """An earlier execution of the failed one's pipeline that succeeded, on other data."""
    failed = Path(source.states[FAILED].steps["evaluate"].directory)
    place = Path(attempt_folder(folder, GREEN, "evaluate", "INFO starting\nloading the model\n"))
    code = place / "ml" / "code" / "evaluate.py"
    code.parent.mkdir(parents=True)
    code.write_text(SOURCE_LINES, "utf-8")
    for home, text in ((place, "id,tenure_months\n1,3\n"), (failed, "id,tenure\n1,3\n2,4\n")):
        data = home / "ml" / "processing" / "data" / "churn.csv"
        data.parent.mkdir(parents=True)
        data.write_text(text, "utf-8")
    _create(source, GREEN, NOW - 9000)
    source.add(GREEN, e.StepStarted("evaluate", 1, ARGUMENTS, str(place)), NOW - 8400, "runner")
    source.add(GREEN, e.StepExecuting("evaluate", 1), NOW - 8400, "runner")
    source.add(GREEN, e.StepSucceeded("evaluate"), NOW - 8390, "runner")
    source.add(GREEN, e.ExecutionEnded(ExecutionStatus.SUCCEEDED), NOW - 8300, "runner")


def approved_before(source: RecordedSource) -> None:
    """An approved version of the model, from the green execution."""
    evidence = {"regression_metrics": {"rmse": {"value": 4.61}, "auc": {"value": 0.864}}}
    arn = MODEL.removesuffix("7") + "5"
    created = e.ModelPackageCreated(
        "key5", "churn-model", 5, arn, ApprovalStatus.APPROVED, {}, evidence, GREEN, "register"
    )
    source.add(GREEN, created, NOW - 8300, "runner")


def _artifacts(place: Path) -> list[Artifact]:
    out = place / "ml" / "output"
    (out / "report").mkdir(parents=True)
    (out / "report" / "evaluation.json").write_text(json.dumps({"rmse": 4.4, "auc": 0.871}))
    (out / "report" / "rows.csv").write_text("customer,score\n1,0.5\n2,0.75\n")
    (place / "readme.txt").write_text("all is well\n")
    with tarfile.open(place / "model.tar.gz", "w:gz") as archive:
        archive.add(place / "readme.txt", "notes/readme.txt")
    model, report = place / "model.tar.gz", out / "report"
    size = model.stat().st_size
    return [
        Artifact("input", "model", "s3://bucket/model.tar.gz", str(model), True, size),
        Artifact("input", "data", "s3://bucket/raw/churn.csv", "", False),
        Artifact("output", "report", "s3://bucket/report/", str(report), True, 60, 2, folder=True),
    ]


def _waiting(source: RecordedSource) -> None:
    _create(source, WAITING, NOW - 7200)
    for index, step in enumerate(("preprocess", "baseline", "split", "train", "evaluate")):
        _do(source, WAITING, step, NOW - 7190 + 60 * index, NOW - 7140 + 60 * index)
    source.add(WAITING, e.StepStarted("check-rmse", 1), NOW - 6880, "runner")
    outcome = e.StepSucceeded("check-rmse", metadata={"Condition": {"Outcome": "True"}})
    source.add(WAITING, outcome, NOW - 6880, "runner")
    _do(source, WAITING, "register", NOW - 6879, NOW - 6878)
    source.add(WAITING, e.StepSkipped("fail", "else of check-rmse"), NOW - 6878, "runner")
    source.add(WAITING, e.StepStarted("deploy-gate", 1), NOW - 6877, "runner")
    source.add(WAITING, e.StepExecuting("deploy-gate", 1), NOW - 6877, "runner")
    asked = e.CallbackRequested("deploy-gate", TOKEN, inputs={"model": "v7", "stage": "staging"})
    source.add(WAITING, asked, NOW - 6877, "runner")
    source.outputs["deploy-gate"] = (ParameterView("ticket", "Integer", required=True),)
    evidence = {"regression_metrics": {"rmse": {"value": 4.4}, "auc": {"value": 0.871}}}
    created = e.ModelPackageCreated(
        "key", "churn-model", 7, MODEL, ApprovalStatus.PENDING, {}, evidence, WAITING, "register"
    )
    source.add(WAITING, created, NOW - 6878, "runner")


def _cached(source: RecordedSource) -> None:
    steps = tuple(e.StepDeclared(f"train-{n}", "Training", StepAction.CACHED) for n in range(20))
    created = e.ExecutionCreated("fan-out", "sha", {}, steps)
    source.add(CACHED, created, NOW - 90_000)
    for step in steps:
        source.add(CACHED, e.StepReused(step.name, "aaaa", cached=True), NOW - 89_999, "runner")
    source.add(CACHED, e.ExecutionEnded(ExecutionStatus.SUCCEEDED), NOW - 89_998, "runner")


def large(source: RecordedSource, steps: int, execution_id: str = "bigbig") -> None:
    """An execution with many steps, the first of which runs."""
    declared = tuple(e.StepDeclared(f"step-{n:04d}", "Processing") for n in range(steps))
    source.add(execution_id, e.ExecutionCreated("large", "sha", {}, declared), NOW - 60)
    source.add(execution_id, e.StepStarted("step-0000", 1), NOW - 50)
    source.add(execution_id, e.StepExecuting("step-0000", 1), NOW - 49)
