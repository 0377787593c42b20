"""Tables 3.1, 3.6 and 3.7: what a run tells, when a step runs again, what a result depends on."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from engine.definition.document import RetryPolicy, Step
from engine.model.status import ExecutionStatus, StepStatus
from engine.planning.cache_key import cache_key, digest
from engine.planning.retry import ExceptionType, next_retry
from tests.engine.embedded import Embedded, definition, processing
from tests.unit.definition.samples import fn, look

# --- 3.1: statuses and metadata --------------------------------------------------------------

EXECUTION_STATUSES = {
    "Executing", "Stopping", "Stopped", "Failed", "Succeeded", "CompletedWithFailures",
}  # fmt: skip
STEP_STATUSES = {"Starting", "Executing", "Stopping", "Stopped", "Failed", "Succeeded"}
OURS = {"Waiting", "Blocked", "Skipped"}


def test_the_statuses_are_those_of_the_service_and_ours_are_of_steps_that_never_start() -> None:
    assert {str(one) for one in ExecutionStatus} == EXECUTION_STATUSES
    assert {str(one) for one in StepStatus} - OURS == STEP_STATUSES


@pytest.mark.parametrize(("message", "reason"), [("bad {}", "bad {}"), ("", "")])
async def test_fail_tells_its_message_even_an_empty_one(
    embedded: Embedded, message: str, reason: str
) -> None:
    fail = {"Name": "F", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
    state = await embedded.run(definition(fail))
    assert state.steps["F"].metadata == {"Fail": {"ErrorMessage": message}}
    assert state.steps["F"].failure_reason == reason
    assert state.execution.failure_reason == "Step failure: One or multiple steps failed"


# --- 3.6: retry policies ---------------------------------------------------------------------


def policies(**given: Any) -> tuple[RetryPolicy, ...]:
    """The policy of a step, as the definition says it."""
    policy = {"ExceptionType": ["Step.THROTTLING"], **given}
    found = look(fn("A", RetryPolicies=[policy]))
    assert found.definition is not None and found.valid, found.errors
    return found.definition.steps["A"].retry_policies


@pytest.mark.parametrize(("given", "delays"), [
    pytest.param({}, [1, 2, 4, 8, 16], id="defaults"),
    pytest.param({"MaxAttempts": 2}, [1, 2], id="MaxAttempts"),
    pytest.param({"MaxAttempts": 0}, [], id="MaxAttempts 0"),
    pytest.param({"IntervalSeconds": 30, "MaxAttempts": 2}, [30, 60], id="IntervalSeconds"),
    pytest.param({"BackoffRate": 1.0, "MaxAttempts": 3}, [1, 1, 1], id="BackoffRate"),
    pytest.param({"ExpireAfterMin": 1, "IntervalSeconds": 10}, [10, 20], id="ExpireAfterMin"),
    pytest.param({"ExpireAfterMin": 0}, [], id="ExpireAfterMin 0"),
    pytest.param({"ExceptionType": "Step.THROTTLING", "MaxAttempts": 1}, [1], id="ExceptionType"),
])  # fmt: skip
def test_a_policy_says_how_often_and_when_a_step_runs_again(
    given: dict[str, Any], delays: list[float]
) -> None:
    """Attempts that fail at once; the clock is that of the delays."""
    made: list[float] = []
    while retry := next_retry(
        policies(**given), "Lambda", ExceptionType.THROTTLING,
        tried=len(made), since_start_s=sum(made),
    ):  # fmt: skip
        made.append(retry.delay_s)
    assert made == delays


# --- 3.7: cache keys -------------------------------------------------------------------------


def nested(*paths: str) -> dict[str, Any]:
    """An object with a value at each dotted path."""
    found: dict[str, Any] = {}
    for path in paths:
        *folders, last = path.split(".")
        inner = found
        for name in folders:
            inner = inner.setdefault(name, {})
        inner[last] = "one"
    return found


def changed(value: Mapping[str, Any], path: str) -> dict[str, Any]:
    other = copy.deepcopy(dict(value))
    *folders, last = path.split(".")
    inner = other
    for name in folders:
        inner = inner[name]
    inner[last] = "other"
    return other


JOB_OF_TUNING = [
    f"TrainingJobDefinition.{name}"
    for name in ("AlgorithmSpecification", "HyperParameterRanges", "InputDataConfig",
                 "StaticHyperParameters", "TuningObjective")
]  # fmt: skip
KEYS: dict[str, tuple[list[str], list[str]]] = {
    "Processing": (
        ["AppSpecification", "Environment", "ProcessingInputs"],
        ["ProcessingOutputConfig", "ProcessingResources", "RoleArn", "StoppingCondition"]),
    "Training": (
        ["AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig",
         "DebugRuleConfigurations", "Environment", "HyperParameters", "InputDataConfig"],
        ["OutputDataConfig", "ResourceConfig", "RoleArn", "StoppingCondition"]),
    "Tuning": (
        ["HyperParameterTuningJobConfig", *JOB_OF_TUNING, "TrainingJobDefinitions"],
        ["TrainingJobDefinition.RoleArn", "TrainingJobDefinition.OutputDataConfig",
         "TrainingJobDefinition.ResourceConfig", "WarmStartConfig"]),
    "AutoML": (
        ["AutoMLJobConfig.CompletionCriteria", "AutoMLJobConfig.CandidateGenerationConfig",
         "AutoMLJobConfig.DataSplitConfig", "AutoMLJobConfig.Mode", "AutoMLJobObjective",
         "InputDataConfig", "ProblemType"],
        ["AutoMLJobConfig.SecurityConfig", "OutputDataConfig", "RoleArn"]),
    "Transform": (
        ["DataProcessing", "Environment", "ModelName", "TransformInput"],
        ["TransformOutput", "TransformResources", "MaxPayloadInMB"]),
    "ClarifyCheck": (["AppSpecification", "ProcessingInputs", "ProcessingOutputConfig"], []),
    "QualityCheck": (["AppSpecification", "Environment", "ProcessingOutputConfig"], []),
    "EMR": (["ClusterId", "ClusterConfig", "StepConfig"], ["ExecutionRoleArn"]),
    "Lambda": (["anything"], []),
    "Callback": (["anything"], []),
    "EMRServerless": (["ApplicationId", "JobConfig", "ExecutionRoleArn"], []),
    "Endpoint": (["EndpointName", "EndpointConfigName"], []),
    "EndpointConfig": (["EndpointConfigName", "ProductionVariants"], []),
    "Job": (["JobCategory", "JobConfigDocument", "RoleArn"], []),
}  # fmt: skip
"""The members of Arguments that make a result another one, and some that do not."""
CHECK = ["SkipCheck", "RegisterNewBaseline", "ModelPackageGroupName", "SuppliedBaselineConstraints"]
BESIDE: dict[str, tuple[list[str], list[str]]] = {
    "ClarifyCheck": (CHECK, ["FailOnViolation"]),
    "QualityCheck": ([*CHECK, "SuppliedBaselineStatistics"], ["FailOnViolation"]),
    "Lambda": (["FunctionArn"], []),
    "Callback": (["SqsQueueUrl"], []),
}
"""The same for the keys beside Arguments."""


def mark(step_type: str, given: Mapping[str, Any], beside: Mapping[str, Any]) -> str:
    return digest(cache_key(Step("S", step_type), given, beside, {}))


@pytest.mark.parametrize("step_type", KEYS)
def test_exactly_the_fields_of_the_table_make_a_result_another_one(step_type: str) -> None:
    inside, outside = KEYS[step_type]
    extra_in, extra_out = BESIDE.get(step_type, ([], []))
    given, beside = nested(*inside, *outside), nested(*extra_in, *extra_out)
    same = mark(step_type, given, beside)
    for path in inside:
        assert mark(step_type, changed(given, path), beside) != same, path
    for path in outside:
        assert mark(step_type, changed(given, path), beside) == same, path
    for path in extra_in:
        assert mark(step_type, given, changed(beside, path)) != same, path
    for path in extra_out:
        assert mark(step_type, given, changed(beside, path)) == same, path


async def test_an_execution_id_in_an_output_is_harmless_and_in_an_input_kills_the_cache(
    embedded: Embedded,
) -> None:
    execution = {"Get": "Execution.PipelineExecutionId"}
    here = {"Std:Join": {"On": "/", "Values": ["s3://bucket", execution]}}
    cache: dict[str, Any] = {"CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"}}
    first = processing("First", "echo 1 > /opt/ml/processing/o/f", outputs={"o": "x"}, **cache)
    first["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = here
    output = {"Get": "Steps.First.ProcessingOutputConfig.Outputs['o'].S3Output.S3Uri"}
    chained = processing("Chained", "true", inputs={"i": "x"}, **cache)
    chained["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] = output
    varying = {"Environment": {"ID": execution}}
    never = processing("Never", "true", arguments=varying, **cache)
    file = embedded.write(definition(first, chained, never))
    one, two = await embedded.run(file), await embedded.run(file)
    hits = {name: view.source_execution for name, view in two.steps.items()}
    assert hits == {"First": one.execution.id, "Chained": one.execution.id, "Never": ""}
