"""FailureReason texts of jobs, in the service's form."""

from __future__ import annotations

from engine.jobs.base import Exit
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
