"""What a replay is asked for, and what it tells: plain values that can be written as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.comparison.contents import ContentDifference
from engine.comparison.trees import TreeDifference
from engine.comparison.values import ValueDifference
from engine.home import Home
from engine.model.views import StepView


class Verdict(StrEnum):
    """What a replay comes to."""

    SAME = "same"
    DIFFERENT = "different"
    FAILED = "failed"
    """The replay itself did not succeed."""


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """A step to run again.

    Args:
        execution_id: an id, a unique prefix, an ARN or ``@last``.
        step: its name, that of a step of an iteration too.
        edits: paths in its recorded arguments and what is to stand there instead.
        keep: whether the scratch copy stays when the replay is over.
    """

    execution_id: str
    step: str
    edits: Mapping[str, Any] = field(default_factory=dict)
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay under way.

    Args:
        id: of the execution in the scratch home, and the name of that home's folder.
        home: the home that the step belongs to.
        scratch: the home that the replay runs in.
        recorded: the step as it ended, in the execution that ran it.
    """

    id: str
    request: ReplayRequest
    home: Home
    scratch: Home
    recorded: StepView
    base: str
    """Folder that relative paths of its definition start from; empty where there is none."""
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """How a step ended.

    Args:
        exit_code: of its job, the worst of several hosts; None where no job ended by itself.
        seconds: how long its last attempt took.
        metrics: final values by name.
    """

    status: str
    exit_code: int | None
    seconds: float
    failure_reason: str = ""
    failure_code: str = ""
    first_error: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """One output of the step, file by file.

    Args:
        role: ``output``, ``model``, or ``other`` for what the job wrote to S3 elsewhere.
        name: of the output; the bucket for ``other``.
        uri: where the step put it.
        tree: its files, named below that place.
        contents: how the changed ones differ, the first of them by name.
    """

    role: str
    name: str
    uri: str
    tree: TreeDifference
    contents: Mapping[str, ContentDifference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What became of a replay, beside what is on record.

    Args:
        execution_id: the execution whose record it is compared with: where the step's result was
            taken from another one, that one.
        results: differences of what the step hands on, where that is more than files (Lambda).
        caveats: sentences about what makes the comparison less than exact.
        folder: the scratch home; empty where it was not kept.
    """

    id: str
    execution_id: str
    step: str
    type: str
    edits: Mapping[str, Any]
    verdict: Verdict
    before: Ending
    now: Ending
    outputs: tuple[OutputDifference, ...] = ()
    results: tuple[ValueDifference, ...] = ()
    caveats: tuple[str, ...] = ()
    folder: str = ""
