"""Lambda: calls a local Python handler that the configuration names for the function."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.jobs.base import Job
from engine.model.status import StepStatus
from engine.steps.base import Outcome, StepContext, failed, succeeded
from engine.steps.container import DEFAULT_PATH, Prepared, base_interpreter, job_environment
from engine.steps.json_files import read_json
from engine.steps.output_parameters import typed_outputs
from engine.steps.programs import __file__ as programs

PROGRAM = str(Path(programs).parent / "lambda_function.py")


class LambdaStep:
    """Calls ``module:function`` in a process of its own, in the configured interpreter."""

    runs_jobs = True
    interruptible = False

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """A function that the configuration does not name."""
        arn = step.extra.get("FunctionArn")
        if not isinstance(arn, str) or handler_of(arn, config):
            return None
        return PlanError(
            f"{step.name}: no local handler is named for Lambda function {arn}",
            code="lambda-unmapped",
            hint=f'Add "{arn}" = "module:function" under [lambda] in pipetui.toml beside the'
            " definition.",
            path=step.path,
        )

    def stand_in(self, step: Step, config: Config) -> str:
        """A local process stands for the function."""
        return "a local handler stands for the Lambda function"

    async def run(self, context: StepContext) -> Outcome:
        """The handler's result holds the OutputParameters."""
        config = context.services.config
        arn = str(context.resolve(context.step.extra.get("FunctionArn")) or "")
        handler = handler_of(arn, config)
        if not handler:
            raise JobError(
                f"ClientError: no local handler is named for Lambda function {arn}",
                code="lambda-unmapped",
                hint="Name one under [lambda] in pipetui.toml.",
            )
        result_file = context.directory / "result.json"
        if not context.resuming:
            _write_request(context, arn)
        job = _job(context, arn, handler, result_file)
        metadata: dict[str, Any] = {"Lambda": {"Arn": arn}}
        limit = config.lambda_timeout_s
        end = await context.run_jobs([job], {"Handler": handler, "Kind": "host"}, limit)
        if end.timed_out:
            reason = f"ClientError: Lambda function {arn} timed out after {limit:g} s"
            hint = "jobs.lambda_timeout_s in the configuration sets the limit."
            return failed(reason, "lambda-timeout", metadata=metadata, note=hint)
        if end.stopped:
            return Outcome(StepStatus.STOPPED, {}, metadata)
        if not end.ok:
            why = _error(result_file) or end.worst.describe()
            reason = f"ClientError: Lambda function {arn} failed: {why}"
            return failed(reason, "lambda-failed", metadata=metadata)
        result = _result(result_file, arn)
        outputs = typed_outputs(context.step.output_parameters, result, f"function {arn}")
        listed = [{"Name": key, "Value": value} for key, value in outputs.items()]
        metadata["Lambda"]["OutputParameters"] = listed
        return succeeded({"OutputParameters": outputs}, metadata)


def handler_of(arn: str, config: Config) -> str:
    """The handler that the configuration names for a function, by ARN or by name."""
    return config.lambdas.get(arn) or config.lambdas.get(_function_name(arn)) or ""


def _function_name(arn: str) -> str:
    """The name in ``arn:aws:lambda:REGION:ACCOUNT:function:NAME[:ALIAS]``; a bare name is one."""
    parts = arn.split(":")
    return parts[6] if len(parts) > 6 else parts[-1]


def _write_request(context: StepContext, arn: str) -> None:
    request = {
        "event": context.arguments or {},
        "context": {
            "function_name": _function_name(arn),
            "invoked_function_arn": arn,
            "aws_request_id": f"{context.run.id}-{context.step.name}-{context.attempt}",
            "timeout_s": context.services.config.lambda_timeout_s,
        },
    }
    (context.directory / "event.json").write_text(json.dumps(request), encoding="utf-8")


def _job(context: StepContext, arn: str, handler: str, result_file: Path) -> Job:
    config = context.services.config
    python = base_interpreter(config)
    folder = config.folder or context.run.base
    prepared = Prepared(python, f"{Path(python).parent}:{DEFAULT_PATH}", None, {})
    return Job(
        id=f"{context.run.id}/{context.step.name}/{context.attempt}",
        directory=str(context.directory),
        command=(
            python,
            PROGRAM,
            handler,
            folder,
            str(context.directory / "event.json"),
            str(result_file),
        ),
        environment=job_environment(
            context, prepared, {"AWS_LAMBDA_FUNCTION_NAME": _function_name(arn)}
        ),
        working_directory=str(context.directory),
        grace_s=config.grace_s,
    )


def _error(file: Path) -> str:
    """What the handler raised, in a line; empty where it ended in another way."""
    try:
        error = read_json(file.read_bytes())
        return f"{error['errorType']}: {error['errorMessage']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _result(file: Path, arn: str) -> Mapping[str, Any]:
    try:
        result = read_json(file.read_bytes())
    except (OSError, ValueError) as problem:
        raise JobError(
            f"ClientError: Lambda function {arn} left no result", code="lambda-no-result"
        ) from problem
    if result is None:
        return {}
    if not isinstance(result, dict):
        raise JobError(
            f"ClientError: Lambda function {arn} returned {type(result).__name__}, not an object",
            code="lambda-result-invalid",
            hint="Return a flat dict with the step's OutputParameters.",
        )
    return result
