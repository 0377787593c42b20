"""What a definition is refused for before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from engine.errors import PipetuiError
from tests.engine.embedded import Embedded


async def refusal(embedded: Embedded, document: Mapping[str, Any]) -> PipetuiError:
    """The one reason for which a definition is refused; nothing of it has begun."""
    with pytest.raises(ExceptionGroup) as caught:
        await embedded.run(document)
    assert not any(embedded.home.executions.iterdir())
    [problem] = caught.value.exceptions
    assert isinstance(problem, PipetuiError)
    return problem
