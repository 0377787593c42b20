"""Why jobs fail: FailureReason texts in the service's form, and the cause on this host. Pure."""

from __future__ import annotations

from pathlib import PurePath

from engine.jobs.base import Exit
from engine.logs.first_error import ErrorBlock, first_error
from engine.steps.opt_ml import MESSAGE_LIMIT


def algorithm_error(exit: Exit, failure_file: str, kind: str) -> str:
    """Why a job that ran the user's code failed.

    Args:
        failure_file: text of ``/opt/ml/output/failure``, empty where the job wrote none.
        kind: ``Processing`` or ``Training``; its wording differs.
    """
    words = exit.describe()
    text = failure_file.strip()
    if text:
        return f"AlgorithmError: {text}, {words}"[:MESSAGE_LIMIT]
    if kind == "Processing":
        return f"AlgorithmError: See job logs for more information, {words}"
    return f"AlgorithmError: ExecuteUserScriptError: see job logs for more information, {words}"


def time_exceeded(seconds: float) -> str:
    """Why a job that ran out of time was stopped."""
    return f"MaxRuntimeExceeded: the job ran longer than MaxRuntimeInSeconds ({seconds:g} s)"


CAUSE_LIMIT = 400
"""Characters of a cause."""
_NAMED = {
    "out-of-memory": "out of memory",
    "disk-full": "disk full",
    "timeout": "timed out",
}
"""Kinds of error that are worth saying before the error's own words."""


def cause_of(exit: Exit, log: str, failure_file: str = "") -> str:
    """What ended a job, in one line: ``KeyError: 'label' (train.py:42), exit code 1``.

    The service says "See job logs for more information" in its place. The error is the one that
    the why page shows of the same log.

    Args:
        log: the end of the job's log.
        failure_file: text of ``/opt/ml/output/failure``, empty where the job wrote none.
    """
    words = exit.describe()
    logged, filed = first_error(log), first_error(failure_file)
    said = failure_file.strip().split("\n", 1)[0]
    candidates = (
        headline(logged) if logged and logged.kind != "error" else "",
        headline(filed) if filed else "",
        said,
        headline(logged) if logged else "",
    )
    killed = logged is not None and logged.kind == "killed" and exit.signal is not None
    told = "" if killed else next(filter(None, candidates), "")
    return _one_line(f"{told}, {words}" if told else words)


def headline(block: ErrorBlock) -> str:
    """An error in one line, with the file and line of the user's own code that it points to.

    Empty for a traceback whose exception does not stand behind it (IPython prints such ones).
    """
    if block.summary in ("", "Traceback"):
        return ""
    kind = _NAMED.get(block.kind, "")
    before = f"{kind}: " if kind and kind not in block.summary.lower() else ""
    place = f" ({PurePath(block.file).name}:{block.line})" if block.file else ""
    room = CAUSE_LIMIT * 3 // 4
    summary = block.summary if len(block.summary) <= room else f"{block.summary[: room - 3]}..."
    return f"{before}{summary}{place}"


def _one_line(text: str) -> str:
    """The text without line ends and whatever else a terminal could obey."""
    shown = (char if char.isprintable() else " " for char in text[: 2 * CAUSE_LIMIT])
    return " ".join("".join(shown).split())[:CAUSE_LIMIT]
