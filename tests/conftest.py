"""Fixtures shared by the suites that run the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.embedded import Embedded


@pytest.fixture
def embedded(tmp_path: Path) -> Embedded:
    """An engine with an empty home."""
    return Embedded(tmp_path)
