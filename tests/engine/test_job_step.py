"""Job steps: a program of the configuration stands for SageMaker's; types that AWS alone runs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from engine.definition.expressions import resolve, walk
from engine.definition.loader import load
from engine.errors import ExpressionError
from engine.model.commands import AnswerCallback, StopExecution
from engine.model.events import CallbackRequested
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import StepView
from tests.engine.crash import Host
from tests.engine.crash import host as host  # a fixture
from tests.engine.embedded import (
    Embedded,
    definition,
    podman_that_runs_nothing,
    processing,
)
from tests.engine.refused import refusal
from tests.engine.test_execution import wait_until_executing

DOCUMENT = {
    "Std:Join": {
        "On": "",
        "Values": ['{"Output": {"Path": "', {"Get": "Parameters.Path"}, '"}, "Tags": ["a", "b"]}'],
    }
}
MADE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/agents/3"
TELLS = f"""
import json, os
with open(os.environ["SM_JOB_CONFIG"]) as file:
    request = json.load(file)
with open("/opt/ml/config/document.json") as file:
    assert json.load(file) == request["JobConfigDocument"]
print(json.dumps(request, sort_keys=True))
said = {{"JobConfigDocument": {{"OutputModelPackageArn": "{MADE}"}}, "JobName": "mine",
         "SecondaryStatusTransitions": [{{"Status": "Evaluating"}}]}}
with open(os.environ["SM_OUTPUT_DIR"] + "/job.json", "w") as file:
    json.dump(said, file)
