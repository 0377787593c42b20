"""A definition with everything it names set up around it: data, code, interpreter, functions."""

from __future__ import annotations

import asyncio
import json
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.config import Config
from engine.definition.graph import Graph
from engine.definition.loader import load
from engine.errors import PlanError
from engine.model.commands import AnswerCallback
from engine.model.events import CallbackRequested
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.steps.handlers import refuse
from tests.conformance import programs
from tests.engine.embedded import Embedded
from tests.engine.serving import pack_model
from tests.shared import DEFINITIONS

OURS = Path(__file__).parents[1] / "definitions"
PATIENCE_S = 900.0
"""After this a test gives up: a definition takes half a second, its environment minutes."""
FUNCTIONS = "functions"
ROWS = "1,2\n3,4\n"
SAMPLES: Mapping[str, Any] = {"String": "text", "Integer": 7, "Float": 0.75, "Boolean": True}
"""What a function answers for an output parameter, by its type."""
_IMPOSSIBLE = ("step-type-unsupported",)
_EXPRESSIONS = ("Get", "Std:Join", "Std:JsonGet")
_WRITTEN = (
    "S3Output",
    "OutputDataConfig",
    "TransformOutput",
    "ModelMetrics",
    "DriftCheckBaselines",
)
"""Places whose URIs a step writes, or only records."""


def read(name: str) -> dict[str, Any]:
    """The definition of this name; the test is skipped where it is not on this machine."""
    file = next((path for folder in (OURS, DEFINITIONS)
                 if (path := folder / f"{name}.json").is_file()), None)  # fmt: skip
    if file is None:
        pytest.skip(f"{name} is not beside the repository")
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


