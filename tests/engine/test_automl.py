"""AutoML steps: a real search in a real environment, and its best candidate serving for real."""

from __future__ import annotations

import csv
import io
import json
import math
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.config import Config
from engine.definition.document import Step
from engine.errors import PlanError
from engine.model.status import StepStatus
from engine.model.views import StepView
from engine.steps.automl import AutoMLStep
from tests.engine.embedded import Embedded, definition
from tests.engine.serving import container, model_step, transform_step
from tests.environments import shared_environments

OUT = "s3://bucket/automl"
TRAIN = "s3://bucket/train"

# the best candidate, loaded without its inference code: the weighted mean of its pipelines
DIRECTLY = """
import io, pickle, sys
import numpy as np, pandas as pd
model = pickle.load(open(sys.argv[1] + "/model.pkl", "rb"))
names = [name for name, _ in model["columns"]]
frame = pd.read_csv(io.StringIO(sys.stdin.read()), header=None, names=names)
for name in ("x", "z"):
    frame[name] = frame[name].astype(float)
frame["color"] = frame["color"].fillna("")
def answer(pipeline):
    return pipeline.predict_proba(frame) if model["classes"] else pipeline.predict(frame)
mean = sum(weight * answer(pipeline) for weight, pipeline in model["members"])
for row in mean:
    print(model["classes"][int(np.argmax(row))] if model["classes"] else float(row))
"""


# the same rows through the packed inference code
SERVED = """
import sys
sys.path.insert(0, sys.argv[1] + "/code")
import inference
rows = inference.input_fn(sys.stdin.read(), "text/csv")
found = inference.predict_fn(rows, inference.model_fn(sys.argv[1]))
print(inference.output_fn(found, "text/csv")[0])
"""


def rows(count: int, label: Callable[[float, str, random.Random], Any]) -> str:
    """CSV with a number, a text that may be missing, a number that is noise, nothing, and ``y``."""
    chance = random.Random(7)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["x", "color", "z", "empty", "y"])
    for _ in range(count):
        x, color = round(chance.random(), 4), chance.choice(["red", "blue", ""])
        writer.writerow([x, color, chance.randint(1, 9), "", label(x, color, chance)])
    return text.getvalue()


def bought(x: float, color: str, chance: random.Random) -> str:
    return "yes" if x + 0.4 * (color == "red") + chance.gauss(0, 0.1) > 0.6 else "no"


def price(x: float, color: str, chance: random.Random) -> float:
    return round(10 * x + 3 * (color == "red") + chance.gauss(0, 0.2), 3)


def size(x: float, color: str, chance: random.Random) -> str:
    return "small" if x < 0.3 else "medium" if x < 0.7 else "large"


def channel(uri: str, target: str = "y", **more: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}
    return {"DataSource": source, "TargetAttributeName": target, **more}


def automl(*channels: Any, **more: Any) -> dict[str, Any]:
    """An AutoML step of ``s3://bucket/train`` with three candidates unless it says otherwise."""
    criteria = more.pop("criteria", {"MaxCandidates": 3})
    config = more.pop("config", {})
    arguments = {
        "InputDataConfig": list(channels) or [channel(TRAIN)],
        "OutputDataConfig": {"S3OutputPath": OUT},
        "AutoMLJobConfig": {"Mode": "ENSEMBLING", "CompletionCriteria": criteria, **config},
        "RoleArn": "arn:aws:iam::123456789012:role/R",
        **more,
    }
    return {"Name": "Search", "Type": "AutoML", "Arguments": arguments}


def algorithms(*names: str) -> dict[str, Any]:
    return {"CandidateGenerationConfig": {"AlgorithmsConfig": [{"AutoMLAlgorithms": names}]}}


async def search(embedded: Embedded, *channels: Any, **more: Any) -> StepView:
    state = await embedded.run(definition(automl(*channels, **more)))
    return state.steps["Search"]


def board(embedded: Embedded, step: StepView) -> Any:
    """The leaderboard without what the clock says."""
    assert step.status is StepStatus.SUCCEEDED, step.failure_reason + embedded.log(step)
    name = step.properties["AutoMLJobName"]
    found = json.loads(
        embedded.get(f"{OUT}/{name}/sagemaker-automl-candidates/candidates.json").replace(name, "")
    )
    for entry in found["Candidates"]:
        del entry["Seconds"]
    return {name: found[name] for name in ("ProblemType", "Objective", "Complete", "Candidates")}


