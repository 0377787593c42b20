"""JSON that a job or a function wrote, to be kept in the store."""

from __future__ import annotations

import json
from typing import Any


def read_json(data: bytes) -> Any:
    """The value of a JSON text.

    Errors: ``ValueError`` where it is no JSON, or JSON that the store could not keep (half a
    surrogate pair, thousands of levels).
    """
    try:
        value = json.loads(data)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value
