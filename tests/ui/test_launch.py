"""A definition file is run from the app: its form, its plan, its command, then the execution."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.api import Home, StartRequest
from tests.ui.journey import LARGE, SMALL, Journey, journey

DEFINITION: dict[str, Any] = {
    "Version": "2020-12-01",
    "Parameters": [
        {"Name": "Rounds", "Type": "Integer", "DefaultValue": 50},
        {
            "Name": "Stage",
            "Type": "String",
            "DefaultValue": "staging",
            "EnumValues": ["staging", "production"],
        },
    ],
    "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "enough"}}],
}


async def opened(trip: Journey, file: Path) -> None:
    """The form of a file, asked for by name in the palette."""
    trip.app.feed.home = Home(file.parent / "home")
    await trip.press("colon")
    await trip.type("run file")
    await trip.sees("Run a definition file?")
    for letter in str(file):
        await trip.press(
            {"/": "slash", ".": "full_stop", "-": "minus", "_": "underscore"}.get(letter, letter)
        )
    await trip.press("enter")
    await trip.sees(f"Run {file.name}")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_file_is_run_with_typed_parameters(tmp_path: Path, size: tuple[int, int]) -> None:
    file = tmp_path / "d.json"
    file.write_text(json.dumps(DEFINITION))
    async with journey(tmp_path, size) as trip:
        await opened(trip, file)
        await trip.sees("Rounds", "50", "Stage", "staging", "pipetui run")
        await trip.press("enter", "ctrl+u", "x", "enter")
        await trip.sees("is not a whole number")
        await trip.press("escape", "j", "enter")
        await trip.sees("Stage=production", "was staging")
        await trip.press("R")
        await trip.until(lambda: trip.control.asked)
        done, request = trip.control.asked[-1]
        assert done == "start" and isinstance(request, StartRequest)
        assert (request.file, request.parameters) == (str(file), {"Stage": "production"})
        await trip.sees("preprocess")
        assert trip.app.feed.deeds[-1].command == f"pipetui run {file} -p Stage=production"


async def test_a_broken_file_is_refused_with_its_first_error(tmp_path: Path) -> None:
    file = tmp_path / "d.json"
    file.write_text(
        json.dumps({**DEFINITION, "Steps": [{**DEFINITION["Steps"][0], "DependsOn": ["Gone"]}]})
    )
    async with journey(tmp_path) as trip:
        await opened(trip, file)
        await trip.until(lambda: trip.app.message)
        assert "Gone" in trip.app.message


async def test_where_nothing_can_be_started_the_action_says_why(tmp_path: Path) -> None:
    async with journey(tmp_path, LARGE, refused={"start": "this source only looks"}) as trip:
        await trip.press("B")
        await trip.until(lambda: trip.app.message)
        assert "this source only looks" in trip.app.message
