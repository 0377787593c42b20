"""The SageMaker API on a home: JSON 1.1, one ``X-Amz-Target`` per operation.

Requests are checked against botocore's model. Whoever asks gets the errors of the service:
ValidationException, ResourceNotFound, ConflictException.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from engine.endpoint.body import json_object
from engine.endpoint.faults import AwsFault
from engine.errors import (
    CommandRejected,
    DefinitionError,
    NotFound,
    PipetuiError,
    PlanError,
    Refused,
)

if TYPE_CHECKING:
    from engine.sources.control import LocalControl
    from engine.sources.pipelines import LocalPipelines
    from engine.sources.reader import LocalReader
    from engine.sources.requests import AnsweredRequests
    from engine.storage.tree import LocalTree

T = TypeVar("T")
Json = dict[str, Any]

TARGET = "SageMaker."
_CONFLICTS = frozenset(
    {
        "parallelism-refused",
        "pipeline-busy",
        "retry-refused",
        "stop-refused",
        "token-conflict",
        "version-alias-taken",
    }
)
"""Refusals that the service answers with ConflictException."""
_MISSING = frozenset(
    {"definition-not-found", "execution-not-found", "pipeline-not-found", "version-not-found"}
)
_INVALID = (CommandRejected, DefinitionError, PlanError, Refused)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the operations work with.

    Args:
        open_reader: a reader of the home's store, given back when its block ends.
        object_text: the text of an object, by bucket and key; ``StorageError`` where it cannot
            be read.
        tree: holds the feature groups.
    """

    open_reader: Callable[[], AbstractContextManager[LocalReader]]
    control: LocalControl
    pipelines: LocalPipelines
    answered: AnsweredRequests
    object_text: Callable[[str, str], str]
    tree: LocalTree

    async def read(self, question: Callable[[LocalReader], T]) -> T:
        """Ask the store, outside of the loop."""

        def ask() -> T:
            with self.open_reader() as reader:
                return question(reader)

        return await asyncio.to_thread(ask)


class SageMaker:
    """Answers requests of the SageMaker API."""

    def __init__(self, desk: Desk) -> None:
        from engine.endpoint import (
            sagemaker_executions,
            sagemaker_features,
            sagemaker_models,
            sagemaker_pipelines,
        )

        self._desk = desk
        self._operations = {
            **sagemaker_pipelines.OPERATIONS,
            **sagemaker_executions.OPERATIONS,
            **sagemaker_models.OPERATIONS,
            **sagemaker_features.OPERATIONS,
        }
        self._under_way: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def answer(self, target: str, body: bytes) -> bytes:
        """Answer a request.

        Args:
            target: the ``X-Amz-Target`` header.

        Raises:
            AwsFault: in the service's words.
        """
        name = target.removeprefix(TARGET)
        if not target.startswith(TARGET) or name not in self._operations:
            raise AwsFault(
                "UnknownOperationException",
                f"The local SageMaker API has no operation {name or '(none)'}; it has "
                f"{', '.join(sorted(self._operations))}.",
            )
        given = {key: value for key, value in json_object(body).items() if value is not None}
        try:
            return await self._once(name, given)
        except NotFound as problem:
            raise _fault(_missing(name), [problem]) from problem
        except PipetuiError as problem:
            raise _fault(_code(problem), [problem]) from problem
        except ExceptionGroup as group:
            problems = list(_flat(group))
            raise _fault("ValidationException", problems) from group

    async def _once(self, name: str, given: Json) -> bytes:
        """The answer; that of the first of several requests with the same token."""
        # Imported with the first request: loading the model takes its time.
        from engine.endpoint import sagemaker_model

        model = sagemaker_model.operation(name)
        sagemaker_model.check(given, model)

        async def act() -> bytes:
            made = await self._operations[name](self._desk, given)
            shape = model.output_shape
            return json.dumps(sagemaker_model.shaped(made, shape) if shape else {}).encode()

        token = given.get(sagemaker_model.token_member(model), "")
        if not token:
            return await act()
        digest = _digest(name, given)
        lock = self._under_way.setdefault(token, asyncio.Lock())
        async with lock:
            before = await self._desk.answered.find(token)
            if before is None:
                answer = await act()
                await self._desk.answered.keep(token, digest, answer)
                return answer
        if before[0] != digest:
            raise AwsFault(
                "ConflictException",
                "The ClientRequestToken was already used for another request.",
            )
        return before[1]


def _digest(name: str, given: Mapping[str, Any]) -> str:
    text = json.dumps([name, given], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _missing(operation: str) -> str:
    """The error for what is not there; operations on model packages have no class of their own."""
    return "ValidationException" if "ModelPackage" in operation else "ResourceNotFound"


def _code(problem: PipetuiError) -> str:
    if problem.code in _CONFLICTS:
        return "ConflictException"
    if problem.code in _MISSING:
        return "ResourceNotFound"
    return "ValidationException" if isinstance(problem, _INVALID) else "InternalFailure"


def _fault(code: str, problems: list[PipetuiError]) -> AwsFault:
    words = " ".join(
        f"{text.removesuffix('.')}." for one in problems for text in (one.message, one.hint) if text
    )
    return AwsFault(code, words, 500 if code == "InternalFailure" else 400)


def _flat(group: BaseExceptionGroup[Any]) -> Iterator[PipetuiError]:
    for one in group.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _flat(one)
        elif isinstance(one, PipetuiError):
            yield one
        else:
            raise one