def in_its_environment(step: StepView, program: str, text: str, **variables: str) -> list[str]:
    """What a program says of CSV rows and the best candidate, where the search ran."""
    done = subprocess.run(
        [step.environment["Python"], "-c", program, str(Path(step.directory, "ml", "model"))],
        input=text,
        env=variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def get(step: str, path: str) -> dict[str, str]:
    return {"Get": f"Steps.{step}.{path}"}


@pytest.fixture
def built(embedded: Embedded) -> Embedded:
    """An engine that shares built environments."""
    shared_environments(embedded.home)
    return embedded


BEST = "BestCandidate.InferenceContainers[0]"


@pytest.mark.environments
@pytest.mark.parametrize(
    ("label", "kind", "objective"),
    [
        (bought, "BinaryClassification", "F1"),
        (price, "Regression", "MSE"),
        (size, "MulticlassClassification", "Accuracy"),
    ],
)
async def test_the_best_candidate_serves_what_its_pipelines_predict(
    built: Embedded, label: Any, kind: str, objective: str
) -> None:
    built.put(f"{TRAIN}/a.csv", rows(90, label))
    unseen = "".join(line.rpartition(",")[0] + "\n" for line in rows(30, label).splitlines()[20:])
    built.put("s3://bucket/in/unseen.csv", unseen)
    served = container("")
    for key in ("Image", "ModelDataUrl"):
        served[key] = get("Search", f"{BEST}.{key}")
    served["Environment"] = {
        key: get("Search", f"{BEST}.Environment['{key}']")
        for key in (
            "MODEL_NAME",
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",
            "SAGEMAKER_SUBMIT_DIRECTORY",
            "SAGEMAKER_INFERENCE_SUPPORTED",
            "SAGEMAKER_INFERENCE_OUTPUT",
            "SAGEMAKER_PROGRAM",
        )
    }
    state = await built.run(
        definition(
            automl(criteria={"MaxCandidates": 4}),
            model_step("Make", served),
            transform_step("Score", "Make", "s3://bucket/in/", "s3://bucket/out"),
        )
    )
    step, score = state.steps["Search"], state.steps["Score"]
    assert step.status is StepStatus.SUCCEEDED, step.failure_reason + built.log(step)
    assert score.status is StepStatus.SUCCEEDED, score.failure_reason + built.log(score)
    answers = built.get("s3://bucket/out/unseen.csv.out").splitlines()
    direct = in_its_environment(step, DIRECTLY, unseen)
    assert len(answers) == 11
    if kind == "Regression":
        assert [float(one) for one in answers] == pytest.approx([float(one) for one in direct])
    else:
        assert answers == direct
        wanted = "labels,probabilities,predicted_label"
        full = in_its_environment(step, SERVED, unseen, SAGEMAKER_INFERENCE_OUTPUT=wanted)
        for answer, (labels, probabilities, label) in zip(
            answers, csv.reader(full[:11]), strict=True
        ):
            shares = json.loads(probabilities)
            assert sum(shares) == pytest.approx(1)
            assert json.loads(labels)[shares.index(max(shares))] == label == answer
    properties = step.properties
    assert properties["ResolvedAttributes"]["ProblemType"] == kind
    final = properties["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]
    assert final["MetricName"] == objective
    assert final["Type"] == ("Minimize" if kind == "Regression" else "Maximize")
    assert step.metadata == {"AutoMLJob": {"Arn": properties["AutoMLJobArn"]}}
    reports = properties["BestCandidateProperties"]
    insights = json.loads(built.get(reports["ModelInsightsJsonReportPath"]))
    explained = json.loads(built.get(reports["ExplainabilityJsonReportPath"]))
    (group,) = (value for key, value in insights.items() if key.endswith("_metrics"))
    named = {"F1": "f1", "MSE": "mse", "Accuracy": "accuracy"}[objective]
    assert math.isclose(group[named]["value"], final["Value"])
    assert explained["method"] == "permutation_importance"
    importance = explained["explanations"]["permutation_importance"]["global_importance"]
    assert importance["x"]["value"] > importance["z"]["value"]
    assert "not SageMaker Autopilot" in step.environment["Notes"][0]


@pytest.mark.environments
async def test_the_same_data_gives_the_same_candidates_within_the_limit(built: Embedded) -> None:
    built.put(f"{TRAIN}/a.csv", rows(60, bought))
    first = board(built, await search(built, criteria={"MaxCandidates": "4"}))
    again = board(built, await search(built, criteria={"MaxCandidates": "4"}))
    assert first == again
    assert first["Complete"] is True
    assert [entry["Algorithm"] for entry in first["Candidates"]] == [
        "linear",
        "random-forest",
        "gradient-boosting",
        "ensemble",
    ]


@pytest.mark.environments
async def test_a_validation_channel_is_what_the_candidates_are_measured_with(
    built: Embedded,
) -> None:
    built.put(f"{TRAIN}/a.csv", rows(60, price))
    built.put("s3://bucket/val/a.csv", rows(25, price))
    step = await search(
        built,
        channel(TRAIN, ChannelType="training"),
        channel("s3://bucket/val", ChannelType="validation"),
        criteria={"MaxCandidates": 1},
        config=algorithms("xgboost", "fastai"),
        ProblemType="Regression",
        AutoMLJobObjective={"MetricName": "R2"},
    )
    (entry,) = board(built, step)["Candidates"]
    assert entry["Algorithm"] == "xgboost"
    log, score = built.log(step), entry["CrossValidated"]["R2"]
    assert "60 rows to train with, 25 to validate with" in log
    assert f"candidate 1 xgboost (n_estimators=100, max_depth=6): {score:g}" in log


SDK = Path(__file__).resolve().parents[1] / "definitions" / "v2-automl-ensembling.json"


@pytest.mark.environments
async def test_the_sdks_own_definition_registers_the_best_candidate(built: Embedded) -> None:
    def label(x: float, color: str, chance: random.Random) -> int:
        return int(bought(x, color, chance) == "yes")

    built.put("s3://pipetui-test-bucket/train/a.csv", rows(60, label))
    built.put("s3://pipetui-test-bucket/val/a.csv", rows(25, label))
    document = json.loads(SDK.read_text())
    criteria = document["Steps"][0]["Arguments"]["AutoMLJobConfig"]["CompletionCriteria"]
    criteria["MaxCandidates"] = 1
    state = await built.run(document)
    step = state.steps["AutoMLTrain"]
    registered = state.steps["RegisterAutoML-RegisterModel"]
    assert registered.status is StepStatus.SUCCEEDED, registered.failure_reason + built.log(step)
    (best,) = registered.properties["InferenceSpecification"]["Containers"]
    given = step.properties["BestCandidate"]["InferenceContainers"][0]
    assert {key: best[key] for key in given} == given
    assert step.properties["BestCandidate"]["FinalAutoMLJobObjectiveMetric"]["MetricName"] == "AUC"


@pytest.mark.environments
@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        (rows(40, price), {"target": "nothing"}, "has no column 'nothing' (TargetAttributeName)"),
        (rows(40, lambda *_: "yes"), {}, "y has one class, 'yes', in every row"),
        (rows(12, bought), {}, "has 12 rows with a value in y; at least 20 are needed"),
        (
            rows(40, bought),
            {"config": algorithms("fastai")},
            "None of the algorithms fastai is here",
        ),
    ],
    ids=["target", "one-class", "few-rows", "algorithms"],
)
async def test_data_that_nothing_can_be_learned_from_fails_with_a_reason(
    built: Embedded, text: str, more: dict[str, Any], reason: str
) -> None:
    built.put(f"{TRAIN}/a.csv", text)
    step = await search(built, channel(TRAIN, more.pop("target", "y")), **more)
    assert step.status is StepStatus.FAILED
    assert step.failure_reason.startswith("AlgorithmError: ")
    assert reason in step.failure_reason


