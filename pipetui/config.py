"""The person's settings for the UI: ``[ui]`` and ``[keys]`` of ``config.toml`` in the home.

A setting that cannot be used never keeps the UI from starting: it is left out and named.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipetui.actions import BY_ID
from pipetui.term.graphics import AUTO, CHOICES
from pipetui.themes.kept import NAMES, kept
from pipetui.viewmodel.times import TimeMode

_PLAIN_TERMINALS = frozenset({"dumb", "vt52", "vt100", "vt102", "vt220"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set.

    Args:
        ascii: draw with ASCII characters alone; None asks the locale.
        times: how points in time are shown at first.
        theme: the colours' name; empty takes what fits the terminal.
        linear: say everything a line at a time.
        notify: how the end of a run is told: ``bell``, ``osc``, ``off``, or a command.
        restore: begin where the last session ended.
        images: what a picture over the whole terminal is drawn by, one of ``CHOICES``.
        kept_theme: the file that keeps the theme a person chose in the app.
        keys: action id -> keys, separated by commas.
        problems: sentences about what could not be used.
    """

    ascii: bool | None = None
    times: TimeMode = TimeMode.RELATIVE
    keys: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    theme: str = ""
    notify: str = "osc"
    linear: bool = False
    restore: bool = True
    images: str = AUTO
    kept_theme: Path | None = field(default=None, compare=False)


def speaks_unicode(environment: Mapping[str, str]) -> bool:
    """Whether the terminal shows Unicode: by the locale that a person gave.

    Where the locale is ``C``, as over SSH when none is passed on, Python makes ``LC_CTYPE``
    ``C.UTF-8`` for itself and its children (PEP 538): that alone says nothing about a terminal.
    """
    if environment.get("TERM", "") in _PLAIN_TERMINALS:
        return False
    given = [environment[name] for name in ("LC_ALL", "LANG") if environment.get(name)]
    kind = environment.get("LC_CTYPE", "")
    if kind and not environment.get("LC_ALL") and not _put_there(kind, given):
        given.insert(0, kind)
    return bool(given) and "utf" in given[0].lower()


def given_environment() -> Mapping[str, str]:
    """The variables as they were when this process began, before Python changed the locale's."""
    try:
        raw = Path("/proc/self/environ").read_bytes()
    except OSError:
        return os.environ
    pairs = (one.partition("=") for one in os.fsdecode(raw).split("\0"))
    return {name: value for name, _, value in pairs}


def _put_there(kind: str, given: Sequence[str]) -> bool:
    """Whether Python itself has chosen the character type, over a locale that says nothing."""
    return kind == "C.UTF-8" and all(locale in ("C", "POSIX") for locale in given)


def load(path: Path) -> Settings:
    """The settings in a file, the defaults where there is none; a theme chosen in the app comes
    after one that the file names."""
    try:
        settings = parse(path.read_text("utf-8"))
    except FileNotFoundError:
        settings = Settings()
    except (OSError, UnicodeDecodeError) as problem:
        settings = Settings(problems=(f"{path.name} cannot be read: {problem}",))
    file = path.parent / "ui" / "theme"
    return replace(settings, theme=settings.theme or kept(file), kept_theme=file)


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
    theme = ui.get("theme", "")
    if theme and theme not in NAMES:
        problems.append(f"ui.theme is one of {', '.join(NAMES)}")
        theme = ""
    notify = ui.get("notify", "osc")
    if not isinstance(notify, str):
        problems.append("ui.notify is bell, osc, off or a command")
        notify = "osc"
    linear = ui.get("linear", False)
    if not isinstance(linear, bool):
        problems.append("ui.linear is true or false")
        linear = False
    restore = ui.get("restore", True)
    if not isinstance(restore, bool):
        problems.append("ui.restore is true or false")
        restore = True
    images = ui.get("images", AUTO)
    if images not in CHOICES:
        problems.append(f"ui.images is one of {', '.join(CHOICES)}")
        images = AUTO
    keys: dict[str, str] = {}
    for action, key in _table(document, "keys", problems).items():
        if action not in BY_ID:
            problems.append(f"keys: there is no action {action!r}")
        elif not isinstance(key, str) or not key.strip():
            problems.append(f"keys: {action} needs a key")
        else:
            keys[action] = key
    return Settings(
        ascii_only, TimeMode(times), keys, tuple(problems), theme, notify, linear, restore, images
    )


def _table(document: Mapping[str, Any], name: str, problems: list[str]) -> Mapping[str, Any]:
    table = document.get(name, {})
    if isinstance(table, dict):
        return table
    problems.append(f"{name} is a table: [{name}]")
    return {}
