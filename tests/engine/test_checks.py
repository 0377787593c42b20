"""QualityCheck and ClarifyCheck steps through the engine: verdicts, baselines, the truth table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.config import Config
from engine.definition.loader import load
from engine.model.status import StepStatus
from engine.model.views import StepView
from engine.sources.base import StartRequest
from engine.sources.control import LocalControl
from engine.steps.handlers import refuse, stand_in
from tests.engine.embedded import Embedded, definition
from tests.shared import DEFINITIONS, SHARED, needs_shared

ANALYZER = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
ROWS = "\n".join(f"{number % 7},{number / 2},{'ab'[number % 2]}" for number in range(40)) + "\n"
STATISTICS, CONSTRAINTS = "s3://base/statistics.json", "s3://base/constraints.json"


def quality_check(name: str = "Check", **keys: Any) -> dict[str, Any]:
    """A data quality check of ``s3://data/rows.csv`` that writes to ``s3://out/<name>``."""
    return {
        "Name": name,
        "Type": "QualityCheck",
        "Arguments": {
            "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "x"}},
            "AppSpecification": {"ImageUri": ANALYZER},
            "RoleArn": "arn:aws:iam::123456789012:role/R",
            "ProcessingInputs": [
                {
                    "InputName": "baseline_dataset_input",
                    "AppManaged": False,
                    "S3Input": {
                        "S3Uri": "s3://data/rows.csv",
                        "LocalPath": "/opt/ml/processing/input/baseline_dataset_input",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": "quality_check_output",
                        "S3Output": {
                            "S3Uri": f"s3://out/{name}",
                            "LocalPath": "/opt/ml/processing/output",
                        },
                    }
                ]
            },
            "Environment": {
                "output_path": "/opt/ml/processing/output",
                "dataset_format": '{"csv": {"header": false}}',
                "dataset_source": "/opt/ml/processing/input/baseline_dataset_input",
            },
        },
        "CheckType": "DATA_QUALITY",
        "ModelPackageGroupName": None,
        "SkipCheck": False,
        "RegisterNewBaseline": False,
        "FailOnViolation": True,
        "SuppliedBaselineStatistics": None,
        "SuppliedBaselineConstraints": None,
        **keys,
    }


async def make_baseline(embedded: Embedded, rows: str = ROWS) -> None:
    """Put the baseline of these rows at the two URIs."""
    embedded.put("s3://data/rows.csv", rows)
    step = quality_check("First", SkipCheck=True, RegisterNewBaseline=True)
    state = await embedded.run(definition(step))
    assert state.steps["First"].status is StepStatus.SUCCEEDED, state.steps["First"].failure_reason
    for uri in (STATISTICS, CONSTRAINTS):
        embedded.put(uri, embedded.get(uri.replace("s3://base", "s3://out/First")))


async def check(embedded: Embedded, **keys: Any) -> StepView:
    """Run one check; gives its step."""
    state = await embedded.run(definition(quality_check(**keys)))
    return state.steps["Check"]


SUPPLIED = {"SuppliedBaselineStatistics": STATISTICS, "SuppliedBaselineConstraints": CONSTRAINTS}


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("register", [False, True])
async def test_the_two_switches_decide_what_is_compared_and_which_baseline_goes_on(
    embedded: Embedded, skip: bool, register: bool
) -> None:
    await make_baseline(embedded)
    embedded.put("s3://data/rows.csv", ROWS.replace(",a", ",z"))
    step = await check(
        embedded, SkipCheck=skip, RegisterNewBaseline=register, FailOnViolation=False, **SUPPLIED
    )
    assert step.status is StepStatus.SUCCEEDED, step.failure_reason
    new = {
        "Statistics": "s3://out/Check/statistics.json",
        "Constraints": "s3://out/Check/constraints.json",
    }
    used = new if register else {"Statistics": STATISTICS, "Constraints": CONSTRAINTS}
    assert step.properties == {
        **{f"CalculatedBaseline{name}": uri for name, uri in new.items()},
        **{f"BaselineUsedForDriftCheck{name}": uri for name, uri in used.items()},
    }
    arn = step.metadata["QualityCheck"].pop("CheckJobArn")
    assert arn.startswith("arn:aws:sagemaker:") and ":processing-job/" in arn
    report = {} if skip else {"ViolationReport": "s3://out/Check/constraint_violations.json"}
    assert step.metadata == {
        "QualityCheck": {
            "CheckType": "DATA_QUALITY",
            "SkipCheck": skip,
            "RegisterNewBaseline": register,
            **step.properties,
            **report,
        }
    }
    exists = (embedded.home.s3 / "out/Check/constraint_violations.json").exists()
    assert exists is not skip


async def test_a_dataset_does_not_violate_its_own_baseline(embedded: Embedded) -> None:
    await make_baseline(embedded)
    step = await check(embedded, **SUPPLIED)
    assert step.status is StepStatus.SUCCEEDED, step.failure_reason
    assert "ViolationReport" not in step.metadata["QualityCheck"]
    assert json.loads(embedded.get("s3://out/Check/constraint_violations.json")) == {
        "violations": []
    }
    assert step.stand_in == (
        "PipeTUI's own implementation of Model Monitor's rules, not AWS's container"
    )