def refused(**more: Any) -> PlanError | None:
    raw = automl(**more)
    step = Step(name="Search", type="AutoML", arguments=raw["Arguments"], path="/Steps/0")
    return AutoMLStep().refuse(step, Config())


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"config": {"Mode": "HYPERPARAMETER_TUNING"}}, "automl-mode-unsupported"),
        ({"config": {"Mode": None}}, "automl-mode-unsupported"),
        ({"ProblemType": "Clustering"}, "automl-problem-unknown"),
        (
            {"ProblemType": "Regression", "AutoMLJobObjective": {"MetricName": "AUC"}},
            "automl-objective-unsupported",
        ),
        ({"OutputDataConfig": {}}, "automl-output-missing"),
        ({"InputDataConfig": []}, "automl-channels-invalid"),
        ({"InputDataConfig": [channel(TRAIN, "")]}, "automl-target-missing"),
        (
            {"InputDataConfig": [channel(TRAIN, ContentType="text/csv;header=absent")]},
            "automl-content-unsupported",
        ),
        (
            {"InputDataConfig": [channel(TRAIN, SampleWeightAttributeName="w")]},
            "automl-setting-unsupported",
        ),
        ({"GenerateCandidateDefinitionsOnly": True}, "automl-setting-unsupported"),
    ],
)
def test_a_request_that_cannot_be_done_is_refused_before_anything_starts(
    more: dict[str, Any], code: str
) -> None:
    refusal = refused(**more)
    assert refusal is not None and refusal.code == code


def test_values_that_are_not_known_yet_are_not_refused() -> None:
    unknown = {"Get": "Parameters.P"}
    assert refused(
        config={"Mode": unknown}, ProblemType=unknown, AutoMLJobObjective={"MetricName": unknown}
    ) is None  # fmt: skip


async def test_a_mode_that_a_parameter_gives_fails_the_step(embedded: Embedded) -> None:
    parameters = [{"Name": "Mode", "Type": "String", "DefaultValue": "AUTO"}]
    step = automl(config={"Mode": {"Get": "Parameters.Mode"}})
    state = await embedded.run(definition(step, parameters=parameters))
    reason = state.steps["Search"].failure_reason
    assert reason.startswith("ClientError: AutoMLJobConfig.Mode is AUTO"), reason
