"""The person's settings for the UI: ``[ui]`` and ``[keys]`` of ``config.toml`` in the home.

A setting that cannot be used never keeps the UI from starting: it is left out and named.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipetui.actions import BY_ID
from pipetui.viewmodel.times import TimeMode


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set.

    Args:
        ascii: draw with ASCII characters alone; None asks the locale.
        times: how points in time are shown at first.
        keys: action id -> keys, separated by commas.
        problems: sentences about what could not be used.
    """

    ascii: bool | None = None
    times: TimeMode = TimeMode.RELATIVE
    keys: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def speaks_unicode(environment: Mapping[str, str]) -> bool:
    """Whether the locale's characters are Unicode; Python's own encoding is, whatever it says."""
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    return "utf" in locale.lower()


def load(path: Path) -> Settings:
    """The settings in a file; the defaults where there is none."""
    try:
        return parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as problem:
        return Settings(problems=(f"{path.name} cannot be read: {problem}",))


def parse(text: str) -> Settings:
    """The settings in a TOML text."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        return Settings(problems=(f"config.toml is not TOML: {problem}",))
    problems: list[str] = []
    ui = _table(document, "ui", problems)
    ascii_only = ui.get("ascii")
    if not isinstance(ascii_only, bool | None):
        problems.append("ui.ascii is true or false")
        ascii_only = None
    times = ui.get("times", TimeMode.RELATIVE.value)
    if times not in list(TimeMode):
        problems.append(f"ui.times is one of {', '.join(TimeMode)}")
        times = TimeMode.RELATIVE
    keys: dict[str, str] = {}
    for action, key in _table(document, "keys", problems).items():
        if action not in BY_ID:
            problems.append(f"keys: there is no action {action!r}")
        elif not isinstance(key, str) or not key.strip():
            problems.append(f"keys: {action} needs a key")
        else:
            keys[action] = key
    return Settings(ascii_only, TimeMode(times), keys, tuple(problems))


def _table(document: Mapping[str, Any], name: str, problems: list[str]) -> Mapping[str, Any]:
    table = document.get(name, {})
    if isinstance(table, dict):
        return table
    problems.append(f"{name} is a table: [{name}]")
    return {}
