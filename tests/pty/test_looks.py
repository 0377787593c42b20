"""Terminals with few colours, none, or no Unicode."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pty.stage import Stage, step
from tests.pty.terminal import Terminal

_STYLE = re.compile(rb"\x1b\[([\d;]*)m")
ATTRIBUTES = {b"%d" % code for code in (0, 1, 2, 3, 4, 7, 9, 22, 23, 24, 27, 29)}
SIXTEEN = {b"%d" % code for code in (*range(30, 38), 39, *range(40, 48), 49, *range(90, 98))}


def codes(terminal: Terminal) -> set[bytes]:
    """Every code of a style that was sent."""
    return {code for codes in _STYLE.findall(bytes(terminal.raw)) for code in codes.split(b";")}


def visit(terminal: Terminal) -> None:
    """See a list, a log and the help."""
    terminal.wait_for("prepare", "? help")
    for key in ("l", "?"):
        terminal.send(key)
        terminal.settle(quiet=0.4)


def test_no_color_leaves_attributes_alone(ended: Stage) -> None:
    with ended.terminal("@last", NO_COLOR="1") as terminal:
        visit(terminal)
        assert codes(terminal) <= ATTRIBUTES
        assert b"7" in codes(terminal)


def test_sixteen_colours_are_the_terminals_own(ended: Stage) -> None:
    with ended.terminal("@last", TERM="xterm-16color", COLORTERM="") as terminal:
        visit(terminal)
        assert codes(terminal) <= ATTRIBUTES | SIXTEEN


def test_a_dumb_terminal_gets_ascii_alone(ended: Stage) -> None:
    with ended.terminal("@last", TERM="dumb", COLORTERM="") as terminal:
        visit(terminal)
        assert terminal.raw.isascii()
        assert codes(terminal) <= ATTRIBUTES


def test_a_locale_without_unicode_gets_ascii_alone(ended: Stage) -> None:
    with ended.terminal("@last", LANG="de_DE.ISO-8859-1", LC_ALL="de_DE.ISO-8859-1") as terminal:
        visit(terminal)
        assert terminal.raw.isascii()


@pytest.mark.parametrize("locale", ["", "C", "POSIX"])
def test_without_a_locale_all_is_ascii(ended: Stage, locale: str) -> None:
    with ended.terminal("@last", LANG=locale) as terminal:
        visit(terminal)
        assert terminal.raw.isascii()


def test_a_person_who_sets_it_gets_unicode_without_a_locale(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.configure("[ui]\nascii = false\n")
    stage.run([step("prepare", "true")])
    with stage.terminal("@last", LANG="C") as terminal:
        terminal.wait_for("✔", "prepare")


def test_a_chosen_theme_is_kept(ended: Stage) -> None:
    with ended.terminal("@last") as terminal:
        terminal.wait_for("prepare", "? help")
        terminal.send("\x14")
        terminal.wait_for("theme: light")
        terminal.settle(quiet=0.4)
        paper = terminal.cell(5, 20).bg
        terminal.send("\x03")
        terminal.exit()
    with ended.terminal("@last") as terminal:
        terminal.wait_for("prepare", "? help")
        assert terminal.cell(5, 20).bg == paper
        terminal.send("\x14")
        terminal.wait_for("theme: high-contrast")
        terminal.settle(quiet=0.4)
        assert terminal.cell(5, 20).bg != paper
