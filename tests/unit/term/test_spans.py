"""Updates in parts: what goes first, and how few bytes say it."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from pipetui.term.canvas import Canvas, Span
from pipetui.term.spans import cut, short

CONSOLE = Console(color_system="truecolor", force_terminal=True, _environ={})
WIDTH, HEIGHT = 24, 3
ROOM = 100_000
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
PARTS = st.lists(st.tuples(st.text("ab ─✔列", max_size=6), st.sampled_from(STYLES)), max_size=8)
ROWS = st.lists(PARTS, min_size=HEIGHT, max_size=HEIGHT)


def strip(parts: list[tuple[str, Style]]) -> Strip:
    return Strip([Segment(words, style) for words, style in parts]).adjust_cell_length(
        WIDTH, STYLES[1]
    )


def whole(rows: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[row] for row in rows], Region(0, 0, WIDTH, len(rows)))


def seen(terminal: pyte.Screen) -> list[list[object]]:
    """What a person sees: the colour of a letter that is not there is no matter."""
    cells = [[terminal.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]
    return [
        [
            replace_blank(cell) if cell.data == " " and not (cell.reverse or cell.underscore)
            else cell
            for cell in row
        ]
        for row in cells
    ]  # fmt: skip


def replace_blank(cell: pyte.screens.Char) -> pyte.screens.Char:
    return cell._replace(fg="default", bold=False)


def update(rows: list[str], spans: list[Span]) -> ChopsUpdate:
    return ChopsUpdate(
        [{0: Strip([Segment(row)])} for row in rows], spans, [[cell_len(row)] for row in rows]
    )


@given(st.lists(ROWS, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_the_changed_cells_make_the_same_picture(
    pictures: list[list[list[tuple[str, Style]]]], erases: bool, urgent: bool
) -> None:
    canvas, terminal = Canvas(erases=erases), pyte.Screen(WIDTH, HEIGHT)
    canvas.width = WIDTH
    stream = pyte.Stream(terminal)
    for picture in pictures:
        rows = [strip(parts) for parts in picture]
        text, left = cut(whole(rows), CONSOLE, canvas, ROOM, urgent=urgent)
        stream.feed(text)
        fresh = pyte.Screen(WIDTH, HEIGHT)
        for y, row in enumerate(rows):
            pyte.Stream(fresh).feed(f"\x1b[{y + 1}H{row.render(CONSOLE)}")
        assert not left
        assert seen(terminal) == seen(fresh)


@given(ROWS)
def test_what_is_there_already_is_not_sent(picture: list[list[tuple[str, Style]]]) -> None:
    canvas, rows = Canvas(), [strip(parts) for parts in picture]
    cut(whole(rows), CONSOLE, canvas, ROOM)
    assert cut(whole(rows), CONSOLE, canvas, ROOM) == ("", [])


def test_a_digit_costs_a_digit() -> None:
    canvas = Canvas()
    cut(update(["00:41 of 01:00"], [(0, 0, 14)]), CONSOLE, canvas, ROOM)
    assert cut(update(["00:42 of 01:00"], [(0, 0, 14)]), CONSOLE, canvas, ROOM)[0] == "\x1b[1;5H2"


def test_cells_close_to_each_other_are_sent_with_what_is_between() -> None:
    canvas = Canvas()
    cut(update(["a b c" + "." * 20 + "d"], [(0, 0, 26)]), CONSOLE, canvas, ROOM)
    text, _ = cut(update(["A b C" + "." * 20 + "D"], [(0, 0, 26)]), CONSOLE, canvas, ROOM)
    assert text == "\x1b[1;26HD\rA b C"


@pytest.mark.parametrize(
    ("true", "told"),
    [("1;38;2;95;175;215;48;2;18;18;18", "1;38;5;74;48;5;233"), ("38;2;16;19;22", "38;2;16;19;22")],
)
def test_a_color_among_the_256_is_told_by_its_number(true: str, told: str) -> None:
    assert short(true) == told


def test_blanks_at_the_end_are_erased_where_that_is_shorter() -> None:
    canvas = Canvas(erases=True)
    cut(update(["a" * 20], [(0, 0, 20)]), CONSOLE, canvas, ROOM)
    text, _ = cut(update(["b".ljust(20)], [(0, 0, 20)]), CONSOLE, canvas, ROOM)
    assert text == "\x1b[1Hb\x1b[19X"


def test_behind_a_wide_character_the_place_is_told_again() -> None:
    text, _ = cut(update(["列x"], [(0, 0, 3)]), CONSOLE, Canvas(), ROOM)
    assert text == "\x1b[1H\x1b[0m列\x1b[3Gx"


def test_after_it_forgot_everything_is_sent_again() -> None:
    canvas, rows = Canvas(), update(["same"], [(0, 0, 4)])
    first = cut(rows, CONSOLE, canvas, ROOM)
    canvas.forget()
    assert cut(rows, CONSOLE, canvas, ROOM) == first


def test_a_small_room_takes_the_cells_that_waited_longest() -> None:
    rows, canvas = ["a" * 30, "b" * 30, "c" * 30], Canvas()
    spans = [(0, 0, 30), (1, 0, 30), (2, 0, 30)]
    sent = ""
    for count in (2, 1):
        text, spans = cut(update(rows, spans), CONSOLE, canvas, 45)
        assert len(spans) == count
        sent += text
    text, spans = cut(update(rows, spans), CONSOLE, canvas, 45)
    assert spans == []
    assert all(letter * 30 in sent + text for letter in "abc")


def test_a_change_in_a_quiet_place_goes_before_a_busy_one() -> None:
    canvas = Canvas()
    cut(update(["quiet" + "x" * 25, "b" * 30], [(0, 0, 30)]), CONSOLE, canvas, ROOM)
    for letter in "cdefg":
        busy = ["quiet" + letter * 25, letter * 30]
        cut(update(busy, [(0, 10, 30), (1, 0, 30)]), CONSOLE, canvas, ROOM)
    now = ["QUIET" + "z" * 25, "z" * 30]
    text, left = cut(update(now, [(0, 0, 5), (0, 10, 30), (1, 0, 30)]), CONSOLE, canvas, 1)
    assert "QUIET" in text
    assert left == [(0, 10, 30), (1, 0, 30)]


def test_a_whole_screen_is_cut_by_lines() -> None:
    strips = [[Strip([Segment(letter * 10)])] for letter in "abc"]
    text, left = cut(LayoutUpdate(strips, Region(0, 0, 10, 3)), CONSOLE, Canvas(), 20)
    assert "a" * 10 in text
    assert left == [(1, 0, 10), (2, 0, 10)]
