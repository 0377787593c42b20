"""The page about terminals names what there is to set, and nothing else."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from pipetui.config import Settings
from pipetui.themes.kept import NAMES
from pipetui.viewmodel.times import TimeMode

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "terminal.md").read_text("utf-8")
ELSEWHERE = {"keys", "problems", "kept_theme"}


def rows(title: str) -> dict[str, str]:
    """First column -> the rest, of the table with this title."""
    table = PAGE.split(f"| {title} |")[1].split("\n\n")[0]
    return dict(re.findall(r"^\| `([\w-]+)` \|(.*)$", table, re.MULTILINE))


def test_every_setting_and_no_other_is_in_the_table() -> None:
    assert set(rows("setting")) == {one.name for one in fields(Settings)} - ELSEWHERE


def test_every_theme_and_no_other_is_in_the_table() -> None:
    assert tuple(rows("theme")) == NAMES


def test_every_way_to_show_times_is_told() -> None:
    assert re.findall(r"`([\w-]+)`", rows("setting")["times"].split("|")[0]) == list(TimeMode)
