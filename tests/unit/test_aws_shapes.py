"""Our JSON has the members of the AWS API's own output shapes, by botocore's service model."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import botocore.loaders
import botocore.model
import pytest

from engine.model import events as e
from engine.model.events import Event, Fact
from engine.model.status import ApprovalStatus, ExecutionStatus, StepAction, StepStatus
from engine.model.views import Approval, AttemptView, ExecutionView, ModelPackageView, StepView
from engine.sources.aws_shapes import (
    EXECUTION_CHANGE,
    STEP_CHANGE,
    StatusChanges,
    describe_execution,
    list_executions,
    list_packages,
    list_steps,
)

EXECUTION = ExecutionView(
    id="abcdefghij12",
    pipeline="Abalone",
    status=ExecutionStatus.FAILED,
    created_at=1_700_000_000.25,
    definition="0" * 64,
    file="/data/pipeline.json",
    display_name="night run",
    description="every night",
    parameters={"Rounds": 5, "Rate": 0.1, "Mode": "fast"},
    max_parallel=3,
    source_execution="source123456",
    selection=("Train", "Evaluate"),
    modified_at=1_700_000_060.0,
    ended_at=1_700_000_060.0,
    failure_reason="Step failure: One or multiple steps failed",
    created_by="ada@build",
    steps_total=4,
    runner_pid=4711,
    epoch=2,
)


def step(name: str, **changes: Any) -> StepView:
    return StepView(**{"execution_id": EXECUTION.id, "index": 0, "name": name, "type": "Training"}
                    | changes)  # fmt: skip


STEPS = [
    step(
        "Train",
        status=StepStatus.FAILED,
        display_name="Train it",
        started_at=1_700_000_001.0,
        ended_at=1_700_000_059.5,
        failure_reason="AlgorithmError: boom",
        attempts=(AttemptView(1, StepStatus.FAILED, 1_700_000_001.0, 1_700_000_059.5, "/a/1"),),
        metadata={"TrainingJob": {"Arn": "arn:aws:sagemaker:local:000000000000:training-job/x"}},
    ),
    step(
        "Prepare",
        status=StepStatus.SUCCEEDED,
        action=StepAction.REUSED,
        source_execution="source123456",
        metadata={"ProcessingJob": {"Arn": "arn"}},
    ),
    step(
        "Cached",
        status=StepStatus.SUCCEEDED,
        action=StepAction.CACHED,
        source_execution="source123456",
        metadata={"Condition": {"Outcome": "True", "Compared": [{"Result": True}]}},
    ),
    step(
        "Approve",
        type="Callback",
        status=StepStatus.SUCCEEDED,
        metadata={
            "Callback": {
                "CallbackToken": "abcdefghij",
                "SqsQueueUrl": "https://queue",
                "OutputParameters": [
                    {"Name": "By", "Value": "ada"},
                    {"Name": "Percent", "Value": 10},
                    {"Name": "Canary", "Value": True},
                ],
            }
        },
    ),
    step("Register", status=StepStatus.BLOCKED, reason="Train failed"),
]

PACKAGE = ModelPackageView(
    arn="arn:aws:sagemaker:local:000000000000:model-package/abalone/3",
    group="abalone",
    version=3,
    approval=ApprovalStatus.APPROVED,
    created_at=1_700_000_050.0,
    request={
        "ModelPackageDescription": "a model",
        "ModelLifeCycle": {"Stage": "staging", "StageStatus": "Approved"},
        "CustomerMetadataProperties": {"release": "r1"},
    },
    approvals=(
        Approval(
            1_700_000_070.0, "ada@build", ApprovalStatus.PENDING, ApprovalStatus.APPROVED, "good"
        ),
    ),
)


@pytest.fixture(scope="module")
def service() -> botocore.model.ServiceModel:
    model = botocore.loaders.Loader().load_service_model("sagemaker", "service-2")
    return botocore.model.ServiceModel(model, "sagemaker")


def assert_shape(value: Any, shape: botocore.model.Shape, path: str = "$") -> None:
    """Every member is one of the shape's, and of its type; ``Local`` aside."""
    match shape.type_name:
        case "structure":
            assert isinstance(value, dict), path
            for name, inner in value.items():
                if name != "Local":
                    assert name in shape.members, f"{path} has no member {name} in the API"
                    assert_shape(inner, shape.members[name], f"{path}.{name}")
        case "list":
            assert isinstance(value, list), path
            for index, inner in enumerate(value):
                assert_shape(inner, shape.member, f"{path}[{index}]")
        case "map":
            assert isinstance(value, dict), path
            for name, inner in value.items():
                assert_shape(inner, shape.value, f"{path}.{name}")
        case "timestamp":
            assert datetime.fromisoformat(value).tzinfo is not None, path
        case "string":
            assert isinstance(value, str), path
        case "integer" | "long":
            assert isinstance(value, int), path
        case "boolean":
            assert isinstance(value, bool), path
        case other:
            pytest.fail(f"{path} is of type {other}, which no member of ours should be")


