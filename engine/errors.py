"""Every error PipeTUI raises on purpose, each with a stable code, a sentence and a way out.

PipetuiError
├── DefinitionError      a pipeline definition or a parameter value that cannot be used
├── ExpressionError      a Get, Join or JsonGet that cannot be resolved while a step starts
├── PlanError            a definition that is well formed but cannot run here
├── JobError             a job that could not be started, adopted or stopped
├── EnvironmentError_    an image that cannot be mapped to or built as a Python environment
├── StorageError         an S3 URI, file or archive that cannot be read or written
├── StoreError           the event store: locked, corrupt, too new, unwritable
│   └── StaleLease       a write by a runner that has been replaced
├── SourceError          a source of executions (AWS, replay) that does not answer
├── ConfigError          a configuration file, home folder or option that cannot be used
├── NotFound             an execution, step, model package or file that is not there
├── Refused              a runner that did not start, with every reason
└── CommandRejected      an action that does not apply to the present state
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class PipetuiError(Exception):
    """An error meant for a person.

    Args:
        message: one sentence that says what is wrong and where.
        code: stable identifier, ``kebab-case``; defaults to the class's own.
        hint: what to do next, as a sentence; empty where nothing helps.
        path: JSON path of the offending value (``$.Steps[2].Arguments``), where there is one.
        line: 1-based line in the source file, where it is known.
        file: the file that was read, where there is one.
    """

    default_code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        hint: str = "",
        path: str = "",
        line: int | None = None,
        file: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.hint = hint
        self.path = path
        self.line = line
        self.file = file

    def as_dict(self) -> dict[str, Any]:
        """The error as plain JSON: code, message and whichever of path, line, file, hint exist."""
        optional = {"path": self.path, "line": self.line, "file": self.file, "hint": self.hint}
        return {"code": self.code, "message": self.message} | {
            key: value for key, value in optional.items() if value not in ("", None)
        }

    def __str__(self) -> str:
        return self.message


class DefinitionError(PipetuiError):
    """A pipeline definition, or a value given for one of its parameters, breaks a rule."""

    default_code = "definition-invalid"
    exit_code = 11


class ExpressionError(PipetuiError):
    """An expression cannot be resolved; fails the step that contains it (never retried)."""

    default_code = "expression-unresolved"
    exit_code = 20


class PlanError(PipetuiError):
    """A well-formed definition asks for something that cannot run here."""

    default_code = "plan-impossible"
    exit_code = 11


class JobError(PipetuiError):
    """A job could not be started, adopted or stopped."""

    default_code = "job-error"
    exit_code = 20


class EnvironmentError_(PipetuiError):
    """An image cannot be mapped to a Python environment, or the environment cannot be built."""

    default_code = "environment-error"
    exit_code = 3


class StorageError(PipetuiError):
    """An S3 URI, a file or an archive cannot be read or written."""

    default_code = "storage-error"
    exit_code = 3


class StoreError(PipetuiError):
    """The event store is locked, corrupt, newer than this program, or unwritable."""

    default_code = "store-error"
    exit_code = 3


class StaleLease(StoreError):
    """A runner tried to write after another one took over its execution."""

    default_code = "lease-stale"


class SourceError(PipetuiError):
    """A source of executions does not answer, or not in a way that can be used."""

    default_code = "source-error"
    exit_code = 4


class ConfigError(PipetuiError):
    """A configuration file, the home folder or an option cannot be used."""

    default_code = "config-invalid"
    exit_code = 3


class NotFound(PipetuiError):
    """An execution, step, model package or file does not exist."""

    default_code = "not-found"
    exit_code = 2


class CommandRejected(PipetuiError):
    """An action does not apply to the present state of its target."""

    default_code = "command-rejected"
    exit_code = 2


class Refused(PipetuiError):
    """A runner did not start; carries every reason.

    Args:
        errors: each with code, message and whichever of path, line, file, hint exist.
    """

    default_code = "start-refused"

    def __init__(self, errors: tuple[Mapping[str, Any], ...], exit_code: int) -> None:
        first: Mapping[str, Any] = errors[0] if errors else {"message": "the runner gave no reason"}
        super().__init__(
            str(first.get("message", "")),
            code=str(first.get("code", "")),
            hint=str(first.get("hint", "")),
            path=str(first.get("path", "")),
            line=int(first["line"]) if first.get("line") else None,
            file=str(first.get("file", "")),
        )
        self.errors = errors
        self.exit = exit_code
