"""Lambda steps: a local handler stands for the function (section 3.4)."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest

from engine.model.commands import StopExecution
from engine.model.events import StopRequested
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import StepView
from tests.engine.embedded import Embedded, definition, processing

ARN = "arn:aws:lambda:us-east-1:123456789012:function:promote"


def calling(*outputs: tuple[str, str], event: Any = None, arn: Any = ARN) -> dict[str, Any]:
    """A Lambda step with these OutputParameters (name, type)."""
    return {
        "Name": "Call",
        "Type": "Lambda",
        "FunctionArn": arn,
        "Arguments": event or {},
        "OutputParameters": [
            {"OutputName": name, "OutputType": type_} for name, type_ in outputs
        ],
    }  # fmt: skip


def handle(embedded: Embedded, body: str, *, key: str = ARN, settings: str = "") -> None:
    """Put a handler beside the definition, and the configuration that names it."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    (embedded.folder / "functions.py").write_text(f"def handler(event, context):\n{lines}")
    (embedded.folder / "pipetui.toml").write_text(
        f'{settings}\n[lambda]\n"{key}" = "functions:handler"\n'
    )


async def call(embedded: Embedded, step: dict[str, Any]) -> StepView:
    """Run a definition of one Lambda step; returns what became of it."""
    state = await embedded.run(definition(step))
    return state.steps["Call"]


async def test_handler_gets_the_event_and_its_result_flows_on(embedded: Embedded) -> None:
    handle(embedded, "print('seen', event)\nreturn {'model': event['name'] + '-v2', 'more': 1}")
    step = calling(("model", "String"), event={"name": {"Get": "Parameters.Name"}, "count": 3})
    use = processing("Use", 'echo "$MODEL"', arguments={
        "Environment": {"MODEL": {"Get": "Steps.Call.OutputParameters['model']"}}
    })  # fmt: skip
    name = {"Name": "Name", "Type": "String", "DefaultValue": "abalone"}
    state = await embedded.run(definition(step, use, parameters=[name]))
    view = state.steps["Call"]
    assert embedded.log(view) == "seen {'name': 'abalone', 'count': 3}\n"
    assert embedded.log(state.steps["Use"]) == "abalone-v2\n"
    assert view.metadata["Lambda"] == {
        "Arn": ARN,
        "OutputParameters": [{"Name": "model", "Value": "abalone-v2"}],
    }


async def test_context_tells_about_the_function(embedded: Embedded) -> None:
    handle(
        embedded,
        "import os\n"
        "left = context.get_remaining_time_in_millis()\n"
        "return {'name': context.function_name, 'arn': context.invoked_function_arn,\n"
        "        'request': context.aws_request_id, 'timely': 0 < left <= 600_000,\n"
        "        'variable': os.environ['AWS_LAMBDA_FUNCTION_NAME']}",
    )
    outputs = [(name, "String") for name in ("name", "arn", "request", "variable")]
    view = await call(embedded, calling(*outputs, ("timely", "Boolean")))
    found = view.properties["OutputParameters"]
    assert found["name"] == found["variable"] == "promote"
    assert found["arn"] == ARN
    assert found["request"]
    assert found["timely"] is True


@pytest.mark.parametrize("arn", [ARN, f"{ARN}:live", "promote"])
async def test_function_is_found_by_its_name_too(embedded: Embedded, arn: str) -> None:
    handle(embedded, "return {'name': context.function_name}", key="promote")
    view = await call(embedded, calling(("name", "String"), arn=arn))
    assert view.properties["OutputParameters"] == {"name": "promote"}


async def test_outputs_have_their_declared_types_and_nested_ones_are_json_text(
    embedded: Embedded,
) -> None:
    handle(
        embedded,
        "return {'text': 5, 'count': '7', 'share': 1, 'flag': 'True', 'nested': {'a': [1, None]}}",
    )
    step = calling(
        ("text", "String"), ("count", "Integer"), ("share", "Float"), ("flag", "Boolean"),
        ("nested", "String"),
    )  # fmt: skip
    view = await call(embedded, step)
    outputs = view.properties["OutputParameters"]
    assert outputs == {
        "text": "5", "count": 7, "share": 1.0, "flag": True, "nested": '{"a": [1, null]}'
    }  # fmt: skip
    assert [type(value) for value in outputs.values()] == [str, int, float, bool, str]


async def test_function_without_outputs_may_return_nothing(embedded: Embedded) -> None:
    handle(embedded, "pass")
    view = await call(embedded, calling())
    assert view.status is StepStatus.SUCCEEDED
    assert view.properties == {"OutputParameters": {}}


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ("return {'other': 1}", "output-parameter-missing", "'model'"),
        ("return None", "output-parameter-missing", "'model'"),
        ("return {'model': 'many'}", "output-parameter-mistyped", "'many'"),
        ("return ['model']", "lambda-result-invalid", "list"),
        ("return {'model': {1}}", "lambda-failed", "TypeError"),
        ("return {'model': 1, 'bad': '\\ud800'}", "lambda-no-result", ARN),
        ("import os; os._exit(0)", "lambda-no-result", ARN),
        ("import os; os.kill(os.getpid(), 9)", "lambda-failed", "SIGKILL"),
        ("raise SystemExit(3)", "lambda-failed", "SystemExit: 3"),
    ],
)
async def test_bad_result_fails_the_step_with_its_cause(
    embedded: Embedded, body: str, code: str, words: str
) -> None:
    handle(embedded, body)
    view = await call(embedded, calling(("model", "Integer")))
    assert view.status is StepStatus.FAILED
    assert view.failure_code == code
    assert view.failure_reason.startswith("ClientError: ")
    assert words in view.failure_reason


