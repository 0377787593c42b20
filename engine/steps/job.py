"""Job: a CreateJob request (section 1.4), carried out by a program that the configuration names.

What SageMaker runs for a category (fine-tuning of agents, their evaluation) is a closed program of
the service. A program of this host stands for it: it reads the request and its document below
``/opt/ml/config``, and may say in ``/opt/ml/output/job.json`` what DescribeJob is to tell of it.
Where none is named for a category a person stands for it: the step waits in the inbox until the job
was done elsewhere, and the answer's outputs are its results.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.config import Config, JobProgram
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.jobs.base import Job
from engine.model.views import local_arn
from engine.steps.base import JobsEnd, Outcome, StepContext, failed, succeeded
from engine.steps.container import (
    DEFAULT_PATH,
    Prepared,
    base_interpreter,
    job_environment,
    own_environment,
    prepare,
    refuse_image,
)
from engine.steps.hosts import Host, job_outcome, job_status, job_times, max_runtime
from engine.steps.inputs import section
from engine.steps.json_files import read_json

Json = Mapping[str, Any]
REQUEST = "/opt/ml/config/job.json"
DOCUMENT = "/opt/ml/config/document.json"
OUTPUT = "/opt/ml/output"
RESULT = f"{OUTPUT}/job.json"
_DEFAULT = "default"
_PYTHON = ("python", "python3")
_RESULT_LIMIT = 1 << 20
"""Characters of a result; a JobConfigDocument has 262144 at most (API model)."""
_TEXT = "It is a text that holds one JSON object."


class JobStep:
    """Runs CreateJob requests."""

    runs_jobs = True
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """A document that is no JSON, and a program that is named but cannot run."""
        document = step.arguments.get("JobConfigDocument")
        if not _is_expression(document) and (problem := _document_problem(document)):
            return PlanError(
                f"{step.name}: JobConfigDocument {problem}",
                code="job-document-invalid",
                hint=_TEXT,
                path=f"{step.path}.Arguments.JobConfigDocument",
            )
        category = step.arguments.get("JobCategory")
        program = None if _is_expression(category) else program_of(str(category), config)
        if program is None:
            return None
        if refusal := refuse_image(step, program.image, config):
            return refusal
        try:
            _check(program, config)
        except JobError as problem:
            message = problem.message.removeprefix("ClientError: ")
            return PlanError(
                f"{step.name}: {message}", code=problem.code, hint=problem.hint, path=step.path
            )
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """The program that stands for SageMaker's, or the person."""
        category = step.arguments.get("JobCategory")
        if not isinstance(category, str):
            return "a program of this host, or a person's answer, stands for SageMaker's job"
        program = program_of(category, config)
        if program is None:
            return (
                f"nothing runs: no program is named for {category} jobs, so the step waits in"
                " PipeTUI's inbox for a person's answer"
            )
        words = shlex.join(program.command)
        where = f"image {program.image}" if program.image else "this host"
        return f"{words} of {where} stands for SageMaker's {category} job"

    async def run(self, context: StepContext) -> Outcome:
        """Run the category's program, or wait for an answer; the properties are DescribeJob's."""
        arguments: Json = context.arguments
        document = _document(arguments.get("JobConfigDocument"))
        config = context.services.config
        program = program_of(str(arguments.get("JobCategory")), config)
        if program is None:
            return await _ask(context, document)
        _check(program, config)
        limit = max_runtime({"StoppingCondition": section(document, "StoppingCondition")})
        request = _request(context)
        host = Host(0, 1, context.directory)
        if not context.resuming:
            host.ml.write_json(REQUEST, {**request, "JobConfigDocument": document})
            host.ml.write_json(DOCUMENT, document)
            host.ml.make(OUTPUT)
        metadata = {"Job": {"Arn": request["JobArn"]}}
        context.progress(f"starting {program.command[0]}", metadata)
        prepared = await _prepare(context, program)
        job = _job(context, host, program, prepared)
        about = {**prepared.description, "Command": list(job.command), "Folder": program.folder}
        end = await context.run_jobs([job], about, limit)
        properties = _described(request, host, end)
        return job_outcome(end, [host], "Processing", limit, properties, metadata)


def program_of(category: str, config: Config) -> JobProgram | None:
    """The program that the configuration names for a category of jobs; None where it has none."""
    return config.job_categories.get(category) or config.job_categories.get(_DEFAULT)


async def _ask(context: StepContext, document: Json) -> Outcome:
    """Wait for a person's answer; its outputs become members of the document."""
    request = _request(context)
    answer = await context.answer(context.callback_token, "", _asked(request, document), _nobody)
    metadata = {"Job": {"Arn": request["JobArn"]}}
    note = f"This host ran nothing; {answer.note}."
    if not answer.success:
        reason = f"ClientError: {answer.reason or 'rejected'}"
        properties = {**request, "JobStatus": "Failed", "FailureReason": reason}
        return failed(reason, "job-rejected", properties, metadata, note)
    properties = {
        **request,
        "JobConfigDocument": _with_result(request["JobConfigDocument"], dict(answer.outputs)),
        "JobStatus": "Completed",
        "SecondaryStatus": "Completed",
    }
    return succeeded(properties, metadata, note)


def _asked(request: Json, document: Json) -> dict[str, Any]:
    """What the person is shown: what there is to do, and the job's request."""
    category = request["JobCategory"]
    return {
        "Do": f"This host has no program for {category} jobs: run the job elsewhere and answer with"
        f" its outputs, or name a program under [job_categories.{category}] in pipetui.toml.",
        "JobName": request["JobName"],
        "JobCategory": category,
        "JobConfigDocument": document,
    }


