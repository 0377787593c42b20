"""The abalone pipeline as the real SDK compiles it, run on the real data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.model.status import ApprovalStatus, ExecutionStatus, StepStatus
from tests.engine.embedded import Embedded
from tests.environments import shared_environments
from tests.shared import SHARED, needs_shared

CODE = Path(__file__).parent / "abalone"
DEFINITION = Path(__file__).parents[1] / "definitions" / "v2-abalone-full.json"
BUCKET = "s3://pipetui-test-bucket"
RUNNABLE = (
    "AbaloneProcess", "AbaloneTrain", "AbaloneEval", "AbaloneMSECond",
    "AbaloneRegister-RegisterModel", "AbaloneCreate-CreateModel", "AbaloneMSEFail",
)  # fmt: skip
"""All but the batch transform."""


@needs_shared
@pytest.mark.environments
async def test_sdk_made_abalone_definition_trains_evaluates_and_registers(
    embedded: Embedded,
) -> None:
    shared_environments(embedded.home)
    for entry in json.loads(DEFINITION.read_text())["Steps"]:
        for source in entry["Arguments"].get("ProcessingInputs", ()):
            uri = source["S3Input"]["S3Uri"]
            if isinstance(uri, str) and uri.endswith(".py"):
                embedded.put(uri, (CODE / uri.rsplit("/", 1)[-1]).read_text())
    embedded.put(f"{BUCKET}/abalone/raw.csv", (SHARED / "data/abalone/abalone.csv").read_text())

    state = await embedded.run(str(DEFINITION), selection=RUNNABLE)

    reasons = {s.name: s.failure_reason for s in state.steps.values() if s.failure_reason}
    assert state.execution.status is ExecutionStatus.SUCCEEDED, reasons
    assert state.steps["AbaloneMSECond"].outcome is True
    assert state.steps["AbaloneMSEFail"].status is StepStatus.SKIPPED
    assert state.steps["AbaloneTransform"].status is StepStatus.SKIPPED

    train = state.steps["AbaloneTrain"]
    job = train.properties["TrainingJobName"]
    model = train.properties["ModelArtifacts"]["S3ModelArtifacts"]
    assert model == f"{BUCKET}/AbaloneTrain/{job}/output/model.tar.gz"
    assert "[49]\ttrain-rmse:" in embedded.log(train)

    evaluation = f"{BUCKET}/AbalonePipeline/{state.execution.id}/AbaloneEval/output/evaluation"
    report = json.loads(embedded.get(f"{evaluation}/evaluation.json"))
    # The template's own threshold is 6.0; published runs of it lie between 4 and 5.
    assert 3.5 < report["regression_metrics"]["mse"]["value"] < 6.0

    store = await embedded.store()
    (package,) = await store.packages("AbaloneGroup")
    await store.close()
    assert package.version == 1
    assert package.approval is ApprovalStatus.PENDING
    assert package.request["CustomerMetadataProperties"] == {"exec": state.execution.id}
    assert state.steps["AbaloneCreate-CreateModel"].properties["ModelName"]
