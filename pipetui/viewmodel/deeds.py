"""The command line that does what was done with a key."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done in this session.

    Args:
        words: the command that does the same.
        problem: why it was refused; empty where it was done.
    """

    words: Command
    problem: str = ""

    @property
    def command(self) -> str:
        """The command as a shell reads it."""
        return shlex.join(self.words)


def shown(value: Any) -> str:
    """A value as a form shows it and as the command line takes it."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool | dict | list) else str(value)


def _parameters(values: Mapping[str, Any]) -> Command:
    return tuple(
        word for name, value in values.items() for word in ("-p", f"{name}={shown(value)}")
    )


def _at_once(max_parallel: int) -> Command:
    return ("--max-parallel", str(max_parallel)) if max_parallel else ()


def run(file: str, parameters: Mapping[str, Any], max_parallel: int = 0) -> Command:
    """Run a definition file."""
    return ("pipetui", "run", file, *_parameters(parameters), *_at_once(max_parallel))


def rerun(
    execution_id: str,
    scope: str,
    step: str,
    parameters: Mapping[str, Any],
    edits: Mapping[str, Mapping[str, Any]],
    max_parallel: int = 0,
) -> Command:
    """Run an execution again; only the edits of the step, or else of the first one, can be said."""
    command: Command = ("pipetui", "rerun", execution_id)
    said = step if scope in ("from", "only") else next(iter(edits), "")
    command += (*((said,) if said else ()), "--scope", scope, *_parameters(parameters))
    for path, value in edits.get(said, {}).items():
        command += ("--set", f"{path}={shown(value)}")
    return (*command, *_at_once(max_parallel))


def unsaid(scope: str, step: str, edits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Steps whose edits that command leaves out."""
    said = step if scope in ("from", "only") else next(iter(edits), "")
    return [name for name in edits if name != said]


def retry(execution_id: str, max_parallel: int = 0) -> Command:
    """Go on with what failed."""
    return ("pipetui", "retry", execution_id, *_at_once(max_parallel))


def stop(execution_id: str, reason: str) -> Command:
    """Stop an execution."""
    return ("pipetui", "stop", execution_id, *(("--reason", reason) if reason else ()))


def parallelism(execution_id: str, number: int) -> Command:
    """Change how many steps run at once."""
    return ("pipetui", "parallelism", execution_id, str(number))


def answer(target: str, success: bool, comment: str, outputs: Mapping[str, Any]) -> Command:
    """Answer a Callback step by its token, or decide about a model package by its ARN."""
    command: Command = ("pipetui", "approve" if success else "reject", target)
    for name, value in outputs.items():
        command += ("--output-parameter", f"{name}={shown(value)}")
    return (*command, *(("--comment", comment) if comment else ()))
