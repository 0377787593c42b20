"""``s3-dist-cp`` on this host: a copy within the local S3 tree, by a program of one process."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import JobError
from engine.steps.base import StepContext
from engine.steps.container import base_interpreter
from engine.steps.programs import __file__ as programs
from engine.steps.spark import local_path

PROGRAM = "s3-dist-cp"
STAND_IN = "a copy in the local S3 tree in place of s3-dist-cp"
_SCRIPT = str(Path(programs).parent / "s3_dist_cp.py")
_USED = ("--src", "--dest", "--srcPattern")
_SWITCH = "--deleteOnSuccess"
_WITHOUT_EFFECT = ("--s3Endpoint", "--multipartUploadChunkSize", "--storageClass")


@dataclass(frozen=True, slots=True)
class Copy:
    """What to copy.

    Args:
        source: an S3 URI, as is ``target``.
        pattern: a regular expression that the whole URI of an object has to match; empty for all.
        delete: whether objects that were copied are removed.
    """

    source: str
    target: str
    pattern: str
    delete: bool


def copy_of(words: Sequence[str]) -> Copy:
    """The copy that a command line asks for, without the program.

    Errors: ``JobError`` (``s3-dist-cp-unsupported``).
    """
    given: dict[str, str] = {}
    delete = False
    left = list(words)
    while left:
        name, equals, value = left.pop(0).partition("=")
        if name == _SWITCH:
            delete = value != "false"
            continue
        if name not in (*_USED, *_WITHOUT_EFFECT):
            raise _unsupported(f"its option {name} is not known here")
        given[name] = value if equals else left.pop(0) if left else ""
    for name in ("--src", "--dest"):
        place = given.get(name)
        if place is None:
            raise _unsupported(f"it is given no {name}")
        if not re.match("s3[an]?://.", place):
            raise _unsupported(f"{name} is {place}, and there is no HDFS on this host")
    pattern = given.get("--srcPattern", "")
    try:
        re.compile(pattern)
    except re.error as problem:
        raise _unsupported(f"its pattern {pattern} cannot be read: {problem}") from None
    return Copy(given["--src"], given["--dest"], pattern, delete)


def copy_command(context: StepContext, copy: Copy) -> list[str]:
    """The command line that copies."""
    tree = context.services.tree
    options = ["--delete"] if copy.delete else []
    return [
        *(base_interpreter(context.services.config), _SCRIPT, *options),
        *(f"--pattern={copy.pattern}", copy.source, local_path(copy.source, tree)),
        *(copy.target, local_path(copy.target, tree)),
    ]


def _unsupported(why: str) -> JobError:
    return JobError(
        f"ClientError: s3-dist-cp cannot run: {why}",
        code="s3-dist-cp-unsupported",
        hint=f"It takes {', '.join(_USED)} and {_SWITCH} here, between S3 URIs.",
    )