def test_an_execution_has_the_shape_of_describe_pipeline_execution(
    service: botocore.model.ServiceModel,
) -> None:
    found = describe_execution(EXECUTION)
    assert_shape(found, service.operation_model("DescribePipelineExecution").output_shape)
    assert found["PipelineExecutionStatus"] == "Failed"
    assert found["PipelineExecutionArn"].endswith(":pipeline/abalone/execution/abcdefghij12")
    assert found["CreationTime"] == "2023-11-14T22:13:20.250Z"
    assert found["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 3}
    assert found["SelectiveExecutionConfig"]["SelectedSteps"] == [
        {"StepName": "Train"},
        {"StepName": "Evaluate"},
    ]
    assert (found["Local"]["RunnerPid"], found["Local"]["LeaseEpoch"]) == (4711, 2)


def test_what_an_execution_does_not_have_is_left_out_as_aws_does() -> None:
    bare = ExecutionView("abcdefghij12", "p", ExecutionStatus.EXECUTING, 1.0)
    assert set(describe_execution(bare)) == {
        "PipelineArn",
        "PipelineExecutionArn",
        "PipelineExecutionStatus",
        "CreationTime",
        "LastModifiedTime",
        "Local",
    }


def test_executions_have_the_shape_of_list_pipeline_executions(
    service: botocore.model.ServiceModel,
) -> None:
    found = list_executions([EXECUTION])
    assert_shape(found, service.operation_model("ListPipelineExecutions").output_shape)
    [summary] = found["PipelineExecutionSummaries"]
    assert summary["PipelineExecutionFailureReason"] == EXECUTION.failure_reason


def test_steps_have_the_shape_of_list_pipeline_execution_steps(
    service: botocore.model.ServiceModel,
) -> None:
    found = list_steps(EXECUTION, STEPS)
    assert_shape(found, service.operation_model("ListPipelineExecutionSteps").output_shape)


def test_every_step_is_listed_also_one_that_never_started() -> None:
    found = list_steps(EXECUTION, STEPS)["PipelineExecutionSteps"]
    assert [one["StepName"] for one in found] == [one.name for one in STEPS]
    assert found[-1]["StepStatus"] == "Blocked"
    assert "StartTime" not in found[-1]
    assert found[-1]["Local"]["Reason"] == "Train failed"


def test_a_reused_and_a_cached_step_name_the_execution_their_result_comes_from() -> None:
    _, reused, cached, *_ = list_steps(EXECUTION, STEPS)["PipelineExecutionSteps"]
    origin = {
        "SourcePipelineExecutionArn": "arn:aws:sagemaker:local:000000000000:"
        "pipeline/abalone/execution/source123456"
    }
    assert reused["SelectiveExecutionResult"] == origin
    assert "CacheHitResult" not in reused
    assert cached["CacheHitResult"] == origin
    assert "SelectiveExecutionResult" not in cached


def test_output_parameters_are_text_as_in_the_api() -> None:
    callback = list_steps(EXECUTION, STEPS)["PipelineExecutionSteps"][3]["Metadata"]["Callback"]
    assert [one["Value"] for one in callback["OutputParameters"]] == ["ada", "10", "true"]


def test_model_packages_have_the_shape_of_list_model_packages(
    service: botocore.model.ServiceModel,
) -> None:
    found = list_packages([PACKAGE])
    assert_shape(found, service.operation_model("ListModelPackages").output_shape)
    [summary] = found["ModelPackageSummaryList"]
    assert summary["ModelApprovalStatus"] == "Approved"
    assert summary["Local"]["Approvals"][0]["By"] == "ada@build"


def history(*facts: Fact) -> list[Event]:
    created = e.ExecutionCreated(
        "Abalone", "0" * 64, {}, (e.StepDeclared("Train", "Training"),), display_name="night run"
    )
    return [
        Event(seq, "abcdefghij12", 1_700_000_000.0 + seq, "runner", fact)
        for seq, fact in enumerate((created, *facts), 1)
    ]


def told(*facts: Fact) -> list[dict[str, Any]]:
    changes = StatusChanges()
    return [one for event in history(*facts) for one in changes.take(event)]


WHOLE_RUN: tuple[Fact, ...] = (
    e.RunnerAttached(1, 1, "build"),
    e.StepStarted("Train", 1, {}, "/a/1"),
    e.StepProgressed("Train", "copying inputs"),
    e.StepExecuting("Train", 1, metadata={"TrainingJob": {"Arn": "arn:job"}}),
    e.StepFailed("Train", "AlgorithmError: boom"),
    e.ExecutionEnded(ExecutionStatus.FAILED, "Step failure: One or multiple steps failed"),
)


def test_events_tell_each_status_change_once_in_order() -> None:
    details = [(one["detail-type"], one["detail"]) for one in told(*WHOLE_RUN)]
    assert [
        detail.get("currentStepStatus") or detail["currentPipelineExecutionStatus"]
        for _, detail in details
    ] == ["Executing", "Starting", "Executing", "Failed", "Failed"]
    assert [kind for kind, _ in details] == [
        EXECUTION_CHANGE,
        STEP_CHANGE,
        STEP_CHANGE,
        STEP_CHANGE,
        EXECUTION_CHANGE,
    ]


def test_a_step_event_has_the_members_eventbridge_gives_it() -> None:
    failed = told(*WHOLE_RUN)[3]
    assert set(failed) - {"Local"} == {
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    }
    assert (failed["version"], failed["source"]) == ("0", "aws.sagemaker")
    assert failed["detail"] == {
        "stepName": "Train",
        "stepType": "Training",
        "currentStepStatus": "Failed",
        "previousStepStatus": "Executing",
        "stepStartTime": "2023-11-14T22:13:23.000Z",
        "stepEndTime": "2023-11-14T22:13:26.000Z",
        "failureReason": "AlgorithmError: boom",
        "metadata": {"trainingJob": {"arn": "arn:job"}},
        "pipelineArn": "arn:aws:sagemaker:local:000000000000:pipeline/abalone",
        "pipelineExecutionArn": "arn:aws:sagemaker:local:000000000000:"
        "pipeline/abalone/execution/abcdefghij12",
    }


def test_the_last_execution_event_says_when_it_ended_and_from_what() -> None:
    detail = told(*WHOLE_RUN)[-1]["detail"]
    assert detail["previousPipelineExecutionStatus"] == "Executing"
    assert detail["executionEndTime"] == "2023-11-14T22:13:27.000Z"
    assert detail["pipelineExecutionDisplayName"] == "night run"


def test_a_retold_event_has_the_same_id_and_no_two_share_one() -> None:
    once, again = told(*WHOLE_RUN), told(*WHOLE_RUN)
    assert [one["id"] for one in once] == [one["id"] for one in again]
    assert len({one["id"] for one in once}) == len(once)


def test_a_step_that_will_not_start_makes_no_event() -> None:
    found = told(e.StepBlocked("Train", "something failed"))
    assert [one["detail-type"] for one in found] == [EXECUTION_CHANGE]


def test_a_cache_hit_is_told_with_its_source() -> None:
    [_, hit] = told(e.StepReused("Train", "source123456", cached=True))
    assert hit["detail"]["currentStepStatus"] == "Succeeded"
    assert "previousStepStatus" not in hit["detail"]
    assert hit["detail"]["cacheHitResult"]["sourcePipelineExecutionArn"].endswith("/source123456")


def test_a_retry_tells_the_execution_and_the_new_attempt() -> None:
    found = told(*WHOLE_RUN, e.ExecutionRetried(("Train",)), e.StepStarted("Train", 2, {}, "/a/2"))[
        -2:
    ]
    assert found[0]["detail"]["previousPipelineExecutionStatus"] == "Failed"
    assert found[0]["detail"]["currentPipelineExecutionStatus"] == "Executing"
    assert found[1]["detail"]["currentStepStatus"] == "Starting"
