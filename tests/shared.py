"""Where the test data outside of the repository lies, and the mark for tests that need it."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
DEFINITIONS = SHARED / "definitions"

needs_shared = pytest.mark.skipif(
    not DEFINITIONS.is_dir(), reason="the shared test data is not beside the repository"
)