async def test_a_violation_fails_the_step_with_its_report(embedded: Embedded) -> None:
    await make_baseline(embedded)
    embedded.put("s3://data/rows.csv", ROWS.replace("2,1.0,a", "2,much,a"))
    step = await check(embedded, FailOnViolation=None, **SUPPLIED)
    assert step.status is StepStatus.FAILED
    report = "s3://out/Check/constraint_violations.json"
    assert step.failure_reason == (
        f"ClientError: Quality check failed. See violation report {report}"
    )
    assert step.failure_code == "check-violated"
    assert step.metadata["QualityCheck"]["ViolationReport"] == report
    assert json.loads(embedded.get(report))["violations"] == [
        {
            "feature_name": "_c1",
            "constraint_check_type": "data_type_check",
            "description": "Data type match requirement is not met."
            " Expected data type: Fractional, Expected match: 100.0%."
            " Observed: Only 97.5% of data is Fractional.",
        }
    ]
    assert "violation:" in embedded.log(step)


@pytest.mark.parametrize(("skip", "register"), [(False, False), (False, True), (True, False)])
async def test_a_missing_previous_baseline_fails_the_step(
    embedded: Embedded, skip: bool, register: bool
) -> None:
    embedded.put("s3://data/rows.csv", ROWS)
    step = await check(
        embedded, SkipCheck=skip, RegisterNewBaseline=register, ModelPackageGroupName="Group"
    )
    assert step.status is StepStatus.FAILED
    assert step.failure_code == "baseline-missing"
    assert step.failure_reason.startswith(
        "ClientError: there is no previous baseline statistics: none is supplied, and model package"
        " group Group has no approved version with DriftCheckBaselines.ModelDataQuality.Statistics"
    )


async def test_a_supplied_baseline_that_is_not_there_fails_the_step(embedded: Embedded) -> None:
    embedded.put("s3://data/rows.csv", ROWS)
    step = await check(embedded, **SUPPLIED)
    assert step.failure_code == "baseline-unreadable"
    assert STATISTICS in step.failure_reason


def registration(name: str, approval: str, folder: str) -> dict[str, Any]:
    """A model package version whose baseline lies in a folder."""
    baseline = {
        "Statistics": {"ContentType": "application/json", "S3Uri": f"{folder}/statistics.json"},
        "Constraints": {"ContentType": "application/json", "S3Uri": f"{folder}/constraints.json"},
    }
    return {
        "Name": name,
        "Type": "RegisterModel",
        "Arguments": {
            "ModelPackageGroupName": "Group",
            "ModelApprovalStatus": approval,
            "DriftCheckBaselines": {"ModelDataQuality": baseline},
        },
    }


async def test_the_latest_approved_version_has_the_previous_baseline(embedded: Embedded) -> None:
    await make_baseline(embedded)
    for number, approval in enumerate(
        ("Approved", "Approved", "PendingManualApproval", "Rejected")
    ):
        folder = "s3://base" if number == 1 else f"s3://nowhere/{number}"
        await embedded.run(definition(registration(f"Register{number}", approval, folder)))
    step = await check(embedded, ModelPackageGroupName="Group")
    assert step.status is StepStatus.SUCCEEDED, step.failure_reason
    assert step.properties["BaselineUsedForDriftCheckStatistics"] == STATISTICS
    assert step.metadata["QualityCheck"]["ModelPackageGroupName"] == "Group"


async def test_a_supplied_baseline_wins_over_a_registered_one(embedded: Embedded) -> None:
    await make_baseline(embedded)
    await embedded.run(definition(registration("Register", "Approved", "s3://nowhere")))
    step = await check(embedded, ModelPackageGroupName="Group", **SUPPLIED)
    assert step.status is StepStatus.SUCCEEDED, step.failure_reason


async def test_the_new_baseline_goes_on_to_the_registered_version(embedded: Embedded) -> None:
    embedded.put("s3://data/rows.csv", ROWS)
    step = quality_check(SkipCheck=True, RegisterNewBaseline=True)
    register = registration("Register", "Approved", "")
    used = {"Get": "Steps.Check.BaselineUsedForDriftCheckStatistics"}
    group = register["Arguments"]["DriftCheckBaselines"]["ModelDataQuality"]
    group["Statistics"]["S3Uri"] = used
    state = await embedded.run(definition(step, register))
    baselines = state.steps["Register"].arguments["DriftCheckBaselines"]
    assert baselines["ModelDataQuality"]["Statistics"]["S3Uri"] == "s3://out/Check/statistics.json"


