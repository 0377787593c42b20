"""Job: a CreateJob request (section 1.4), carried out by a program that the configuration names.

What SageMaker runs for a category (fine-tuning of agents, their evaluation) is a closed program of
the service. A program of this host stands for it: it reads the request and its document below
``/opt/ml/config``, and may say in ``/opt/ml/output/job.json`` what DescribeJob is to tell of it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.config import Config, JobProgram
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.jobs.base import Job
from engine.model.views import local_arn
from engine.steps.base import JobsEnd, Outcome, StepContext
from engine.steps.container import DEFAULT_PATH, Prepared, base_interpreter, job_environment
from engine.steps.hosts import Host, job_outcome, job_status, job_times, max_runtime
from engine.steps.inputs import section
from engine.steps.json_files import read_json
from engine.steps.spark import refuse_containers

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
        """A document that is no JSON, and a category without a program on this host."""
        document = step.arguments.get("JobConfigDocument")
        if not _is_expression(document) and (problem := _document_problem(document)):
            return PlanError(
                f"{step.name}: JobConfigDocument {problem}",
                code="job-document-invalid",
                hint=_TEXT,
                path=f"{step.path}.Arguments.JobConfigDocument",
            )
        if refusal := refuse_containers(step, config):
            return refusal
        category = step.arguments.get("JobCategory")
        if _is_expression(category):
            return None
        try:
            _command(str(category), config)
        except JobError as problem:
            message = problem.message.removeprefix("ClientError: ")
            return PlanError(
                f"{step.name}: {message}", code=problem.code, hint=problem.hint, path=step.path
            )
        return None

    def stand_in(self, step: Step) -> str:
        """A program of this host stands for SageMaker's."""
        category = step.arguments.get("JobCategory")
        kind = f"{category} job" if isinstance(category, str) else "job"
        return f"a program of this host stands for SageMaker's {kind}"

    async def run(self, context: StepContext) -> Outcome:
        """Run the category's program; the properties are DescribeJob's."""
        arguments: Json = context.arguments
        document = _document(arguments.get("JobConfigDocument"))
        command, folder = _command(str(arguments.get("JobCategory")), context.services.config)
        limit = max_runtime({"StoppingCondition": section(document, "StoppingCondition")})
        request = _request(context)
        host = Host(0, 1, context.directory)
        if not context.resuming:
            host.ml.write_json(REQUEST, {**request, "JobConfigDocument": document})
            host.ml.write_json(DOCUMENT, document)
            host.ml.make(OUTPUT)
        metadata = {"Job": {"Arn": request["JobArn"]}}
        context.progress(f"starting {command[0]}", metadata)
        about = {"Kind": "host", "Command": list(command), "Folder": folder}
        end = await context.run_jobs([_job(context, host, command, folder)], about, limit)
        properties = _described(request, host, end)
        return job_outcome(end, [host], "Processing", limit, properties, metadata)


def program_of(category: str, config: Config) -> JobProgram | None:
    """The program that the configuration names for a category of jobs; None where it has none."""
    return config.job_categories.get(category) or config.job_categories.get(_DEFAULT)


def _command(category: str, config: Config) -> tuple[tuple[str, ...], str]:
    """The command of a category with the path of its program, and the folder it starts in.

    Errors: ``JobError`` (``job-category-unmapped``, ``job-program-missing``).
    """
    program = program_of(category, config)
    if program is None:
        raise JobError(
            f"ClientError: no local program is named for jobs of category {category}",
            code="job-category-unmapped",
            hint=f'Add command = ["python", "job.py"] under [job_categories.{category}] in'
            " pipetui.toml beside the definition; [job_categories.default] is for all others.",
        )
    name, *words = program.command
    if name in _PYTHON:
        return (base_interpreter(config), *words), program.folder
    wanted = os.path.join(program.folder, name) if "/" in name else name
    found = shutil.which(wanted, path=_path(config))
    if found is None:
        raise JobError(
            f"ClientError: this host has no program {wanted}, which the configuration names for"
            f" jobs of category {category}",
            code="job-program-missing",
            hint=f"Mend command under [job_categories] in {program.folder}; python stands for"
            " python.interpreter.",
        )
    return (found, *words), program.folder


def _path(config: Config) -> str:
    return f"{Path(base_interpreter(config)).parent}:{os.environ.get('PATH') or DEFAULT_PATH}"


def _job(context: StepContext, host: Host, command: tuple[str, ...], folder: str) -> Job:
    config = context.services.config
    prepared = Prepared(base_interpreter(config), _path(config), None, {})
    # By these a program finds its files where no namespace shows it /opt/ml.
    variables = {"SM_JOB_CONFIG": REQUEST, "SM_JOB_DOCUMENT": DOCUMENT, "SM_OUTPUT_DIR": OUTPUT}
    return Job(
        id=context.job_id,
        directory=str(context.directory),
        command=command,
        environment=job_environment(context, prepared, variables),
        ml=str(host.ml.folder),
        working_directory=folder,
        grace_s=config.grace_s,
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
