"""Identifiers in the service's forms.

Only an execution's id is random; what belongs to an attempt is derived from it, so that a runner
that takes over works on under the same names.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"

RandomText = Callable[[int], str]
"""Gives that many random lower-case letters and digits."""


def random_text(length: int) -> str:
    """``length`` random lower-case letters and digits, from the host's secure source."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def execution_id(random: RandomText = random_text) -> str:
    """Twelve letters and digits, as the service makes them."""
    return random(12)


def _derived(length: int, *parts: object) -> str:
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])


def replayed_id(recorded: str, number: int) -> str:
    """Id of the ``number``-th time that a recorded execution is played; always the same."""
    return _derived(12, "replay", recorded, number)


def callback_token(execution: str, step: str, attempt: int) -> str:
    """Ten letters and digits, as in Callback metadata."""
    return _derived(10, "token", execution, step, attempt)


def job_name(execution: str, step: str, attempt: int) -> str:
    """Name of the job behind an attempt: ``pipelines-<execution>-<step>-<ten>``, 63 at most.

    The shape is the one seen in AWS samples.
    """
    short = _in_name(step)[:29].strip("-") or "step"
    return f"pipelines-{execution}-{short}-{_derived(10, 'job', execution, step, attempt)}"


def tuning_job_name(prefix: str, execution: str, step: str, attempt: int) -> str:
    """Name of a tuning job, 32 characters at most: ``<execution>-<step>-<ten>``.

    With a prefix of the definition's own it is ``<prefix>-<execution>-<ten>``.
    """
    short = re.sub(r"[^A-Za-z0-9-]", "-", prefix or step)[:8].strip("-") or "tuning"
    parts = (short, execution) if prefix else (execution, short)
    return "-".join((*parts, _derived(10, "job", execution, step, attempt)))


def child_job_name(tuning_job: str, number: int) -> str:
    """Name of a tuning job's training job: ``<tuning job>-<nnn>-<eight>``."""
    digest = hashlib.sha256(f"{tuning_job}/{number}".encode()).hexdigest()
    return f"{tuning_job}-{number:03d}-{digest[:8]}"


def prefixed_job_name(prefix: str, execution: str, step: str, attempt: int) -> str:
    """Job name for a definition that brings its own: ``<prefix>-<execution>-<ten>``."""
    short = _in_name(prefix)[:38].strip("-") or "job"
    return f"{short}-{execution}-{_derived(10, 'job', execution, step, attempt)}"


def _in_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", text)
