"""Table 1.4: what each step type keeps of its request, promises to later steps, and tells."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from engine.config import Config
from engine.definition.document import TOLERATED_TYPES, RetryPolicy, Step, StepType
from engine.definition.loader import examine
from engine.model.status import StepStatus
from engine.planning.cache_key import CACHEABLE
from engine.planning.retry import ExceptionType, Retry, next_retry
from engine.steps.handlers import refuse
from tests.conformance.programs import INFERENCE
from tests.conformance.stage import Stage, arguments, check, properties
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.serving import container, model_step, pack_model, transform_step
from tests.engine.test_checks import ROWS, quality_check
from tests.engine.test_emr import emr, serverless
from tests.engine.test_lineage import full
from tests.engine.test_registry import registering
from tests.engine.test_training import training
from tests.engine.test_tuning import SQUARE, tuning
from tests.unit.definition.samples import document, fn

OK = StepStatus.SUCCEEDED
ARN = re.compile(r"arn:aws:[a-z-]+:[a-z0-9-]+:\d{12}:\S+")
TIME = re.compile(r"\d+\.\d+")
ANY = re.compile(r".+", re.DOTALL)
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/q"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
OUTPUTS = [{"OutputName": "o", "OutputType": "Float"}]
MODEL = "s3://bucket/factor/model.tar.gz"


@dataclass(frozen=True)
class Row:
    """A step type.

    Args:
        step: one of this type, called ``S`` if it does not say otherwise.
        promises: what a later step reads of it: the path -> its value, or what matches it.
        tells: members of its metadata.
        before: the steps that it needs.
        answer: what somebody answers a Callback with.
    """

    step: Mapping[str, Any]
    promises: Mapping[str, Any] = field(default_factory=dict)
    tells: Mapping[str, Any] = field(default_factory=dict)
    before: tuple[Mapping[str, Any], ...] = ()
    answer: Mapping[str, Any] | None = None
    metadata: str = ""


def described(kind: str, **more: Any) -> dict[str, Any]:
    """What the description of every job says."""
    return {f"{kind}Name": ANY, f"{kind}Arn": ARN, f"{kind}Status": "Completed",
            "CreationTime": TIME, **more}  # fmt: skip


JOB_ARN = {"Arn": ARN}
ROWS_1_4: dict[str, Row] = {
    "Processing": Row(
        processing("S", "true", inputs={"x": "s3://bucket/in"}, outputs={"train": "s3://b-b/o"}),
        described("ProcessingJob", **{
            "ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri": "s3://b-b/o",
            "ProcessingInputs['x'].S3Input.S3Uri": "s3://bucket/in",
            "ProcessingResources.ClusterConfig.InstanceCount": 1,
            "ProcessingStartTime": TIME, "ProcessingEndTime": TIME, "LastModifiedTime": TIME,
        }), JOB_ARN, metadata="ProcessingJob"),
    "Training": Row(
        training(
            "S", "echo val=0.5; echo 1 > /opt/ml/model/m", channels={"train": "s3://bucket/in"},
            algorithm={"MetricDefinitions": [{"Name": "val:acc", "Regex": "val=(.*)"}]},
            arguments={"Environment": {"K": "v"}},
        ), described("TrainingJob", **{
            "ModelArtifacts.S3ModelArtifacts": re.compile(r"s3://bucket/models/.+/model.tar.gz"),
            "FinalMetricDataList['val:acc'].Value": 0.5,
            "InputDataConfig[0].DataSource.S3DataSource.S3Uri": "s3://bucket/in",
            "Environment['K']": "v", "SecondaryStatus": "Completed",
            "TrainingStartTime": TIME, "TrainingEndTime": TIME, "LastModifiedTime": TIME,
        }), JOB_ARN, metadata="TrainingJob"),
    "Tuning": Row(
        tuning(SQUARE, name="S"), described("HyperParameterTuningJob", **{
            "BestTrainingJob.TrainingJobName": ANY,
            "BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value": TIME,
            "TrainingJobSummaries[0].TrainingJobName": ANY,
            "TrainingJobSummaries[2].TrainingJobName": ANY,
        }), JOB_ARN, metadata="TuningJob"),
    "Transform": Row(
        transform_step("S", "M", "s3://bucket/in", "s3://bucket/scored"),
        described("TransformJob", **{
            "TransformOutput.S3OutputPath": "s3://bucket/scored", "ModelName": ANY,
            "TransformStartTime": TIME, "TransformEndTime": TIME,
        }), JOB_ARN, (model_step("M", container(MODEL)),), metadata="TransformJob"),
    "Model": Row(
        model_step("S", container(MODEL)),
        {"ModelName": ANY, "ModelArn": ARN, "CreationTime": TIME,
         "PrimaryContainer.ModelDataUrl": MODEL}, JOB_ARN),
    "RegisterModel": Row(
        registering("S", group="g"),
        {"ModelPackageArn": ARN, "ModelPackageVersion": 1, "ModelPackageGroupName": "g",
         "ModelPackageStatus": "Completed", "ModelApprovalStatus": "PendingManualApproval",
         "InferenceSpecification.Containers[0].ModelDataUrl": ANY, "CreationTime": TIME}, JOB_ARN),
    "Condition": Row(
        {"Name": "S", "Type": "Condition",
         "Arguments": {"Conditions": [], "IfSteps": [], "ElseSteps": []}},
        {"Outcome": True}, {"Outcome": "True"}),
    "Callback": Row(
        {"Name": "S", "Type": "Callback", "Arguments": {"a": 1}, "SqsQueueUrl": QUEUE,
         "OutputParameters": OUTPUTS}, {"OutputParameters['o']": 0.5},
        {"CallbackToken": re.compile(r"[A-Za-z0-9]{10}"), "SqsQueueUrl": QUEUE,
         "OutputParameters": [{"Name": "o", "Value": 0.5}]}, answer={"o": "0.5"}),
    "Lambda": Row(
        {"Name": "S", "Type": "Lambda", "Arguments": {"a": 1}, "FunctionArn": FUNCTION,
         "OutputParameters": OUTPUTS}, {"OutputParameters['o']": 0.75},
        {"Arn": FUNCTION, "OutputParameters": [{"Name": "o", "Value": 0.75}]}),
    "QualityCheck": Row(
        quality_check("S", SkipCheck=True, RegisterNewBaseline=True), {
            f"{kind}{file}": f"s3://out/S/{file.lower()}.json"
            for kind in ("CalculatedBaseline", "BaselineUsedForDriftCheck")
            for file in ("Statistics", "Constraints")
        }, {"CheckType": "DATA_QUALITY", "CheckJobArn": ARN, "SkipCheck": True,
            "RegisterNewBaseline": True, **{
                f"{kind}{file}": f"s3://out/S/{file.lower()}.json"
                for kind in ("CalculatedBaseline", "BaselineUsedForDriftCheck")
                for file in ("Statistics", "Constraints")}}),
    "EMR": Row(
        {**emr("true"), "Name": "S"},
        {"ClusterId": "j-1ABCDEFG2HIJK", "Id": re.compile("s-.+"), "Status.State": "COMPLETED",
         "Config.Jar": "command-runner.jar"},
        {"ClusterId": "j-1ABCDEFG2HIJK", "StepId": re.compile("s-.+"), "StepName": ANY,
         "LogFilePath": ANY}),
    "EMRServerless": Row(
        {**serverless("s3://bucket/x.py"), "Name": "S"}, {},
        {"ApplicationId": "00f1abcdexample", "JobRunId": ANY, "JobRunName": ANY,
         "LogFilePath": ANY}),
    "EndpointConfig": Row(
        {"Name": "S", "Type": "EndpointConfig", "Arguments": {
            "EndpointConfigName": "cfg", "ProductionVariants": [
                {"VariantName": "v", "ModelName": {"Get": "Steps.M.ModelName"},
                 "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}]}},
        {"EndpointConfigName": "cfg", "EndpointConfigArn": ARN, "CreationTime": TIME,
         "ProductionVariants[0].ModelName": ANY}, JOB_ARN,
        (model_step("M", container(MODEL)),)),
    "Lineage": Row(
        {**full(), "Name": "S"},
        {"ActionArns['run']": ARN, "ArtifactArns['m']": ARN, "ContextArns['ctx']": ARN,
         "Associations[0].SourceArn": ARN},
        {"ActionArns": ANY, "ArtifactArns": ANY, "ContextArns": ANY, "Associations": ANY}),
    "Cleanup": Row(
        {"Name": "S", "Type": "Cleanup",
         "Arguments": {"Resources": {"S3": [{"StepName": "P"}]}}}, {},
        {"CleanedSteps": ANY, "FailedSteps": ANY, "SkippedSteps": ANY},
        (processing("P", "true", outputs={"o": "s3://bucket/o"}),)),
    "ForEach": Row(
        {"Name": "S", "Type": "ForEach", "Arguments": {
            "IterableItems": ["a", "b"], "MaxConcurrency": 2, "ForEachBody": [
                {"Name": "B", "Type": "Lambda", "Arguments": {"v": {"Get": "ForEach.CurrentItem"}},
                 "FunctionArn": FUNCTION, "OutputParameters": OUTPUTS}],
            "Selector": {"Pick": "MaxBy",
                         "Field": {"Get": "IterationOutput.B.OutputParameters['o']"}}}},
        {"IterationOutputs[1].B.OutputParameters['o']": 0.75,
         "Selected.OutputParameters['o']": 0.75, "Status": "Succeeded", "InputItemCount": 2,
         "TotalStepCount": 2, "SucceededStepCount": 2, "FailedStepCount": 0, "StoppedStepCount": 0},
        {"Status": "Succeeded", "InputItemCount": 2, "TotalStepCount": 2, "SucceededStepCount": 2,
         "FailedStepCount": 0, "StoppedStepCount": 0,
         "Selector": {"StepName": "B", "Index": 0}}),
}  # fmt: skip


def matches(value: Any, wanted: Any) -> bool:
    """Whether a value is the wanted one, or its text matches the wanted pattern."""
    if isinstance(wanted, re.Pattern):
        return wanted.fullmatch(str(value)) is not None
    return bool(value == wanted)


@pytest.mark.parametrize("step_type", ROWS_1_4)
async def test_a_step_keeps_its_request_and_what_it_promises_is_read_by_others(
    embedded: Embedded, step_type: str
) -> None:
    row = ROWS_1_4[step_type]
    promises = {f"v{n}": path for n, path in enumerate(row.promises)}
    ask = fn(
        "Ask",
        {key: {"Get": f"Steps.S.{path}"} for key, path in promises.items()},
        FunctionArn=f"{FUNCTION}-ask",
        OutputParameters=[],
        DependsOn=["S"],
    )
    embedded.put("s3://data/rows.csv", ROWS)
    stage = Stage(embedded, definition(*row.before, row.step, ask))
    pack_model(embedded.home, MODEL, INFERENCE, factor="2")
    embedded.put("s3://bucket/in/part-0.csv", "1,2\n")
    embedded.put("s3://bucket/x.py", "")
    state = await stage.run({}, {"S": row.answer} if row.answer else {})
    check(state, stage, {name: OK for name in stage.definition.steps if name != "B"} | (
        {"B-0": OK, "B-1": OK} if step_type == "ForEach" else {}))  # fmt: skip
    seen = {path: arguments(state, "Ask")[key] for key, path in promises.items()}
    wrong = {path: value for path, value in seen.items() if not matches(value, row.promises[path])}
    assert not wrong
    about = state.steps["S"].metadata
    assert list(about) == ([row.metadata or step_type])
    told = about[row.metadata or step_type]
    assert {key for key, wanted in row.tells.items() if matches(told.get(key), wanted)} == set(
        row.tells
    ), told
    if step_type in MIRRORED:
        kept = properties(state, "S")
        changed = [key for key, value in arguments(state, "S").items() if kept.get(key) != value]
        assert not changed


MIRRORED = frozenset({
    "Processing", "Training", "Transform", "Tuning", "Model", "RegisterModel", "EndpointConfig",
})  # fmt: skip
"""Types whose properties are the description of what their request made."""


@pytest.mark.parametrize("reference", ["Steps.S.ErrorMessage", "Steps.S.Anything"])
def test_fail_has_no_properties(reference: str) -> None:
    fail = {"Name": "S", "Type": "Fail", "Arguments": {"ErrorMessage": ""}}
    steps = document(fail, fn("Ask", {"v": {"Get": reference}}))
    (error,) = examine(json.dumps(steps)).errors
    assert error.code == "fail-referenced"


@pytest.mark.parametrize("step_type", sorted(TOLERATED_TYPES))
def test_a_type_of_unknown_format_is_refused_with_a_way_out(step_type: str) -> None:
    refused = refuse(Step("S", step_type, {}), Config())
    assert refused is not None and refused.code == "step-type-unsupported"
    assert "S" in refused.message and refused.hint


CACHED = frozenset({
    "Processing", "Training", "Tuning", "AutoML", "Transform", "Callback", "Lambda",
    "QualityCheck", "ClarifyCheck", "EMR", "EMRServerless", "EndpointConfig", "Endpoint", "Job",
})  # fmt: skip
"""Column C."""


@pytest.mark.parametrize("step_type", StepType)
def test_the_types_of_column_c_are_cached_and_no_other(step_type: str) -> None:
    assert (step_type in CACHEABLE) is (step_type in CACHED)


@pytest.mark.parametrize("step_type", [
    "Processing", "Training", "Tuning", "AutoML", "Transform", "Model", "RegisterModel",
    "EMRServerless", "EndpointConfig", "Job",
])  # fmt: skip
@pytest.mark.parametrize("failure", ExceptionType)
def test_the_types_of_column_r_are_retried_as_their_policies_say(
    step_type: str, failure: ExceptionType
) -> None:
    policies = (RetryPolicy((failure,), interval_s=3, backoff_rate=2.0, max_attempts=2),)
    retry = next_retry(policies, step_type, failure, tried=1, since_start_s=0)
    excepted = failure is ExceptionType.JOB_INTERNAL_ERROR and step_type in ("Tuning", "AutoML")
    assert retry == (None if excepted else Retry(6, policies[0]))
