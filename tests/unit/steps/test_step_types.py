"""The page about step types says what the handlers do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.config import Config
from engine.definition.document import TOLERATED_TYPES, Step, StepType
from engine.steps.handlers import handler_for, stand_in

PAGE = Path(__file__).resolve().parents[3] / "docs" / "step-types.md"
ROWS = {
    name: [cell.strip() for cell in cells.split("|")]
    for name, cells in re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE.read_text("utf-8"), re.MULTILINE)
}


def test_every_type_has_a_row_and_no_other_has() -> None:
    assert ROWS.keys() == {*StepType} | TOLERATED_TYPES


@pytest.mark.parametrize("name", [*StepType, *sorted(TOLERATED_TYPES)])
def test_a_row_says_whether_the_type_runs_here_and_what_stands_in(name: str) -> None:
    does, stands_in, refused = ROWS[name]
    runs = name == StepType.FOR_EACH or handler_for(name) is not None
    assert does.startswith("nothing") is not runs
    assert refused.startswith("always") is not runs
    assert stands_in == stand_in(Step("S", name, {}), Config())
