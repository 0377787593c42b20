"""Homes with executions for programs on a terminal to show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pty.stage import Stage, step

LOG = "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done"


@pytest.fixture(scope="package")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A home with one execution that has ended."""
    stage = Stage(tmp_path_factory.mktemp("ended"))
    stage.run([step("prepare", LOG), step("train", "true", ["prepare"])])
    return stage


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Stage]:
    """A home with an execution of which two steps wait for gates ``a`` and ``b``."""
    stage = Stage(tmp_path)
    stage.run(
        [
            step("first", stage.gate("a")),
            step("second", stage.gate("b")),
            step("last", "true", ["first", "second"]),
        ],
        detach=True,
    )
    yield stage
    stage.end()
