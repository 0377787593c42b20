"""A step's log as a person may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipetui.viewmodel.secrets import LOG_MASK

if TYPE_CHECKING:
    from engine.api import LocalReader, LogSource, StepView


def log_of(
    reader: LocalReader, step: StepView, attempt: int = 0, *, clear: bool = False
) -> LogSource:
    """The log of an attempt, the secrets that the step was given masked.

    Args:
        attempt: its number; 0 is the last.
        clear: with secrets as they were logged.

    Errors: ``NotFound``.
    """
    import engine.api as api

    log: LogSource = reader.log(step, attempt) if attempt else reader.log(step)
    given = reader.execution(step.execution_id).parameters
    secrets = api.known_secrets(step.arguments, given)
    return log if clear or not secrets else api.MaskedLog(log, secrets, LOG_MASK)
