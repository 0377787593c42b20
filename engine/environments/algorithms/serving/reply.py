"""The seams of a model server: with the model behind it, and with whoever starts it."""

from __future__ import annotations

import json
import traceback
from dataclasses import dataclass
from typing import Any, Protocol

SOCKET = "PIPETUI_SERVE_FD"
"""Variable that names the listening socket which a model server inherits."""
FAMILY = "PIPETUI_SERVE_FAMILY"
"""Variable that names the family of the container's image."""
XGBOOST_PAYLOAD = 6 * 1024**2
"""Bytes of a request that the XGBoost images take where MAX_CONTENT_LENGTH says nothing."""


@dataclass(frozen=True)
class Reply:
    """An answer over HTTP."""

    status: int
    body: bytes = b""
    content_type: str = ""


class Model(Protocol):
    """A loaded model."""

    def invoke(self, body: bytes, content_type: str, accept: str) -> Reply:
        """Answer one request; ``content_type`` and ``accept`` are empty where it names none.

        Errors: any exception is answered with 500.
        """
        ...

    def execution_parameters(self) -> dict[str, Any] | None:
        """Defaults for a batch transform; None where the model has none to offer."""
        ...


class UnsupportedFormat(Exception):
    """A content type that a decoder or an encoder does not know."""

    def __init__(self, content_type: str) -> None:
        super().__init__(f"Content type {content_type} is not supported by this framework.")


class LoadError(Exception):
    """A model cannot be served; the text says why."""


def error_reply(status: int, error: Exception) -> Reply:
    """An error as the containers' toolkit puts it into a body."""
    body = {
        "error": type(error).__name__,
        "error-message": str(error),
        "stack-trace": "".join(traceback.format_exception(type(error), error, error.__traceback__)),
    }
    return Reply(status, json.dumps(body).encode("utf-8"), "application/json")
