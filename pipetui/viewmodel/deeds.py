"""The command line that does what was done with a key."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipetui.viewmodel.secrets import masked

Command = tuple[str, ...]
_WITH_VALUE = frozenset({"-p", "--set", "--output-parameter"})


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that was done in this session.

    Args:
        words: the command that does the same.
        problem: why it was refused; empty where it was done.
        note: what was done that no command does, in words.
    """

    words: Command
    problem: str = ""
    note: str = ""

    @property
    def command(self) -> str:
        """The command as a shell reads it."""
        return f"# {self.note}" if self.note else shlex.join(self.words)

    @property
    def seen(self) -> str:
        """The command as it is shown: values whose names say that they are secret are dots."""
        return f"# {self.note}" if self.note else shlex.join(hidden(self.words))

    @property
    def secret(self) -> bool:
        """Whether the command holds secrets."""
        return holds_secrets(self.words)


def hidden(command: Command) -> Command:
    """A command with dots for the values whose names say that they are secret."""
    found = []
    for before, word in zip(("", *command), command, strict=False):
        name, equals, value = word.partition("=")
        named = before in _WITH_VALUE and equals
        found.append(f"{name}={masked(name, value)}" if named else word)
    return tuple(found)


def holds_secrets(command: Command) -> bool:
    """Whether a command has values that are not shown."""
    return hidden(command) != command


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
    """Run an execution again; edits of another step than the one it starts from name theirs."""
    command: Command = ("pipetui", "rerun", execution_id)
    said = step if scope in ("from", "only") else ""
    command += (*((said,) if said else ()), "--scope", scope, *_parameters(parameters))
    for name, values in edits.items():
        of = "" if name == said else f"{name}:"
        for path, value in values.items():
            command += ("--set", f"{of}{path}={shown(value)}")
    return (*command, *_at_once(max_parallel))


def retry(execution_id: str, max_parallel: int = 0) -> Command:
    """Go on with what failed."""
    return ("pipetui", "retry", execution_id, *_at_once(max_parallel))


def stop(execution_id: str, reason: str) -> Command:
    """Stop an execution."""
    return ("pipetui", "stop", execution_id, *(("--reason", reason) if reason else ()))


def parallelism(execution_id: str, number: int) -> Command:
    """Change how many steps run at once."""
    return ("pipetui", "parallelism", execution_id, str(number))


def hold(execution_id: str, step: str, hold: bool) -> Command:
    """Set a breakpoint, or clear it."""
    return ("pipetui", "break", execution_id, step, *(() if hold else ("--clear",)))


def answer(target: str, success: bool, comment: str, outputs: Mapping[str, Any]) -> Command:
    """Answer a Callback step by its token, or decide about a model package by its ARN."""
    command: Command = ("pipetui", "approve" if success else "reject", target)
    for name, value in outputs.items():
        command += ("--output-parameter", f"{name}={shown(value)}")
    return (*command, *(("--comment", comment) if comment else ()))
