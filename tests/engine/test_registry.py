"""The model registry: versions, approval, evidence, decisions (section 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from engine.errors import CommandRejected, NotFound
from engine.model.status import ApprovalStatus, ExecutionStatus, StepStatus
from engine.model.views import ModelPackageView, execution_arn
from engine.sources.control import LocalControl
from tests.engine.embedded import HOST_IMAGE, Embedded, definition, processing

A = ApprovalStatus
REPORT = "s3://bucket/report/metrics.json"


def registering(name: str = "Register", group: Any = "abalone", **more: Any) -> dict[str, Any]:
    """A RegisterModel step."""
    arguments: dict[str, Any] = {
        "InferenceSpecification": {
            "Containers": [{"Image": HOST_IMAGE, "ModelDataUrl": "s3://bucket/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        "ModelPackageGroupName": group,
        "SkipModelValidation": "None",
        **more.pop("arguments", {}),
    }
    return {"Name": name, "Type": "RegisterModel", "Arguments": arguments, **more}


def evidence(uri: Any = REPORT, kind: str = "ModelQuality") -> dict[str, Any]:
    report = {"ContentType": "application/json", "S3Uri": uri}
    return {"ModelMetrics": {kind: {"Statistics": report}, "Bias": {}}}


async def packages(embedded: Embedded, group: str = "") -> list[ModelPackageView]:
    store = await embedded.store()
    try:
        return list(await store.packages(group))
    finally:
        await store.close()


async def package_of(embedded: Embedded, step: Mapping[str, Any]) -> ModelPackageView:
    """Run a definition of one step that registers; returns the package."""
    state = await embedded.run(definition(step))
    view = state.steps["Register"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    arn = view.properties["ModelPackageArn"]
    return next(one for one in await packages(embedded) if one.arn == arn)


async def test_versions_count_up_in_each_group_over_runs(embedded: Embedded) -> None:
    document = definition(
        registering("First"),
        registering("Second", DependsOn=["First"]),
        registering("Other", group="boston"),
    )
    one, two = await embedded.run(document), await embedded.run(document)
    found = {
        (state is two, name): state.steps[name].properties["ModelPackageVersion"]
        for state in (one, two)
        for name in ("First", "Second", "Other")
    }
    assert found == {
        (False, "First"): 1, (False, "Second"): 2, (False, "Other"): 1,
        (True, "First"): 3, (True, "Second"): 4, (True, "Other"): 2,
    }  # fmt: skip
    arn = two.steps["Second"].properties["ModelPackageArn"]
    assert arn.endswith(":model-package/abalone/4")
    assert two.steps["Second"].metadata == {"RegisterModel": {"Arn": arn}}
    newest = (await packages(embedded, "abalone"))[0]
    assert (newest.version, newest.execution_id, newest.step) == (4, two.execution.id, "Second")
    assert newest.created_by == "tester@here"


async def test_group_may_be_given_by_its_arn(embedded: Embedded) -> None:
    arn = "arn:aws:sagemaker:us-east-1:123456789012:model-package-group/abalone"
    package = await package_of(embedded, registering(group=arn))
    assert (package.group, package.version) == ("abalone", 1)


@pytest.mark.parametrize("group", [None, ""])
async def test_package_without_a_group_has_no_version(embedded: Embedded, group: Any) -> None:
    state = await embedded.run(definition(registering(group=group)))
    properties = state.steps["Register"].properties
    assert ":model-package/" in properties["ModelPackageArn"]
    assert "ModelPackageVersion" not in properties
    again = await embedded.run(definition(registering(group=group)))
    other = again.steps["Register"].properties["ModelPackageArn"]
    assert other != properties["ModelPackageArn"]


async def test_approval_comes_from_a_parameter(embedded: Embedded) -> None:
    step = registering(arguments={"ModelApprovalStatus": {"Get": "Parameters.Approval"}})
    parameter = {"Name": "Approval", "Type": "String", "DefaultValue": "PendingManualApproval"}
    document = definition(step, parameters=[parameter])
    await embedded.run(document)
    state = await embedded.run(document, {"Approval": "Approved"})
    assert [one.approval for one in await packages(embedded)] == [A.APPROVED, A.PENDING]
    assert state.steps["Register"].properties["ModelApprovalStatus"] == "Approved"


async def test_package_waits_for_approval_where_nothing_is_said(embedded: Embedded) -> None:
    assert (await package_of(embedded, registering())).approval is A.PENDING


async def test_a_version_says_which_execution_generated_it(embedded: Embedded) -> None:
    properties = {"CommitId": "abc"}
    package = await package_of(embedded, registering(arguments={"MetadataProperties": properties}))
    made = {"GeneratedBy": execution_arn("pipeline-1", package.execution_id)}
    assert package.request["MetadataProperties"] == {**made, **properties}


async def test_bad_approval_status_fails_and_registers_nothing(embedded: Embedded) -> None:
    step = registering(arguments={"ModelApprovalStatus": "Maybe"})
    state = await embedded.run(definition(step))
    view = state.steps["Register"]
    assert view.failure_code == "approval-status-invalid"
    assert "'Maybe'" in view.failure_reason
    assert "PendingManualApproval" in view.note
    assert await packages(embedded) == []


async def test_evidence_outlives_an_overwrite_of_the_metrics_file(embedded: Embedded) -> None:
    embedded.put(REPORT, '{"mse": {"value": 4.5}}')
    await package_of(embedded, registering(arguments=evidence()))
    embedded.put(REPORT, '{"mse": {"value": 9.9}}')
    (package,) = await packages(embedded)
    kept = package.evidence["ModelQuality.Statistics"]
    assert kept["Content"] == {"mse": {"value": 4.5}}
    assert kept["S3Uri"] == REPORT
    assert kept["Size"] == 23
    assert kept["ETag"]


async def test_evidence_is_that_of_the_run_where_a_step_makes_it(embedded: Embedded) -> None:
    script = "echo '{\"mse\": 1}' > /opt/ml/processing/out/metrics.json"
    measure = processing("Measure", script, outputs={"out": "s3://bucket/report"})
    output = {"Get": "Steps.Measure.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"}
    uri = {"Std:Join": {"On": "/", "Values": [output, "metrics.json"]}}
    state = await embedded.run(definition(measure, registering(arguments=evidence(uri))))
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    (package,) = await packages(embedded)
    assert package.evidence["ModelQuality.Statistics"]["Content"] == {"mse": 1}


async def test_missing_metrics_file_is_noted_and_not_fatal(embedded: Embedded) -> None:
    package = await package_of(embedded, registering(arguments=evidence()))
    kept = package.evidence["ModelQuality.Statistics"]
    assert kept["S3Uri"] == REPORT
    assert REPORT in kept["Problem"]


@pytest.mark.parametrize(
    "text",
    ["no json", '{"half": ', '"\\ud800"', "[" * 100_000],
    ids=["text", "half", "half", "deep"],
)
async def test_metrics_file_that_cannot_be_kept_as_json_is_noted_with_its_digest(
    embedded: Embedded, text: str
) -> None:
    embedded.put(REPORT, text)
    package = await package_of(embedded, registering(arguments=evidence()))
    kept = package.evidence["ModelQuality.Statistics"]
    assert kept["Problem"]
    assert kept["Size"] == len(text)
    assert "Content" not in kept


async def test_large_metrics_file_is_kept_as_digest_only(embedded: Embedded) -> None:
    embedded.put(REPORT, json.dumps("x" * 300_000))
    package = await package_of(embedded, registering(arguments=evidence()))
    kept = package.evidence["ModelQuality.Statistics"]
    assert set(kept) == {"S3Uri", "ETag", "Size"}


async def test_package_arn_is_there_for_later_steps(embedded: Embedded) -> None:
    environment = {
        "ARN": {"Get": "Steps.Register.ModelPackageArn"},
        "VERSION": {"Get": "Steps.Register.ModelPackageVersion"},
        "STATUS": {"Get": "Steps.Register.ModelPackageStatus"},
    }
    use = processing("Use", 'echo "$ARN $VERSION $STATUS"', arguments={"Environment": environment})
    state = await embedded.run(definition(registering(), use))
    arn = state.steps["Register"].properties["ModelPackageArn"]
    assert embedded.log(state.steps["Use"]) == f"{arn} 1 Completed\n"


async def test_model_step_keeps_a_model_for_later_steps(embedded: Embedded) -> None:
    model = {
        "Name": "Create",
        "Type": "Model",
        "Arguments": {"PrimaryContainer": {"Image": HOST_IMAGE, "ModelDataUrl": "s3://bucket/m"}},
    }
    use = processing(
        "Use",
        'echo "$NAME"',
        arguments={"Environment": {"NAME": {"Get": "Steps.Create.ModelName"}}},
    )
    state = await embedded.run(definition(model, use))
    properties = state.steps["Create"].properties
    assert embedded.log(state.steps["Use"]) == f"{properties['ModelName']}\n"
    assert properties["ModelArn"].endswith(f":model/{properties['ModelName'].lower()}")
    assert properties["PrimaryContainer"]["ModelDataUrl"] == "s3://bucket/m"


# -- decisions ---------------------------------------------------------------------------------


async def test_decision_records_who_from_where_when_why_and_what_was_before(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 50000 10.0.0.1 22")
    monkeypatch.setenv("LOGNAME", "ana")
    package = await package_of(embedded, registering())
    decided = await LocalControl(embedded.home).decide(package.arn, A.APPROVED, "mse is fine")
    assert decided.approval is A.APPROVED
    (record,) = decided.approvals
    assert record.actor.startswith("ana@")
    assert record.client == "10.0.0.7"
    assert record.comment == "mse is fine"
    assert (record.previous, record.approval) == (A.PENDING, A.APPROVED)
    assert record.at >= package.created_at
    assert await packages(embedded) == [decided]


async def test_any_status_follows_any_other(embedded: Embedded) -> None:
    package = await package_of(embedded, registering())
    control = LocalControl(embedded.home)
    order = [A.APPROVED, A.REJECTED, A.APPROVED, A.PENDING, A.REJECTED, A.PENDING]
    for status in order:
        decided = await control.decide(package.arn, status)
    assert [one.approval for one in decided.approvals] == order
    assert [one.previous for one in decided.approvals] == [A.PENDING, *order[:-1]]


async def test_decision_that_changes_nothing_is_refused_and_not_recorded(
    embedded: Embedded,
) -> None:
    package = await package_of(embedded, registering())
    with pytest.raises(CommandRejected) as caught:
        await LocalControl(embedded.home).decide(package.arn, A.PENDING)
    assert caught.value.code == "approval-unchanged"
    assert (await packages(embedded))[0].approvals == ()


async def test_decision_about_an_unknown_package_is_refused(embedded: Embedded) -> None:
    await package_of(embedded, registering())
    with pytest.raises(NotFound):
        await LocalControl(embedded.home).decide("abalone/99", A.APPROVED)
