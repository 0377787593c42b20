"""The SDK's definition of every check, of a registration with baselines, and of a monitored batch.

It runs twice: once so that its checks make the baselines that an approved version of the model
has, and then as it stands, compared with them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest

from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.serving.descriptions import models
from tests.conformance.stage import Stage, arguments, check, ends, properties, read
from tests.engine.embedded import Embedded
from tests.engine.serving import container, pack_model
from tests.environments import shared_environments

pytestmark = pytest.mark.environments

OK, NO, OUT = StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.BLOCKED
BUCKET = "s3://pipetui-test-bucket"
CLARIFY = ("DataBias", "ModelBias", "Explain")
BASE = "s3://base"
CONSTRAINTS = {
    "Bias": {"PreTrainingConstraints": "DataBias", "PostTrainingConstraints": "ModelBias"},
    "Explainability": {"Constraints": "Explain"},
}
"""Where a version of the model names the baseline of which check."""
MODEL = """
def model_fn(folder): return None
def input_fn(body, content_type):
    return [[float(cell) for cell in line.split(",")] for line in body.splitlines()]
def predict_fn(rows, model): return [3 * a - 2 * b + 1 for a, b in rows]
def output_fn(values, accept): return "".join(f"{value}\\n" for value in values), accept
"""
ROWS = [(number * 3 % 2, number / 10, (number * 7 % 10) / 10) for number in range(60)]
COMMON = {
    "dataset_type": "text/csv", "headers": ["y", "a", "b"], "label": "y",
    "label_values_or_threshold": [1],
    "facet": [{"name_or_index": "b", "value_or_threshold": [0.45]}],
}  # fmt: skip
PREDICTOR = {"content_type": "text/csv", "accept_type": "text/csv"}
CONFIGS: dict[str, dict[str, Any]] = {
    "cfg": {**COMMON, "methods": {"pre_training_bias": {"methods": "all"}}},
    "cfg2": {**COMMON, "predictor": PREDICTOR, "probability_threshold": 2.0,
             "methods": {"post_training_bias": {"methods": ["DPPL"]}}},
    "cfg3": {"dataset_type": "text/csv", "headers": ["y", "a", "b"], "label": "y",
             "predictor": PREDICTOR, "methods": {"shap": {
                 "baseline": [[0.0, 0.0]], "num_samples": 50, "agg_method": "mean_abs"}}},
}  # fmt: skip
"""Analysis configurations, by the folder that the definition names."""


def csv_text(rows: Sequence[tuple[float, ...]]) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


class Monitored:
    """The definition, the data and the model around it, and the baselines it is compared with."""

    def __init__(self, embedded: Embedded) -> None:
        shared_environments(embedded.home)
        self.embedded = embedded
        # a bucket's name has three characters or more
        text = json.dumps(read("v2-quality-clarify-monitor")).replace("s3://b/", "s3://bb/")
        self.document: dict[str, Any] = json.loads(text)

    def stage(self, document: dict[str, Any]) -> Stage:
        """Set up, with everything that the definition names put where it says."""
        embedded = self.embedded
        stage = Stage(embedded, document, images={})
        for folder, config in CONFIGS.items():
            embedded.put(f"{BUCKET}/{folder}/analysis_config.json", json.dumps(config))
        for name in ("train.csv", "t.csv"):
            embedded.put(f"{BUCKET}/{name}", csv_text(ROWS))
        embedded.put(f"{BUCKET}/pred.csv", "_c0,_c1\n1,2\n3,3\n")
        embedded.put(f"{BUCKET}/batch.csv", "1,2\n3,4\n")
        data = pack_model(embedded.home, "s3://bb/served/model.tar.gz", MODEL)
        primary = container(data, SAGEMAKER_PROGRAM="inference.py")
        models(embedded.home.root).write(
            "my-model", {"ModelName": "my-model", "PrimaryContainer": primary}
        )
        return stage

    async def make_baselines(self) -> None:
        """Let the checks make baselines, and approve a version of the model that has them."""
        first = copy.deepcopy(self.document)
        first["Steps"] = [one for one in first["Steps"] if "CheckType" in one]
        for one in first["Steps"]:
            one |= {"SkipCheck": True, "RegisterNewBaseline": True, "CacheConfig": None}
        state = await self.stage(first).run()
        assert state.execution.status is ExecutionStatus.SUCCEEDED, ends(state)
        for name in CLARIFY:
            made = properties(state, name)["CalculatedBaselineConstraints"]
            self.embedded.put(f"{BASE}/{name}/analysis.json", self.embedded.get(made))
        for file, copies in (("statistics", ("s", "stats")), ("constraints", ("c", "approved"))):
            text = self.embedded.get(f"{BUCKET}/mon/{file}.json")
            for name in copies:
                self.embedded.put(f"s3://bb/{name}.json", text)
        await self.approve()

    async def approve(self) -> None:
        """Register a version whose baselines are those of the checks."""
        given = {
            kind: {member: {"ContentType": "application/json",
                            "S3Uri": f"{BASE}/{check}/analysis.json"}
                   for member, check in members.items()}
            for kind, members in CONSTRAINTS.items()
        }  # fmt: skip
        given["ModelDataQuality"] = {"Constraints": {"S3Uri": "s3://bb/approved.json"}}
        step = {"Name": "Approve", "Type": "RegisterModel", "Arguments": {
            "ModelPackageGroupName": "ChecksGroup", "ModelApprovalStatus": "Approved",
            "DriftCheckBaselines": given}}  # fmt: skip
        await self.embedded.run({"Version": "2020-12-01", "Steps": [step]})

    async def run(self, parameters: dict[str, Any] | None = None) -> tuple[ExecutionState, Stage]:
        stage = self.stage(self.document)
        return await stage.run(parameters), stage


async def test_every_check_passes_against_the_baselines_of_the_approved_version(
    embedded: Embedded,
) -> None:
    monitored = Monitored(embedded)
    await monitored.make_baselines()
    state, stage = await monitored.run()
    check(state, stage, dict.fromkeys(stage.definition.steps, OK))
    for name in CLARIFY:
        used = properties(state, name)["BaselineUsedForDriftCheckConstraints"]
        assert used == f"{BASE}/{name}/analysis.json"
        assert "ViolationReport" not in state.steps[name].metadata["ClarifyCheck"]
    # the definition's own slip: it has content type and URI the wrong way round
    metrics = arguments(state, "RegisterWithBaselines-RegisterModel")["ModelMetrics"]
    assert metrics["Bias"]["Report"]["ContentType"] == f"{BUCKET}/bias/analysis.json"
    # MonitorBatchTransform with monitor_before_transform: the check is over before the batch
    monitoring, transform = (state.steps[f"MonBT-{name}"] for name in ("monitoring", "transform"))
    assert monitoring.ended_at is not None and transform.started_at is not None
    assert monitoring.ended_at <= transform.started_at
    assert (monitoring.display_name, transform.display_name) == ("mbt-monitoring", "mbt-transform")
    assert stage.text(f"{BUCKET}/mbt/batch.csv.out").split() == ["0.0", "2.0"]


async def test_a_check_that_finds_a_drift_stops_what_comes_after_it(embedded: Embedded) -> None:
    monitored = Monitored(embedded)
    await monitored.make_baselines()
    spoiled = json.loads(embedded.get("s3://bb/c.json"))
    spoiled["features"][0]["inferred_type"] = "String"
    embedded.put("s3://bb/c.json", json.dumps(spoiled))
    state, _ = await monitored.run()
    monitoring = state.steps["MonBT-monitoring"]
    assert monitoring.status is NO
    assert monitoring.failure_reason.startswith("ClientError: Quality check failed.")
    assert state.steps["MonBT-transform"].status is OUT
    assert state.execution.status is ExecutionStatus.FAILED


async def test_a_batch_may_be_monitored_after_its_transform(embedded: Embedded) -> None:
    """What the SDK makes without monitor_before_transform: the dependency the other way round."""
    monitored = Monitored(embedded)
    await monitored.make_baselines()
    steps = {one["Name"]: one for one in monitored.document["Steps"]}
    transform, monitoring = steps["MonBT-transform"], steps["MonBT-monitoring"]
    del transform["DependsOn"]
    monitoring["DependsOn"] = ["MonBT-transform"]
    monitored.document["Steps"] = [monitoring, transform]
    state, stage = await monitored.run()
    check(state, stage, {"MonBT-transform": OK, "MonBT-monitoring": OK})
    after, before = state.steps["MonBT-monitoring"], state.steps["MonBT-transform"]
    assert after.started_at is not None and before.ended_at is not None
    assert before.ended_at <= after.started_at