async def test_data_that_cannot_be_used_fails_the_job_with_its_reason(embedded: Embedded) -> None:
    embedded.put("s3://data/rows.csv", "")
    step = await check(embedded, SkipCheck=True, RegisterNewBaseline=True)
    assert step.status is StepStatus.FAILED
    assert step.failure_reason.startswith("AlgorithmError: The dataset has no rows: 1 file(s)")
    assert "CalculatedBaselineStatistics" not in step.properties
    assert "CheckJobArn" in step.metadata["QualityCheck"]


@needs_shared
@pytest.mark.parametrize(("case", "status"), [("good", "Succeeded"), ("bad", "Failed")])
@pytest.mark.parametrize("check_type", ["DATA_QUALITY", "MODEL_QUALITY"])
async def test_real_baselines_pass_and_fail_as_on_the_service(
    embedded: Embedded, case: str, status: str, check_type: str
) -> None:
    folder = SHARED / "data" / "checks" / "quality_check_step" / check_type.lower()
    embedded.put("s3://data/rows.csv", (folder / "baseline_dataset.csv").read_text())
    embedded.put(STATISTICS, (folder / "statistics.json").read_text())
    constraints = (folder / f"{case}_cases" / "constraints.json").read_text()
    embedded.put(CONSTRAINTS, constraints)
    step = quality_check(CheckType=check_type, **SUPPLIED)
    if check_type == "MODEL_QUALITY":
        step["Arguments"]["Environment"] |= {
            "dataset_format": '{"csv": {"header": true}}',
            "analysis_type": "MODEL_QUALITY",
            "problem_type": "Regression",
            "inference_attribute": "Label",
            "ground_truth_attribute": "Prediction",
        }
    view = (await embedded.run(definition(step))).steps["Check"]
    assert view.status.value == status, view.failure_reason
    written = json.loads(embedded.get("s3://out/Check/statistics.json"))
    assert written == json.loads(embedded.get(STATISTICS))
    good = json.loads((folder / "good_cases" / "constraints.json").read_text())
    assert json.loads(embedded.get("s3://out/Check/constraints.json")) == good


MONITOR = DEFINITIONS / "v2-quality-clarify-monitor.json"


@needs_shared
async def test_quality_checks_that_the_sdk_wrote_run_as_they_are(embedded: Embedded) -> None:
    embedded.put("s3://pipetui-test-bucket/train.csv", ROWS)
    embedded.put("s3://pipetui-test-bucket/pred.csv", "_c0,_c1\n1,2\n3,3\n")
    await make_baseline(embedded)
    for name, source in (("s", STATISTICS), ("c", CONSTRAINTS)):
        embedded.put(f"s3://bb/{name}.json", embedded.get(source))
    # a bucket's name has three characters or more
    document = MONITOR.read_text().replace("s3://b/", "s3://bb/")
    file = embedded.write(json.loads(document))
    names = ("DataQuality", "ModelQuality", "MonBT-monitoring")
    state = await embedded.run(file, {"SkipDataQualityCheck": True}, selection=names)
    steps = {name: state.steps[name] for name in names}
    for step in steps.values():
        assert step.status is StepStatus.SUCCEEDED, step.failure_reason
    execution = state.execution.id
    assert steps["DataQuality"].properties["CalculatedBaselineConstraints"] == (
        f"s3://pipetui-test-bucket/dq/{execution}/constraints.json"
    )
    measured = json.loads(embedded.get("s3://pipetui-test-bucket/mq/statistics.json"))
    assert measured["regression_metrics"]["mae"]["value"] == 0.5
    monitored = steps["MonBT-monitoring"]
    assert monitored.properties["BaselineUsedForDriftCheckStatistics"] == "s3://bb/s.json"
    assert monitored.note == "no violations"


@needs_shared
def test_every_check_that_the_sdk_wrote_is_accepted() -> None:
    steps = load(MONITOR.read_text()).steps.values()
    checks = [step for step in steps if step.type in ("QualityCheck", "ClarifyCheck")]
    assert len(checks) == 6
    assert [refuse(step, Config()) for step in checks] == [None] * 6
    assert {stand_in(step, Config()) for step in checks} == {
        f"PipeTUI's own implementation of {product}'s rules, not AWS's container"
        for product in ("Model Monitor", "Clarify")
    }


async def test_a_plan_says_what_stands_in_and_not_that_the_image_cannot_run(
    embedded: Embedded,
) -> None:
    file = embedded.write(definition(quality_check()))
    (step,) = (await LocalControl(embedded.home).plan(StartRequest(file))).steps
    assert (step.refused, step.environment) == ("", "")
    assert step.stand_in.startswith("PipeTUI's own implementation of Model Monitor's rules")


def test_an_unknown_check_type_is_refused_before_anything_runs() -> None:
    step = load(json.dumps(definition(quality_check(CheckType="SPEED")))).steps["Check"]
    problem = refuse(step, Config())
    assert problem is not None and problem.code == "check-type-unknown"
    step = load(json.dumps(definition(quality_check()))).steps["Check"]
    assert refuse(step, Config(job_runner="container")) is None
    words = stand_in(step, Config(job_runner="container"))
    assert words.endswith("not AWS's container; it runs on this host, not in a container")
