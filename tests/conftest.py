"""Fixtures shared by the suites that run the engine."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.engine.embedded import Embedded

# A suite that a shell started in the background, or nohup, ignores these, and with it every program
# that a test sends them to.
_ORDINARY: dict[int, Any] = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGHUP: signal.SIG_DFL,
}
for number, handler in _ORDINARY.items():
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.fixture
def embedded(tmp_path: Path) -> Embedded:
    """An engine with an empty home."""
    return Embedded(tmp_path)