"""
SHELL = 'default = {{command = ["/bin/sh", "-c", {script}]}}'


class Parameters:
    """The parameters of an execution, as expressions see them."""

    def parameter(self, name: str) -> Any:
        return {"Path": "s3://bucket/job"}[name]


def job(document: Any = DOCUMENT, **more: Any) -> dict[str, Any]:
    """A Job step."""
    arguments = {
        "RoleArn": "arn:aws:iam::123456789012:role/R",
        "JobCategory": "AgentRFT",
        "JobConfigSchemaVersion": "1.0.0",
        "JobConfigDocument": document,
        **more,
    }
    return {"Name": "Tune", "Type": "Job", "Arguments": arguments}


PATH = {"Name": "Path", "Type": "String", "DefaultValue": "s3://bucket/job"}


def pipeline(*steps: dict[str, Any]) -> dict[str, Any]:
    """A definition of these steps, with the parameter that the document holds."""
    return definition(*steps, parameters=[PATH])


def configure(folder: Path, program: str) -> None:
    """Name a program for jobs beside the definition."""
    (folder / "pipetui.toml").write_text(f"[job_categories]\n{program}\n", encoding="utf-8")


def shell(folder: Path, script: str) -> None:
    """Let a shell script stand for all jobs."""
    configure(folder, SHELL.format(script=json.dumps(script)))


async def run(embedded: Embedded, *steps: dict[str, Any]) -> StepView:
    """Run a Job step, and others; returns the step."""
    state = await embedded.run(pipeline(*(steps or (job(),))))
    return state.steps["Tune"]


# -- What runs -----------------------------------------------------------------------------------


async def test_what_the_program_says_is_read_by_a_later_step_inside_of_the_document(
    embedded: Embedded,
) -> None:
    (embedded.folder / "train_agent.py").write_text(TELLS, encoding="utf-8")
    configure(embedded.folder, 'AgentRFT = {command = ["python", "train_agent.py"]}')
    inside = {
        "Package": {"Get": "Steps.Tune.JobConfigDocument.OutputModelPackageArn"},
        "Second": {"Get": "Steps.Tune.JobConfigDocument.Tags[1]"},
        "Status": {"Get": "Steps.Tune.JobStatus"},
    }
    reads = processing("Read", "true", arguments={"Environment": inside})
    state = await embedded.run(pipeline(reads, job()))
    view = state.steps["Tune"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert state.steps["Read"].arguments["Environment"] == {
        "Package": MADE,
        "Second": "b",
        "Status": "Completed",
    }
    properties = view.properties
    name = properties["JobName"]
    assert name.startswith("pipelines-")
    assert properties["JobArn"] == f"arn:aws:sagemaker:local:000000000000:job/AgentRFT/{name}"
    assert view.metadata == {"Job": {"Arn": properties["JobArn"]}}
    document = {"Output": {"Path": "s3://bucket/job"}, "Tags": ["a", "b"]}
    assert json.loads(properties["JobConfigDocument"]) == {
        **document,
        "OutputModelPackageArn": MADE,
    }
    assert properties["SecondaryStatusTransitions"] == [{"Status": "Evaluating"}]
    assert properties["CreationTime"] <= properties["EndTime"] == properties["LastModifiedTime"]
    assert properties["SecondaryStatus"] == "Completed"
    assert json.loads(embedded.log(view)) == {
        "RoleArn": "arn:aws:iam::123456789012:role/R",
        "JobCategory": "AgentRFT",
        "JobConfigSchemaVersion": "1.0.0",
        "JobConfigDocument": document,
        "JobName": name,
        "JobArn": properties["JobArn"],
    }
    assert view.stand_in == (
        "python train_agent.py of this host stands for SageMaker's AgentRFT job"
    )


async def test_a_job_that_says_nothing_keeps_its_document_as_it_was(embedded: Embedded) -> None:
    shell(embedded.folder, "pwd; env")
    view = await run(embedded, job('{"a":  1}'))
    assert view.properties["JobConfigDocument"] == '{"a":  1}'
    folder, *variables = embedded.log(view).splitlines()
    assert folder == str(embedded.folder)
    assert any(line.startswith("AWS_ENDPOINT_URL") for line in variables)


async def test_a_program_of_its_own_category_comes_before_the_default(embedded: Embedded) -> None:
    program = embedded.folder / "tools" / "tune"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho mine $1\n", encoding="utf-8")
    program.chmod(0o755)
    mine = 'AgentRFT = {command = ["tools/tune", "x"]}\n'
    configure(embedded.folder, mine + SHELL.format(script='"exit 1"'))
    assert embedded.log(await run(embedded)) == "mine x\n"


async def test_a_failure_is_told_in_the_programs_own_words(embedded: Embedded) -> None:
    shell(
        embedded.folder,
        "echo no rewards > /opt/ml/output/failure; echo [ > /opt/ml/output/job.json; exit 4",
    )
    view = await run(embedded)
    assert view.status is StepStatus.FAILED
    assert view.failure_reason == "AlgorithmError: no rewards, exit code 4"
    assert view.properties["JobStatus"] == "Failed"
    assert view.properties["FailureReason"] == view.failure_reason


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("[1]", "holds list, not an object"),
        ("{", "is no JSON: "),
        ('{"JobConfigDocument": "[1]"}', "has a JobConfigDocument that is no object"),
    ],
)
async def test_a_result_that_cannot_be_used_fails_the_step(
    embedded: Embedded, result: str, told: str
) -> None:
    shell(embedded.folder, f"echo '{result}' > /opt/ml/output/job.json")
    view = await run(embedded)
    assert view.status is StepStatus.FAILED
    assert view.failure_reason.startswith(f"ClientError: /opt/ml/output/job.json {told}")


async def test_stop_ends_the_program(embedded: Embedded) -> None:
    shell(embedded.folder, "exec sleep 1000")
    execution = await embedded.create(pipeline(job()))
    running = asyncio.create_task(embedded.go_on(execution))
    await wait_until_executing(embedded, execution, "Tune")
    await embedded.send(execution, StopExecution())
    state = await running
    assert state.execution.status is ExecutionStatus.STOPPED
    assert state.steps["Tune"].status is StepStatus.STOPPED
    assert state.steps["Tune"].properties["JobStatus"] == "Stopped"


async def test_the_stopping_condition_of_the_document_holds(embedded: Embedded) -> None:
    shell(embedded.folder, "exec sleep 1000")
    view = await run(embedded, job('{"StoppingCondition": {"MaxRuntimeInSeconds": 1}}'))
    assert view.status is StepStatus.STOPPED
    assert view.failure_reason.startswith("MaxRuntimeExceeded: ")
    assert view.properties["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_a_running_program_is_adopted_not_started_again(host: Host) -> None:
    up, gate = host.fifo("up"), host.fifo("gate")
    result = '{\\"JobConfigDocument\\": {\\"b\\": 2}}'
    shell(
        host.folder,
        f'echo up > {up.path}; read word < {gate.path}; echo "{result}" > /opt/ml/output/job.json',
    )
    execution_id = host.start(definition(job('{"a": 1}')))
    assert up.hear() == "up\n"
    program = host.job(execution_id, "Tune")
    host.kill_runner(execution_id)
    host.take_over(execution_id)
    assert host.job(execution_id, "Tune") == program
    gate.say()
    state = host.settle(execution_id)
    view = state.steps["Tune"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert len(view.attempts) == 1
    assert json.loads(view.properties["JobConfigDocument"]) == {"a": 1, "b": 2}


# -- What a person stands for ---------------------------------------------------------------------


async def asked(
    embedded: Embedded, *steps: dict[str, Any]
) -> tuple[str, CallbackRequested, asyncio.Task[ExecutionState]]:
    """Start an execution whose Job step waits for a person; its id, the question and its run."""
    execution = await embedded.create(pipeline(*steps))
    running = asyncio.create_task(embedded.go_on(execution))
    await wait_until_executing(embedded, execution, "Tune")
    facts = [event.fact for event in await embedded.events(execution)]
    (question,) = (fact for fact in facts if isinstance(fact, CallbackRequested))
    return execution, question, running


@pytest.mark.parametrize("runner", ["auto", "container"])
async def test_a_category_without_a_program_waits_for_a_person_whose_outputs_are_the_jobs(
    embedded: Embedded, runner: str
) -> None:
    (embedded.folder / "pipetui.toml").write_text(f'[jobs]\nrunner = "{runner}"\n')
    made = {"Get": "Steps.Tune.JobConfigDocument.OutputModelPackageArn"}
    ends = {"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": made}}
    execution, question, running = await asked(embedded, job(), ends)
    assert "[job_categories.AgentRFT]" in question.inputs["Do"]
    assert question.inputs["JobConfigDocument"]["Tags"] == ["a", "b"]
    outputs = {"OutputModelPackageArn": MADE}
    await embedded.send(execution, AnswerCallback(question.token, success=True, outputs=outputs))
    state = await running
    view = state.steps["Tune"]
    assert view.status is StepStatus.SUCCEEDED
    assert view.stand_in.startswith("nothing runs: no program is named for AgentRFT jobs")
    assert view.properties["JobStatus"] == "Completed"
    assert json.loads(view.properties["JobConfigDocument"])["Tags"] == ["a", "b"]
    assert view.note.startswith("This host ran nothing; approved by ")
    assert view.metadata["Job"] == {"Arn": view.properties["JobArn"]}
    assert state.steps["End"].failure_reason == MADE


async def test_a_person_may_say_that_the_job_failed(embedded: Embedded) -> None:
    by_parameter = job("{}", JobCategory={"Get": "Parameters.Path"})
    execution, question, running = await asked(embedded, by_parameter)
    answer = AnswerCallback(question.token, success=False, reason="no rewards")
    await embedded.send(execution, answer)
    view = (await running).steps["Tune"]
    assert view.status is StepStatus.FAILED
    assert view.failure_reason == "ClientError: no rewards"
    assert view.failure_code == "job-rejected"


async def test_stop_ends_the_wait_for_a_person(embedded: Embedded) -> None:
    execution, _, running = await asked(embedded, job())
    await embedded.send(execution, StopExecution())
    assert (await running).steps["Tune"].status is StepStatus.STOPPED


# -- What is refused -----------------------------------------------------------------------------


async def test_a_program_that_is_not_on_this_host_is_refused(embedded: Embedded) -> None:
    configure(embedded.folder, 'AgentRFT = {command = ["./none"]}')
    problem = await refusal(embedded, pipeline(job()))
    assert problem.code == "job-program-missing"
    assert f"no program {embedded.folder}/./none" in problem.message


async def test_a_program_without_an_image_runs_on_the_host_beside_containers(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    podman_that_runs_nothing(embedded.folder, monkeypatch)
    shell(embedded.folder, "cat /opt/ml/config/document.json")
    with (embedded.folder / "pipetui.toml").open("a", encoding="utf-8") as file:
        file.write('[jobs]\nrunner = "container"\n')
    view = await run(embedded, job())
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert view.environment["Runner"] in ("namespace", "rewrite")
    assert view.stand_in.endswith("of this host stands for SageMaker's AgentRFT job")


async def test_a_document_that_is_no_json_once_it_is_resolved_fails_the_step(
    embedded: Embedded,
) -> None:
    shell(embedded.folder, "true")
    view = await run(embedded, job({"Get": "Parameters.Path"}))
    assert view.failure_reason.startswith("ClientError: JobConfigDocument is no JSON: ")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ('{"a": ', "is no JSON: "),
        ("[1]", "holds no object"),
        ({"a": 1, "b": 2}, "is no text"),
        (None, "is missing"),
    ],
)
async def test_a_document_that_is_no_json_is_said_first(
    embedded: Embedded, document: Any, told: str
) -> None:
    problem = await refusal(embedded, pipeline(job(document)))
    assert problem.code == "job-document-invalid"
    assert problem.message.startswith(f"Tune: JobConfigDocument {told}")
    assert problem.path == "$.Steps[0].Arguments.JobConfigDocument"


async def test_the_steps_without_it_run(embedded: Embedded) -> None:
    steps = pipeline(processing("First", "true"), job())
    state = await embedded.run(steps, selection=("First",))
    assert state.execution.status == "Succeeded"


def test_expressions_reach_into_the_document_of_a_jobs_resolved_arguments() -> None:
    [step] = load(json.dumps(pipeline(job()))).steps.values()
    arguments = resolve(step.arguments, Parameters())  # type: ignore[arg-type]
    inside = ("JobConfigDocument", "Output", "Path")
    assert walk(arguments, inside, parse_text=True) == "s3://bucket/job"
    assert walk(arguments, ("JobConfigDocument", "Tags", 1), parse_text=True) == "b"
    with pytest.raises(ExpressionError, match="no member 'Model'"):
        walk(arguments, ("JobConfigDocument", "Model"), parse_text=True, root="Steps.Tune")


@pytest.mark.parametrize(
    "type_",
    [
        "Athena",
        "BedrockCustomModel",
        "BedrockCustomModelDeployment",
        "BedrockModelImport",
        "BedrockProvisionedModelThroughput",
        "HubContent",
    ],
)
async def test_types_that_run_on_aws_alone_are_refused_by_name(
    embedded: Embedded, type_: str
) -> None:
    ask = {"Name": "Ask", "Type": type_, "Arguments": {"Q": "x"}}
    problem = await refusal(embedded, definition(ask))
    assert problem.code == "step-type-unsupported"
    assert problem.message == f"Ask: steps of type {type_} run on AWS alone"
