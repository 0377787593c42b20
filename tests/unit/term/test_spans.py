"""Updates in parts: what goes first, and how few bytes say it."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from pipetui.term.spans import Canvas, Span, cut, without_repeats

CONSOLE = Console(color_system="truecolor", force_terminal=True, _environ={})
STYLES = [
    Style(),
    Style(color="#ff0000"),
    Style(color="#ff0000", bgcolor="#000001"),
    Style(color="#00ff00", bgcolor="#000001", bold=True),
    Style(color="bright_black", bgcolor="default"),
    Style(reverse=True),
    Style(bold=True, underline=True),
    Style(bgcolor="color(200)"),
]


def screen(text: str) -> list[list[object]]:
    shown = pyte.Screen(40, 6)
    pyte.Stream(shown).feed(text)
    return [[shown.buffer[y][x] for x in range(40)] for y in range(6)]


def update(rows: list[str], spans: list[Span]) -> ChopsUpdate:
    return ChopsUpdate(
        [{0: Strip([Segment(row)])} for row in rows], spans, [[len(row)] for row in rows]
    )


@given(st.lists(st.tuples(st.text("ab ", max_size=6), st.sampled_from(STYLES)), max_size=12))
def test_fewer_bytes_show_the_same(parts: list[tuple[str, Style]]) -> None:
    text = Strip([Segment(words, style) for words, style in parts]).render(CONSOLE)
    short = without_repeats(text)
    assert screen(short) == screen(text)
    assert len(short) <= len(text) + 4


def test_only_what_differs_of_a_style_is_told() -> None:
    red, blue, reset = "\x1b[31m", "\x1b[34m", "\x1b[0m"
    there = "\x1b[5;7H"
    sent = f"{red}a{reset}{there}{red}b{reset}{blue}c{reset}d{red}e{reset}"
    assert without_repeats(sent) == f"{red}a{there}b{blue}c{reset}d{red}e{reset}"


def test_a_small_room_takes_the_cells_that_waited_longest() -> None:
    rows, canvas = ["a" * 30, "b" * 30, "c" * 30], Canvas()
    spans = [(0, 0, 30), (1, 0, 30), (2, 0, 30)]
    seen = ""
    for _ in range(3):
        text, left = cut(update(rows, spans), CONSOLE, canvas, 40)
        assert len(left) == 2
        seen += text
    assert all(letter * 30 in seen for letter in "abc")


def test_a_change_in_a_quiet_place_goes_before_a_busy_one() -> None:
    rows, canvas = ["quiet" + "x" * 25, "busy " + "y" * 25], Canvas()
    cut(update(rows, [(0, 0, 30)]), CONSOLE, canvas, 100)
    for _ in range(5):
        cut(update(rows, [(0, 10, 30), (1, 0, 30)]), CONSOLE, canvas, 1000)
    text, left = cut(update(rows, [(0, 0, 5), (0, 10, 30), (1, 0, 30)]), CONSOLE, canvas, 1)
    assert "quiet" in text
    assert left == [(0, 10, 30), (1, 0, 30)]


def test_a_whole_screen_is_cut_by_lines() -> None:
    strips = [[Strip([Segment(letter * 10)])] for letter in "abc"]
    text, left = cut(LayoutUpdate(strips, Region(0, 0, 10, 3)), CONSOLE, Canvas(), 20)
    assert "a" * 10 in text
    assert left == [(1, 0, 10), (2, 0, 10)]
