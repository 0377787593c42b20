"""Every definition that the SDKs and AWS's samples make runs to its right end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.errors import PlanError
from engine.model.status import ApprovalStatus, ExecutionStatus, StepStatus
from engine.serving.endpoints import delete_endpoint, list_endpoints
from tests.conformance import programs
from tests.conformance.stage import Stage, arguments, check, properties
from tests.engine.embedded import Embedded

OK, NO, OUT, HELD = StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED, StepStatus.BLOCKED
BUCKET = "s3://pipetui-test-bucket"
USER_MODULE = {
    "SAGEMAKER_PROGRAM": "inference.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
}
"""Serves a model with the code in its archive, where the image would with a library."""


# --- conditions, parameters, variables -----------------------------------------------------


async def test_conditions_params_execvars_takes_the_branch_and_resolves_every_variable(
    embedded: Embedded,
) -> None:
    stage = Stage(embedded, "v2-conditions-params-execvars")
    state = await stage.run({"NoDefault": "x"}, pipeline="X")
    check(state, stage, {
        "All": OK, "IfA": OK, "Nested": OK, "NestIf": OK, "NestFail": OUT, "ElseA": OUT,
        "AfterIf": OK, "UsesOutcome": OK, "AfterCond": OK, "ExecVars": OK, "ToString": OK,
    })  # fmt: skip
    assert state.steps["All"].outcome is True
    assert arguments(state, "UsesOutcome")["o"] in (True, "True")
    assert arguments(state, "ToString") == {"i": "5", "f": "0.5-5-true-abc-lit-3-x/5"}
    seen = arguments(state, "ExecVars")
    assert seen["PIPELINE_NAME"] == "X"
    assert seen["PIPELINE_EXECUTION_ID"] == state.execution.id
    assert seen["PIPELINE_EXECUTION_ARN"] == state.execution.arn
    assert (
        seen["PIPELINE_EXECUTION_ARN"] == f"{seen['PIPELINE_ARN']}/execution/{state.execution.id}"
    )
    assert seen["START_DATETIME"] <= seen["CURRENT_DATETIME"]


async def test_conditions_params_execvars_skips_all_that_hangs_on_the_other_branch(
    embedded: Embedded,
) -> None:
    stage = Stage(embedded, "v2-conditions-params-execvars")
    state = await stage.run({"NoDefault": "x", "I": "10"})
    check(state, stage, {
        "All": OK, "IfA": OUT, "Nested": OUT, "NestIf": OUT, "NestFail": OUT, "ElseA": OK,
        "AfterIf": OUT, "UsesOutcome": OK, "AfterCond": OK, "ExecVars": OK, "ToString": OK,
    })  # fmt: skip
    assert state.steps["All"].outcome is False


async def test_conditions_params_execvars_fails_at_the_nested_fail_step(
    embedded: Embedded,
) -> None:
    stage = Stage(embedded, "v2-conditions-params-execvars")
    state = await stage.run({"NoDefault": "x"}, pipeline="Y", max_parallel=8)
    assert state.execution.status is ExecutionStatus.FAILED
    assert state.steps["Nested"].outcome is False
    assert state.steps["NestIf"].status is OUT
    assert state.steps["NestFail"].status is NO
    assert state.steps["NestFail"].failure_reason == "nested"
    assert state.steps["NestFail"].metadata == {"Fail": {"ErrorMessage": "nested"}}


@pytest.mark.parametrize("value", [None, "b"])
async def test_official_schema_flavour_runs_with_its_own_spellings(
    embedded: Embedded, value: str | None
) -> None:
    stage = Stage(embedded, "schema-official-flavour", functions={"l": {"o": "12"}})
    script = embedded.folder / "x.py"
    script.write_text("print('ran')\n")
    path = {"AppSpecification.ContainerEntrypoint[1]": str(script)}
    state = await stage.run(
        {"S": value} if value else {}, {"Cb": {"x": "true"}} if not value else {},
        edits={"P1": path, "P2": path},
    )  # fmt: skip
    taken = {"P2": OK, "F": OUT, "L": OK, "Cb": OK}
    if value:
        assert state.execution.status is ExecutionStatus.FAILED
        assert state.steps["F"].failure_reason == "no"
        assert state.steps["P2"].status is OUT
        return
    check(state, stage, {"P1": OK, "C": OK, **taken})
    assert embedded.log(state.steps["P2"]) == "ran\n"
    assert arguments(state, "Cb") == {"n": 12}
    assert properties(state, "Cb") == {"OutputParameters": {"x": True}}


async def test_terraform_docs_definition_fails_with_its_message(embedded: Embedded) -> None:
    stage = Stage(embedded, "pub-terraform-docs-fail-only")
    state = await stage.run()
    check(state, stage, {"Test": NO})
    message = stage.document["Steps"][0]["Arguments"]["ErrorMessage"]
    assert state.steps["Test"].failure_reason == message


async def test_airflow_definition_takes_31_nested_conditions(embedded: Embedded) -> None:
    stage = Stage(embedded, "pub-airflow-nested-conditions")
    state = await stage.run()
    assert len(state.steps) == 31
    check(state, stage, dict.fromkeys(stage.definition.steps, OK))
    assert all(view.outcome for view in state.steps.values())


# --- processing, training, repacking, registering -------------------------------------------


@pytest.mark.parametrize(("accuracy", "good"), [("0.95", True), ("0.5", False)])
async def test_script_mode_gate_and_repack(embedded: Embedded, accuracy: str, good: bool) -> None:
    stage = Stage(embedded, "v2-cache-retry-script-mode-repack")
    state = await stage.run(edits={"Train": {"Environment['ACCURACY']": accuracy}})
    branch = OK if good else OUT
    check(state, stage, {
        "Prep": OK, "Train": OK, "AccGate": OK,
        "Register-RepackModel-0": branch, "Register-RegisterModel": branch,
    })  # fmt: skip
    train = properties(state, "Train")
    (metric,) = train["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("val:acc", float(accuracy))
    assert state.steps["AccGate"].outcome is good
    prefix = f"{BUCKET}/out/{state.execution.id}/train"
    assert arguments(state, "Train")["InputDataConfig"][0]["DataSource"]["S3DataSource"][
        "S3Uri"] == prefix  # fmt: skip
    assert "data.csv" in stage.names(prefix)
    assert "given ['--epochs', '3', '--lr', '0.001']" in embedded.log(state.steps["Train"])
    model = train["ModelArtifacts"]["S3ModelArtifacts"]
    assert model == f"{BUCKET}/{train['TrainingJobName']}/output/model.tar.gz"
    assert stage.names(model) == {"factor", "code/inference.py"}
    if good:
        packed = properties(state, "Register-RepackModel-0")["ModelArtifacts"]["S3ModelArtifacts"]
        assert {"factor", "code/inference.py", "code/train.py"} <= stage.names(packed)
        registered = arguments(state, "Register-RegisterModel")["InferenceSpecification"]
        assert registered["Containers"][0]["ModelDataUrl"] == packed
        package = await only_package(embedded, "G")
        assert package.approval is ApprovalStatus.APPROVED


async def only_package(embedded: Embedded, group: str) -> Any:
    store = await embedded.store()
    try:
        (package,) = await store.packages(group)
        return package
    finally:
        await store.close()


async def test_script_mode_definition_hits_the_cache_when_it_runs_again(
    embedded: Embedded,
) -> None:
    stage = Stage(embedded, "v2-cache-retry-script-mode-repack")
    first = await stage.run(pipeline="CacheRetry")
    again = await stage.run(pipeline="CacheRetry")
    for name in ("Prep", "Train"):
        assert again.steps[name].source_execution == first.execution.id
        assert properties(again, name) == properties(first, name)
    assert not again.steps["Register-RepackModel-0"].source_execution
    assert again.execution.status is ExecutionStatus.SUCCEEDED


async def test_custom_job_prefixes_stand_at_the_start_of_job_names(embedded: Embedded) -> None:
    stage = Stage(embedded, "v2-custom-job-prefix-no-experiment")
    state = await stage.run(edits={"Train": stage.algorithm("Train", **programs.IMAGE_PROGRAM)})
    check(state, stage, {"Prep": OK, "Train": OK})
    assert properties(state, "Prep")["ProcessingJobName"].startswith("MyPrefix-")
    assert properties(state, "Train")["TrainingJobName"].startswith("MyTrainPrefix-")


async def test_an_image_with_a_program_of_its_own_is_refused_without_it(
    embedded: Embedded,
) -> None:
    stage = Stage(embedded, "v2-custom-job-prefix-no-experiment")
    with pytest.raises(ExceptionGroup) as refused:
        await stage.run()
    told = [problem for problem in refused.value.exceptions if isinstance(problem, PlanError)]
    assert [problem.code for problem in told] == ["image-program-missing"]


async def test_fanout_fanin_joins_eight_models_listed_in_reverse(embedded: Embedded) -> None:
    stage = Stage(embedded, "v2-fanout-fanin-parallel")
    names = [f"Train{number}" for number in range(8)]
    edits = {name: stage.algorithm(name, **programs.IMAGE_PROGRAM) for name in names}
    state = await stage.run(edits=edits, max_parallel=4)
    check(state, stage, dict.fromkeys(stage.definition.steps, OK))
    models = {properties(state, name)["ModelArtifacts"]["S3ModelArtifacts"] for name in names}
    assert len(models) == 8
    joined = arguments(state, "Ensemble")["ProcessingInputs"]
    assert models == {one["S3Input"]["S3Uri"] for one in joined if one["InputName"] != "code"}
    assert '"m7": ["model.tar.gz"]' in embedded.log(state.steps["Ensemble"])


async def test_mlflow_config_definition_trains(embedded: Embedded) -> None:
    stage = Stage(embedded, "v3-mlflow-config")
    state = await stage.run()
    check(state, stage, {"TrainMl": OK})
    assert "given []" in embedded.log(state.steps["TrainMl"])


@pytest.mark.parametrize(("accuracy", "good"), [("0.95", True), ("0.5", False)])
async def test_modeltrainer_runs_its_drivers_and_its_metric_decides(
    embedded: Embedded, accuracy: str, good: bool
) -> None:
    stage = Stage(embedded, "v3-modeltrainer-sm-drivers")
    metrics = [{"Name": "acc", "Regex": " acc=([0-9.]+)"}]
    metric = stage.algorithm("TrainV3", MetricDefinitions=metrics)
    edits = {"TrainV3": {**metric, "Environment": {"ACCURACY": accuracy}}}
    state = await stage.run(edits=edits)
    check(state, stage, {
        "TrainV3": OK, "Gate": OK, "Ok": OK if good else OUT, "Bad": OUT if good else NO,
    })  # fmt: skip
    assert properties(state, "TrainV3")["FinalMetricDataList"][0]["Value"] == float(accuracy)
    assert properties(state, "TrainV3")["HyperParameters"]["layers"] == "[64, 32]"


async def test_a_metric_that_nothing_defines_fails_the_condition_not_the_training(
    embedded: Embedded,
) -> None:
    stage = Stage(embedded, "v3-modeltrainer-sm-drivers")
    state = await stage.run()
    check(state, stage, {"TrainV3": OK, "Gate": NO, "Ok": HELD, "Bad": HELD})
    assert "ClientError" in state.steps["Gate"].failure_reason


async def test_pipeline_model_transforms_through_both_containers(embedded: Embedded) -> None:
    stage = Stage(embedded, "v2-pipeline-model-transform")
    # the definition's own bucket, "b", has a name that S3 does not allow
    source = {"TransformInput.DataSource.S3DataSource.S3Uri": f"{BUCKET}/lists"}
    embedded.put(f"{BUCKET}/lists/part-0.csv", "[1,2]\n[3,4]\n")
    served = {"Containers[1].Environment": USER_MODULE}
    state = await stage.run(edits={"TF": source, "PM-CreateModel": served})
    check(state, stage, {"PM-CreateModel": OK, "PMReg-RegisterModel": OK, "TF": OK})
    output = properties(state, "TF")["TransformOutput"]["S3OutputPath"]
    assert output == f"{BUCKET}/PModel/{state.execution.id}/TF"
    assert stage.text(f"{output}/part-0.csv.out").split() == ["12", "28"]


async def test_dynamic_framework_runs_two_chains_side_by_side(embedded: Embedded) -> None:
    stage = Stage(embedded, "pub-aws-samples-dynamic-framework")
    state = await stage.run()
    check(state, stage, dict.fromkeys(stage.definition.steps, OK))
    metrics = arguments(state, "calhousing-Metrics")
    output = properties(state, "calhousing-Transform")["TransformOutput"]["S3OutputPath"]
    assert metrics["ProcessingInputs"][1]["S3Input"]["S3Uri"] == output
    assert stage.text(output).split() == ["12", "30"]
    package = await only_package(embedded, "test-calhousing")
    assert package.request["CustomerMetadataProperties"] == {"PIPELINE_ARN": state.execution.arn}


# --- callbacks, functions, run conditions ----------------------------------------------------


@pytest.mark.parametrize(
    ("status", "score", "answer", "good"),
    [("200", 0.9, False, True), ("200", 0.1, True, True), ("200", 0.1, False, False),
     ("500", 0.9, True, False)],
)  # fmt: skip
async def test_callback_lambda_emr_gates_on_both_answers(
    embedded: Embedded, status: str, score: float, answer: bool, good: bool
) -> None:
    stage = Stage(
        embedded, "v2-callback-lambda-emr",
        functions={"demo": {"statusCode": status, "score": score}},
    )  # fmt: skip
    outputs = {"output1": "fine", "count": "3", "ok": str(answer).lower()}
    # the definition's own bucket, "b", has a name that S3 does not allow
    embedded.put(f"{BUCKET}/my.jar", "")
    jar = {"StepConfig.HadoopJarStep.Jar": f"{BUCKET}/my.jar"}
    state = await stage.run(
        {}, {"Approve": outputs}, edits={"SparkOnEMR": jar, "SparkNewCluster": jar}, max_parallel=4
    )
    assert {name: state.steps[name].status for name in ("Approve", "CallLambda", "Gate")} == {
        "Approve": OK, "CallLambda": OK, "Gate": OK,
    }  # fmt: skip
    assert properties(state, "Approve")["OutputParameters"] == {
        "output1": "fine", "count": 3, "ok": answer,
    }  # fmt: skip
    assert arguments(state, "CallLambda")["input1"] == "fine"
    assert arguments(state, "CallLambda")["n"] == 3
    assert arguments(state, "Approve")["exec"] == state.execution.arn
    assert state.steps["Gate"].outcome is good
    if good:
        assert state.steps["SparkNewCluster"].status is OK
        assert state.steps["Stop"].status is OUT
        assert properties(state, "SparkOnEMR")["ClusterId"] == "j-1ABCDEFG2HIJK"
        words = embedded.log(state.steps["SparkOnEMR"]).split()
        assert words[-2:] == ["--in", "200"]
        assert words[words.index("--class") + 1] == "com.my.Main"
    else:
        assert state.steps["SparkNewCluster"].status is OUT
        assert state.steps["Stop"].failure_reason == f"bad status {status}"
    wanted = ExecutionStatus.SUCCEEDED if good else ExecutionStatus.FAILED
    assert state.execution.status is wanted


@pytest.mark.parametrize("inside", [True, False])
async def test_run_conditions_after_a_success(embedded: Embedded, inside: bool) -> None:
    stage = Stage(embedded, "v3-run-conditions-cleanup")
    embedded.put(f"{BUCKET}/c1/x.bin", "left behind")
    # the definition's own object is below no output of the step it names, which AWS demands
    named = {"Resources.S3[0].S3Uris": [f"{BUCKET}/c1/x.bin"]}
    state = await stage.run(edits={"CleanObj": named} if inside else {})
    check(state, stage, {
        "Train": OK, "Always": OK, "OnOk": OK, "Clean": OK, "CleanObj": OK if inside else NO,
        "NotifyFail": OUT, "OnStop": OUT, "Mixed": OUT,
    })  # fmt: skip
    assert ("x.bin" in stage.names(f"{BUCKET}/c1")) is not inside


async def test_run_conditions_after_a_failure(embedded: Embedded) -> None:
    stage = Stage(embedded, "v3-run-conditions-cleanup")
    state = await stage.run(edits={"Train": {"Environment": {"EXIT": "3"}}})
    check(state, stage, {
        "Train": NO, "Always": OK, "NotifyFail": OK, "Clean": OK,
        "OnStop": OUT, "OnOk": HELD, "Mixed": HELD, "CleanObj": HELD,
    }, ExecutionStatus.COMPLETED_WITH_FAILURES)  # fmt: skip
    assert "AlgorithmError" in state.steps["Train"].failure_reason


async def test_foreach_repeats_its_body_and_selects_the_best(embedded: Embedded) -> None:
    stage = Stage(embedded, "v3-foreach-selector", functions={"ProcessItem": {"score": 0.25}})
    state = await stage.run()
    sweep = {f"{body}-{index}": OK for body in ("ProcessItem", "PostItem") for index in range(2)}
    literal = {f"LitBody-{index}": OK for index in range(5)}
    check(state, stage, {"Sweep": OK, "Lit": OK, "Fin": OK, **sweep, **literal})
    assert arguments(state, "ProcessItem-1") == {"name": "b", "lr": 0.2}
    assert arguments(state, "PostItem-0")["prev"] == 0.25
    assert [arguments(state, f"LitBody-{index}")["v"] for index in range(5)] == [
        "x", 3, 0.5, True, state.execution.id,
    ]  # fmt: skip
    assert arguments(state, "Fin") == {"best": 0.25, "first": 0.25, "status": "Succeeded", "n": 2}


async def test_emr_serverless_submits_to_both_applications(embedded: Embedded) -> None:
    stage = Stage(embedded, "v3-emr-serverless")
    script = f"{BUCKET}/x.py"
    embedded.put(script, "")
    state = await stage.run({"Script": script})
    check(state, stage, {"SparkExistingApp": OK, "SparkNewApp": OK, "After": OK})
    words = embedded.log(state.steps["SparkNewApp"]).split()
    assert words[-2:] == ["--a", "1"]
    assert "spark.executor.cores=1" in words
    about = state.steps["SparkExistingApp"].metadata["EMRServerless"]
    assert about["ApplicationId"] == "00f1abcdexample"


async def test_a_job_hands_its_document_with_its_results_to_the_next_step(
    embedded: Embedded,
) -> None:
    stage = Stage(embedded, "v3-job-step")
    state = await stage.run()
    check(state, stage, {"Synth": OK, "UseJob": OK})
    document = json.loads(properties(state, "Synth")["JobConfigDocument"])
    assert document == {
        "OutputDataConfig": {"S3OutputPath": f"{BUCKET}/job/{state.execution.id}/"},
        "Model": {"Name": "m"},
        "OutputModelPackageArn": "arn:of-m",
    }
    assert json.loads(arguments(state, "UseJob")["o"]) == document


@pytest.mark.network
async def test_endpoint_with_a_component_and_its_lineage(embedded: Embedded) -> None:
    stage = Stage(embedded, "v2-endpoint-infcomponent-lineage")
    served = {"PrimaryContainer.Environment": USER_MODULE}
    try:
        state = await stage.run(edits={"Create-CreateModel": served})
        check(
            state, stage, dict.fromkeys(("Create-CreateModel", "EpConfig", "Ep", "IC", "Lin"), OK)
        )
        assert properties(state, "Ep")["EndpointName"] == "my-endpoint"
        assert properties(state, "Ep")["EndpointConfigName"] == "cfg"
        model = properties(state, "Create-CreateModel")["ModelName"]
        assert arguments(state, "IC")["Specification"]["ModelName"] == model
        (artifact,) = arguments(state, "Lin")["Artifacts"]
        assert artifact["Source"]["SourceUri"] == properties(state, "EpConfig")["EndpointConfigArn"]
        assert set(properties(state, "Lin")["ArtifactArns"]) == {"m"}
    finally:
        for endpoint in list_endpoints(embedded.home.root):
            await delete_endpoint(embedded.home.root, endpoint.name)