async def _nobody(status: str) -> str:
    """The question goes to the inbox alone."""
    return ""


def _check(program: JobProgram, config: Config) -> None:
    """Whether a program can run here. Errors: ``JobError``."""
    # The programs of an environment are known once it is built.
    if not program.image:
        _command(program, _on_host(config))


def _command(program: JobProgram, prepared: Prepared) -> tuple[str, ...]:
    """The command with the path of its program; as it is where it runs in a container.

    Errors: ``JobError`` (``job-program-missing``).
    """
    name, *words = program.command
    if not prepared.path:
        return program.command
    if name in _PYTHON:
        return (prepared.python, *words)
    wanted = os.path.join(program.folder, name) if "/" in name else name
    found = shutil.which(wanted, path=prepared.path)
    if found is None:
        raise JobError(
            f"ClientError: this host has no program {wanted}, which the configuration names for"
            " jobs of its category",
            code="job-program-missing",
            hint=f"Mend command under [job_categories] in {program.folder}; python stands for"
            " python.interpreter.",
        )
    return (found, *words)


def _on_host(config: Config) -> Prepared:
    python = base_interpreter(config)
    path = f"{Path(python).parent}:{os.environ.get('PATH') or DEFAULT_PATH}"
    return Prepared(python, path, None, {"Kind": "host"})


async def _prepare(context: StepContext, program: JobProgram) -> Prepared:
    """What a program runs in: its image, the environment that stands for it, or this host."""
    if not program.image:
        return _on_host(context.services.config)
    return await own_environment(context, await prepare(context, program.image))


def _job(context: StepContext, host: Host, program: JobProgram, prepared: Prepared) -> Job:
    # By these a program finds its files where no namespace shows it /opt/ml.
    variables = {"SM_JOB_CONFIG": REQUEST, "SM_JOB_DOCUMENT": DOCUMENT, "SM_OUTPUT_DIR": OUTPUT}
    return Job(
        id=context.job_id,
        directory=str(context.directory),
        command=_command(program, prepared),
        environment=job_environment(context, prepared, variables),
        ml=str(host.ml.folder),
        image=program.image,
        engine=prepared.engine,
        # A container has the image's own folders.
        working_directory=program.folder if prepared.path else "",
        grace_s=context.services.config.grace_s,
    )


def _request(context: StepContext) -> dict[str, Any]:
    """What CreateJob is given, with the name and the ARN that the job has."""
    arguments: Json = context.arguments
    kind = f"job/{arguments.get('JobCategory')}"
    return {
        **arguments,
        "JobName": context.job_name,
        "JobArn": local_arn(kind, context.job_name),
    }


def _described(request: Json, host: Host, end: JobsEnd) -> dict[str, Any]:
    """The properties: what the program said of its job, and what is known of it in any case.

    Errors: ``JobError`` (``job-result-invalid``) where the job did its work and says what is no
    JSON object; of a job that failed it is left out.
    """
    try:
        said = _said(host)
        document = _with_result(request["JobConfigDocument"], said.get("JobConfigDocument"))
    except JobError:
        if end.ok:
            raise
        said, document = {}, request["JobConfigDocument"]
    status = job_status(end)
    times = {key: at for key, at in job_times("", [host], end).items() if key != "StartTime"}
    return {
        **said,
        **request,
        "JobConfigDocument": document,
        **times,
        "JobStatus": status,
        "SecondaryStatus": "MaxRuntimeExceeded" if end.timed_out else status,
    }


def _said(host: Host) -> Json:
    """What the program left in its result; nothing where it left none."""
    text = host.ml.read_text(RESULT, _RESULT_LIMIT)
    if not text:
        return {}
    try:
        found = read_json(text.encode())
    except ValueError as problem:
        raise _no_result(f"is no JSON: {problem}") from problem
    if not isinstance(found, dict):
        raise _no_result(f"holds {type(found).__name__}, not an object")
    return found


def _with_result(document: str, result: Any) -> str:
    """A document with the members that the program set in it; as it was where it set none."""
    if result is None:
        return document
    if _document_problem(result) and not isinstance(result, dict):
        raise _no_result("has a JobConfigDocument that is no object")
    added = result if isinstance(result, dict) else json.loads(result)
    return json.dumps({**json.loads(document), **added})


def _no_result(why: str) -> JobError:
    return JobError(
        f"ClientError: {RESULT} {why}",
        code="job-result-invalid",
        hint='Write a JSON object, like {"JobConfigDocument": {"OutputModelPackageArn": "..."}}.',
    )


def _document(given: Any) -> Json:
    """The document of a request whose expressions are resolved. Errors: ``JobError``."""
    if problem := _document_problem(given):
        raise JobError(
            f"ClientError: JobConfigDocument {problem}", code="job-document-invalid", hint=_TEXT
        )
    found: Json = json.loads(given)
    return found


def _is_expression(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1


def _document_problem(document: Any) -> str:
    """What is wrong with a document; empty where it is fine."""
    if document is None:
        return "is missing"
    if not isinstance(document, str):
        return "is no text"
    try:
        found = read_json(document.encode())
    except ValueError as problem:
        return f"is no JSON: {problem}"
    return "" if isinstance(found, dict) else "holds no object"
