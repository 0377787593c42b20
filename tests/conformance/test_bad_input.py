"""Bad input: which error it is in the service's words, and that it names the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from engine.errors import CommandRejected, DefinitionError, PipetuiError
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import StepView
from engine.sources.aws_shapes import StatusChanges
from pipetui.cli.narrator import words_about
from pipetui.viewmodel import spoken
from pipetui.viewmodel.detail import step_lines
from pipetui.viewmodel.lines import text_of
from pipetui.viewmodel.state import Display
from pipetui.viewmodel.steps import Shape, row
from tests.conformance.stage import Stage
from tests.conformance.test_tables import conditional
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.serving import SCALE, container, model_step, pack_model, transform_step
from tests.engine.test_functions import V2, spoil, stored
from tests.engine.test_notebooks import cell, job
from tests.environments import shared_environments
from tests.unit.definition.samples import fn, look
from tests.unit.definition.test_validation import INVALID

NUMBER = {"Name": "N", "Type": "Integer"}
FILE = {"PropertyFileName": "Report", "OutputName": "o", "FilePath": "report.json"}


def source(text: str = "") -> dict[str, Any]:
    """A step whose property file holds this text; nothing writes it where there is none."""
    script = f"echo '{text}' > /opt/ml/processing/o/report.json" if text else "true"
    return processing("Source", script, inputs={"i": "s3://bucket/in"},
                      outputs={"o": "s3://bucket/out"}, PropertyFiles=[FILE])  # fmt: skip


def json_get(path: str) -> dict[str, Any]:
    file = {"Get": "Steps.Source.PropertyFiles.Report"}
    return {"Std:JsonGet": {"PropertyFile": file, "Path": path}}


def compare(left: Any, right: Any, how: str = "GreaterThan") -> dict[str, Any]:
    return conditional("Use", {"Type": how, "LeftValue": left, "RightValue": right}, ["Source"])


AT_RUN_TIME: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "text against number": (source(), compare("4", 5), "4"),
    "boolean against number": (source(), compare(True, 5), "true"),
    "object in a condition": (source('{"a": {"b": 1}}'), compare(json_get("a"), 1, "Equals"), "a"),
    "index past the end": (
        source(), fn("Use", {"v": {"Get": "Steps.Source.ProcessingInputs[3].InputName"}}),
        "Steps.Source.ProcessingInputs"),
    "missing member": (
        source(), fn("Use", {"v": {"Get": "Steps.Source.ProcessingJobColour"}}), "Steps.Source"),
    "missing name in a list": (
        source(), fn("Use", {"v": {"Get": "Steps.Source.ProcessingInputs['x'].InputName"}}),
        "Steps.Source.ProcessingInputs"),
    "missing property file": (source(), fn("Use", {"v": json_get("a")}), "report.json"),
    "property file that is no JSON": (source("{"), fn("Use", {"v": json_get("a")}), "report.json"),
    "missing JSON path": (source('{"a": {}}'), fn("Use", {"v": json_get("a.b[0]")}), "b"),
    "object where a text is joined": (
        source('{"a": {}}'), fn("Use", {"v": {"Std:Join": {"On": "", "Values": [json_get("a")]}}}),
        "Join"),
    "object that is no S3 URI": (
        source(), processing("Use", "true", inputs={"i": "s3:/bucket"}, DependsOn=["Source"]),
        "s3:/bucket"),
    "missing data": (
        source(), processing("Use", "true", inputs={"i": "s3://bucket/no"}, DependsOn=["Source"]),
        "s3://bucket/no"),
}  # fmt: skip
"""What makes step ``Use`` fail, and what its reason names."""


@pytest.mark.parametrize("case", AT_RUN_TIME)
async def test_the_step_that_uses_bad_input_fails_as_a_client_error(
    embedded: Embedded, case: str
) -> None:
    before, use, named = AT_RUN_TIME[case]
    stage = Stage(embedded, definition(before, use))
    gone = embedded.home.s3 / "bucket" / "no"
    for file in gone.glob("*"):
        file.unlink()
    state = await stage.run()
    assert state.execution.status is ExecutionStatus.FAILED
    assert state.execution.first_failed == "Use"
    assert state.steps["Source"].status is StepStatus.SUCCEEDED, "the producer is not to blame"
    failed = state.steps["Use"]
    assert failed.failure_reason.startswith("ClientError: ")
    assert named in failed.failure_reason
    assert failed.failure_code and failed.note
    await is_told(embedded, state, "Use", "ClientError", named)


async def is_told(
    embedded: Embedded, state: ExecutionState, step: str, kind: str, named: str
) -> None:
    """Error class, step and cause stand together wherever a person or a program reads of it."""
    view, display = state.steps[step], Display()
    shown = row(view, state.steps, Shape(), now=0.0, display=display)
    app = " ".join(text_of(cell) for cell in shown.cells)
    detail = "\n".join(map(text_of, step_lines(
        view, artifacts=(), raw=None, now=0.0, width=2000, display=display)))  # fmt: skip
    changes = StatusChanges()
    events = await embedded.events(state.execution.id)
    told = [one["detail"] for event in events for one in changes.take(event)]
    (event,) = (
        one for one in told
        if one.get("stepName") == step and one["currentStepStatus"] == "Failed"
    )  # fmt: skip
    assert all(text in app for text in (step, named)), app
    assert all(text in detail for text in (step, kind, named))
    assert all(text in spoken.step_sentence(view, 0.0) for text in (step, named))
    assert all(text in words_about(view) for text in (kind, named))
    assert (event["stepName"], event["failureReason"]) == (step, view.failure_reason)


POLICY = {"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2, "ExpireAfterMin": 5}
CHAIN = definition(fn("A"), fn("B", DependsOn=["A"]), fn("C", DependsOn=["B"]))
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], type[PipetuiError], str, str]] = {
    "parameter without a value": (
        definition(fn("Asks", {"v": {"Get": "Parameters.N"}}), parameters=[NUMBER]), {},
        DefinitionError, "parameter-missing", "Asks"),
    "parameter of another type": (
        definition(fn("A"), parameters=[NUMBER]), {"parameters": {"N": "five"}},
        DefinitionError, "parameter-type", "N"),
    "parameter that nobody declared": (
        definition(fn("Asks", {"v": {"Get": "Parameters.M"}})), {},
        DefinitionError, "parameter-unknown", "Asks: "),
    "step that is not there": (
        definition(fn("A", {"v": {"Get": "Steps.B.Name"}})), {},
        DefinitionError, "step-unknown", "B"),
    "property file that nobody declared": (
        definition(processing("Source", "true"), fn("Use", {"v": json_get("a")})), {},
        DefinitionError, "property-file-unknown", "Source"),
    "both limits of a retry policy": (
        definition(fn("Noisy", RetryPolicies=[POLICY])), {},
        DefinitionError, "retry-limits-conflict", "Noisy"),
    "selection with a gap": (
        CHAIN, {"selection": ("A", "C"), "source_execution": ""},
        CommandRejected, "selection-not-closed", "B"),
    "selection that needs a source": (
        CHAIN, {"selection": ("B",)}, CommandRejected, "source-missing", "A"),
    "selection of an unknown step": (
        CHAIN, {"selection": ("Z",)}, CommandRejected, "selection-unknown-step", "Z"),
}  # fmt: skip
"""What is refused before anything starts: where a service answers ValidationException."""


@pytest.mark.parametrize("case", REFUSED)
async def test_a_start_that_breaks_a_rule_is_refused_by_name(embedded: Embedded, case: str) -> None:
    document, request, kind, code, named = REFUSED[case]
    with pytest.raises((PipetuiError, ExceptionGroup)) as caught:
        await embedded.create(document, **request)
    problem: Any = caught.value
    if isinstance(problem, ExceptionGroup):
        (problem,) = problem.exceptions
    assert isinstance(problem, kind)
    assert (problem.code, named in problem.message) == (code, True), problem.message
    assert problem.hint
    assert not any(embedded.home.executions.iterdir())


@pytest.mark.parametrize(("code", "steps"), INVALID)
def test_what_breaks_a_rule_of_the_definition_is_told_with_its_step(
    code: str, steps: list[Any]
) -> None:
    ways = [way for name in _names(steps) for way in (f"{name}: ", repr(name))]
    for error in look(*steps).errors:
        if error.code == code and ways:
            assert any(way in error.message for way in ways), error.message


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _names(inner)
    if isinstance(value, dict):
        if "Name" in value:
            yield value["Name"]
        yield from _names(list(value.values()))


async def scored(embedded: Embedded, code: str, rows: str, **more: Any) -> Any:
    """The Transform step ``Score`` of a model with this code."""
    variables: Mapping[str, str] = more.pop("variables", {})
    embedded.put("s3://bucket/in/a.csv", rows)
    data = pack_model(embedded.home, "s3://bucket/m/model.tar.gz", code, factor="2")
    step = transform_step("Score", "Make", "s3://bucket/in/", "s3://bucket/scored", **more)
    model = model_step("Make", container(data, **variables))
    return (await embedded.run(definition(model, step))).steps["Score"]


async def told_of(embedded: Embedded, view: StepView, named: str) -> None:
    store = await embedded.store()
    try:
        state = await store.state(view.execution_id)
    finally:
        await store.close()
    await is_told(embedded, state, view.name, "AlgorithmError", named)


UNHEALTHY = "import signal\ndef model_fn(folder):\n    signal.pause()"


async def test_a_container_that_is_not_healthy_fails_the_transform(embedded: Embedded) -> None:
    view = await scored(embedded, UNHEALTHY, "1\n", variables={"SAGEMAKER_STARTUP_TIMEOUT": "1"})
    assert view.status is StepStatus.FAILED
    assert view.failure_reason.startswith("AlgorithmError: ")
    assert "did not pass the ping health check" in view.failure_reason
    await told_of(embedded, view, "did not pass the ping health check")


async def test_a_payload_over_the_limit_fails_the_transform(embedded: Embedded) -> None:
    view = await scored(embedded, SCALE, "1" * (1024**2 + 1) + "\n", MaxPayloadInMB=1)
    assert view.status is StepStatus.FAILED
    assert view.failure_reason.startswith("AlgorithmError: ")
    assert "MaxPayloadInMB" in view.failure_reason
    await told_of(embedded, view, "MaxPayloadInMB")


@pytest.mark.environments
@pytest.mark.network
async def test_a_pickle_whose_checksum_does_not_match_fails_its_step(embedded: Embedded) -> None:
    file = await stored(embedded, V2, "broken")
    spoil(embedded, "bucket/broken/Break/*/function/payload.pkl")
    view = (await embedded.run(file)).steps["Break"]
    assert view.failure_code == "payload-integrity"
    await told_of(embedded, view, "Integrity check")


@pytest.mark.environments
@pytest.mark.network
async def test_a_notebook_that_raises_fails_its_step_with_the_cell(embedded: Embedded) -> None:
    shared_environments(embedded.home)
    step = job(embedded, [cell("1"), cell("raise KeyError('gone')")])
    (view,) = (await embedded.run(definition(step))).steps.values()
    assert view.status is StepStatus.FAILED
    assert view.failure_reason.startswith("AlgorithmError: ")
    assert "KeyError: 'gone' (cell 2 of 2)" in view.failure_reason
    await told_of(embedded, view, "KeyError: 'gone'")
