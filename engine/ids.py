"""Identifiers in the service's forms."""

from __future__ import annotations

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


def callback_token(random: RandomText = random_text) -> str:
    """Ten letters and digits, as in Callback metadata."""
    return random(10)


def job_name(execution: str, step: str, attempt: int, random: RandomText = random_text) -> str:
    """Name of the job behind a step: ``pipelines-<execution>-<step>-<random>``, 63 at most.

    The shape is the one seen in AWS samples; the attempt's randomness keeps retries apart.
    """
    short = re.sub(r"[^A-Za-z0-9-]", "-", step)[:29].strip("-") or "step"
    return f"pipelines-{execution}-{short}-{random(10)}"


def with_prefix(prefix: str, execution: str, random: RandomText = random_text) -> str:
    """Job name for a definition that brings its own: ``<prefix>-<execution>-<random>``."""
    return f"{prefix[:38].rstrip('-')}-{execution}-{random(10)}"