class Stage:
    """Runs a definition of which nothing but the definition itself is there.

    Args:
        source: the definition, or its name.
        functions: OutputParameters by function name, for those that answer more than samples.
        images: image pattern -> interpreter; all images run with the test's own by default.
    """

    def __init__(
        self,
        embedded: Embedded,
        source: str | dict[str, Any],
        *,
        functions: Mapping[str, Mapping[str, Any]] | None = None,
        images: Mapping[str, str] | None = None,
    ) -> None:
        self.embedded = embedded
        self.document = read(source) if isinstance(source, str) else source
        self.definition = load(json.dumps(self.document))
        self._configure({"*": sys.executable} if images is None else images, functions or {})
        for key, uri in dict.fromkeys(self._named(self.document["Steps"])):
            self._put(key, uri)

    @property
    def impossible(self) -> dict[str, str]:
        """Steps that no host can run, by name, and the code that says why."""
        found = ((name, refuse(step, Config())) for name, step in self.definition.steps.items())
        return {name: why.code for name, why in found if why and why.code in _IMPOSSIBLE}

    @property
    def possible(self) -> tuple[str, ...]:
        """Steps that neither are impossible nor wait for one that is."""
        out = set(self.impossible)
        out |= Graph.of(self.definition).downstream(out)
        return tuple(name for name in self.definition.steps if name not in out)

    async def check_refusal(self, **request: Any) -> None:
        """A start of the whole is refused by each impossible step, and by no other."""
        with pytest.raises(ExceptionGroup) as refused:
            await self.embedded.create(self.document, **request)
        told = [problem for problem in refused.value.exceptions if isinstance(problem, PlanError)]
        assert {p.message.split(":")[0]: p.code for p in told} == self.impossible

    async def run(
        self,
        parameters: Mapping[str, Any] | None = None,
        answers: Mapping[str, Mapping[str, Any]] | None = None,
        **request: Any,
    ) -> ExecutionState:
        """Run all of it, or what is possible of it where a start of the whole is refused.

        Args:
            answers: what the Callback steps are answered with, by step.
        """
        request["parameters"] = dict(parameters or {})
        if self.impossible:
            await self.check_refusal(**request)
            request["selection"] = self.possible
        identity = await self.embedded.create(self.document, **request)
        running = asyncio.create_task(self.embedded.go_on(identity))
        async with asyncio.timeout(PATIENCE_S):
            await self._answer(identity, dict(answers or {}), running)
            state = await running
        _check_arguments(state)
        return state

    def algorithm(self, step: str, **more: Any) -> dict[str, Any]:
        """An edit that adds members to the AlgorithmSpecification of a training step."""
        given = self.definition.steps[step].arguments["AlgorithmSpecification"]
        return {"AlgorithmSpecification": {**given, **more}}

    def text(self, uri: str) -> str:
        """An object, or all objects below a prefix in a row."""
        path = self.embedded.home.s3 / uri.removeprefix("s3://")
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        return "".join(file.read_text(encoding="utf-8") for file in files if file.is_file())

    def names(self, uri: str) -> set[str]:
        """Names of the objects below a prefix, or in an archive."""
        path = self.embedded.home.s3 / uri.removeprefix("s3://")
        if path.is_file():
            with tarfile.open(path) as archive:
                return {member.name for member in archive if member.isfile()}
        return {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}

    async def _answer(
        self, identity: str, answers: dict[str, Mapping[str, Any]], running: asyncio.Task[Any]
    ) -> None:
        while answers and not running.done():
            for event in await self.embedded.events(identity):
                fact = event.fact
                if isinstance(fact, CallbackRequested) and fact.step in answers:
                    outputs = dict(answers.pop(fact.step))
                    command = AnswerCallback(fact.token, True, outputs)
                    await self.embedded.send(identity, command)

    def _configure(
        self, images: Mapping[str, str], functions: Mapping[str, Mapping[str, Any]]
    ) -> None:
        lines = ["[images]"]
        lines += [f"{json.dumps(k)} = {{python = {json.dumps(v)}}}" for k, v in images.items()]
        submit = self.embedded.folder / "spark-submit"
        submit.write_text(programs.SPARK_SUBMIT, encoding="utf-8")
        submit.chmod(0o755)
        lines += ["[emr]", f"spark_submit = {json.dumps(str(submit))}", "[lambda]"]
        outputs: dict[str, Any] = {}
        for arn, declared in _functions(self.document):
            name = arn.rsplit(":", 1)[-1]
            samples = {one["OutputName"]: SAMPLES[one["OutputType"]] for one in declared}
            outputs[name] = {**samples, **functions.get(name, {})}
            line = f'{json.dumps(arn)} = "{FUNCTIONS}:handler"'
            lines += [line] if line not in lines else []
        lines += ["[job_categories.default]", 'command = ["python", "job.py"]']
        folder = self.embedded.folder
        (folder / "job.py").write_text(programs.JOB, encoding="utf-8")
        (folder / "pipetui.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / f"{FUNCTIONS}.py").write_text(programs.LAMBDA, encoding="utf-8")
        (folder / "outputs.json").write_text(json.dumps(outputs), encoding="utf-8")

    def _named(self, value: Any) -> Iterator[tuple[str, str]]:
        """Key and URI of every object that a step reads and that no expression computes."""
        if isinstance(value, list):
            for entry in value:
                yield from self._named(entry)
        if not isinstance(value, dict):
            return
        for key, inner in value.items():
            if key in _WRITTEN:
                continue
            if key in ("S3Uri", "ModelDataUrl", "sagemaker_submit_directory"):
                uri = self._text(inner)
                if uri.startswith("s3://"):
                    yield key, uri
            yield from self._named(inner)

    def _text(self, value: Any) -> str:
        if isinstance(value, dict) and str(value.get("Get", "")).startswith("Parameters."):
            parameter = self.definition.parameters.get(value["Get"].partition(".")[2])
            value = parameter.default if parameter else ""
        return value.strip('"') if isinstance(value, str) else ""

    def _put(self, key: str, uri: str) -> None:
        name = uri.rstrip("/").rsplit("/", 1)[-1]
        if key == "ModelDataUrl":
            pack_model(self.embedded.home, uri, programs.INFERENCE, factor="2")
        elif name.endswith(".tar.gz"):
            scripts = dict.fromkeys(("train.py", "training.py"), programs.TRAINING)
            pack_model(
                self.embedded.home, uri, "", **scripts, **{"inference.py": programs.INFERENCE}
            )
        elif name.endswith(".py"):
            self.embedded.put(uri, programs.PROCESSING)
        elif name.endswith(".sh"):
            self.embedded.put(uri, programs.SHELL)
        elif name == "sm_drivers":
            self.embedded.put(f"{uri}/sm_train.sh", programs.DRIVER)
        elif name == "code":
            self.embedded.put(f"{uri}/train.py", programs.TRAINING)
        else:
            self.embedded.put(uri if "." in name else f"{uri}/part-0.csv", ROWS)


def properties(state: ExecutionState, step: str) -> Any:
    """The properties that a step ended with."""
    return state.steps[step].properties


def arguments(state: ExecutionState, step: str) -> Any:
    """The arguments that a step started with, resolved."""
    return state.steps[step].arguments


def ends(state: ExecutionState) -> dict[str, str]:
    """The status of every step, by name, and why where it failed."""
    return {
        name: f"{view.status}: {view.failure_reason}" if view.failure_reason else view.status.value
        for name, view in state.steps.items()
    }


def check(
    state: ExecutionState,
    stage: Stage,
    expected: Mapping[str, StepStatus],
    status: ExecutionStatus | None = None,
) -> None:
    """Every step ended as expected, and with them the execution.

    Args:
        expected: the ends in a run of the whole; steps that are not possible yet are skipped.
        status: of the execution, where its steps alone do not tell.
    """
    possible = stage.possible
    wanted = {
        name: status if name.rpartition("-")[0] in possible or name in possible
        else StepStatus.SKIPPED
        for name, status in expected.items()
    }  # fmt: skip
    assert {name: view.status for name, view in state.steps.items()} == wanted, ends(state)
    failed = StepStatus.FAILED in wanted.values()
    status = status or (ExecutionStatus.FAILED if failed else ExecutionStatus.SUCCEEDED)
    assert state.execution.status is status, ends(state)


def _functions(value: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    if isinstance(value, list):
        for entry in value:
            yield from _functions(entry)
    if isinstance(value, dict):
        if isinstance(value.get("FunctionArn"), str):
            yield value["FunctionArn"], value.get("OutputParameters") or []
        for inner in value.values():
            yield from _functions(inner)


def _check_arguments(state: ExecutionState) -> None:
    """No expression is left in the arguments of a step that started."""
    for name, view in state.steps.items():
        if view.attempts and view.type not in ("Condition", "ForEach"):
            assert not list(_left(view.arguments)), name


def _left(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in _EXPRESSIONS:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _left(inner)