async def test_exception_is_the_reason_and_its_traceback_lies_in_the_log(
    embedded: Embedded,
) -> None:
    handle(embedded, "raise ValueError('no such model')")
    view = await call(embedded, calling())
    expected = f"ClientError: Lambda function {ARN} failed: ValueError: no such model"
    assert view.failure_reason == expected
    log = embedded.log(view)
    assert "Traceback (most recent call last)" in log
    assert "functions.py" in log


async def test_handler_file_that_is_not_there_is_named(embedded: Embedded) -> None:
    handle(embedded, "pass")
    (embedded.folder / "functions.py").unlink()
    view = await call(embedded, calling())
    assert view.failure_reason.endswith("ModuleNotFoundError: No module named 'functions'")


async def test_module_may_have_the_name_that_aws_gives_it(embedded: Embedded) -> None:
    """The program that calls handlers has that name too, and must not be taken for it."""
    (embedded.folder / "lambda_function.py").write_text(
        "def lambda_handler(event, context):\n    return {'who': 'mine'}\n"
    )
    toml = f'[lambda]\n"{ARN}" = "lambda_function:lambda_handler"\n'
    (embedded.folder / "pipetui.toml").write_text(toml)
    view = await call(embedded, calling(("who", "String")))
    assert view.properties["OutputParameters"] == {"who": "mine"}
    (embedded.folder / "lambda_function.py").unlink()
    view = await call(embedded, calling(("who", "String")))
    assert "ModuleNotFoundError" in view.failure_reason


async def test_function_nobody_named_is_refused_at_plan_time(embedded: Embedded) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await embedded.run(definition(calling()))
    problem = caught.value.exceptions[0]
    assert getattr(problem, "code", "") == "lambda-unmapped"
    assert ARN in getattr(problem, "hint", "")


async def test_function_that_an_expression_names_fails_the_step_if_nobody_named_it(
    embedded: Embedded,
) -> None:
    parameter = {"Name": "Function", "Type": "String", "DefaultValue": "somewhere"}
    step = calling(arn={"Get": "Parameters.Function"})
    state = await embedded.run(definition(step, parameters=[parameter]))
    assert state.steps["Call"].failure_code == "lambda-unmapped"


async def test_function_over_its_time_is_ended(embedded: Embedded) -> None:
    handle(embedded, "import signal\nsignal.pause()", settings="[jobs]\nlambda_timeout_s = 0.2")
    view = await call(embedded, calling())
    assert view.status is StepStatus.FAILED
    assert view.failure_code == "lambda-timeout"
    assert view.failure_reason == f"ClientError: Lambda function {ARN} timed out after 0.2 s"
    assert "jobs.lambda_timeout_s" in view.note


WAITS = """
import os, pathlib
started, go, done = (pathlib.Path({folder!r}, name) for name in ("started", "go", "done"))
os.mkfifo(go)
started.touch()
go.open().readline()
done.touch()
"""


async def test_stop_waits_for_the_return_of_the_function(embedded: Embedded) -> None:
    """The handler blocks on a pipe that is written only after the stop was taken in."""
    handle(embedded, WAITS.format(folder=str(embedded.folder)))
    execution_id = await embedded.create(
        definition(calling(), processing("After", "true", DependsOn=["Call"]))
    )
    running = asyncio.create_task(embedded.go_on(execution_id))
    while not (embedded.folder / "started").exists():
        await embedded.events(execution_id)
    await embedded.send(execution_id, StopExecution("enough"))
    while not any(
        isinstance(event.fact, StopRequested) for event in await embedded.events(execution_id)
    ):
        assert not running.done()
    assert not (embedded.folder / "done").exists()
    pipe = os.open(embedded.folder / "go", os.O_RDWR)
    os.write(pipe, b"on\n")
    state = await running
    os.close(pipe)
    assert (embedded.folder / "done").exists()
    assert state.execution.status is ExecutionStatus.STOPPED
    assert state.steps["Call"].status is StepStatus.STOPPED
    assert state.steps["After"].status is StepStatus.BLOCKED


async def test_function_calls_aws_at_the_loopback_endpoint(embedded: Embedded) -> None:
    handle(embedded, "import os\nreturn {'url': os.environ['AWS_ENDPOINT_URL']}")
    view = await call(embedded, calling(("url", "String")))
    assert view.properties["OutputParameters"]["url"].startswith("http://127.0.0.1:")
    folder = embedded.home.attempt(view.execution_id, "Call", 1)
    request = json.loads((folder / "event.json").read_text())
    assert request["event"] == {}
