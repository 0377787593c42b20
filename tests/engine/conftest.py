"""Fixtures of the engine's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.embedded import Embedded


@pytest.fixture
def embedded(tmp_path: Path) -> Embedded:
    """An engine with an empty home."""
    return Embedded(tmp_path)
