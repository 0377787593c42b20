from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.strip import Strip

from pipetui.logview.dress import Times
from pipetui.logview.paint import ASCII, STYLES, UNICODE, Painter
from pipetui.logview.reader import Reader
from pipetui.logview.view import View
from tests.unit.logview.fakes import MemoryLog

PAINTER = Painter({name: Style() for name in ("text", *STYLES)}, UNICODE)
PLAIN = Painter(PAINTER.styles, ASCII)
HOSTILE = st.sampled_from(
    [
        "\x1b]52;c;aGk=\x07",
        "\x1b[31m",
        "\x1b[0m",
        '{"msg": "x\\u001b[2J"}',
        "\x9b2J",
        "\u202e",
        "\u200b",
        "\udc80",
        "日本",
        "e\u0301",
        "\t",
    ]
)
TEXT = st.lists(HOSTILE | st.text(max_size=8), max_size=8).map("".join)


@given(
    texts=st.lists(TEXT, max_size=8),
    width=st.integers(0, 30),
    left=st.integers(0, 20),
    wrap=st.booleans(),
    search=st.sampled_from(["", "a", "本", ".*", "x*"]),
    times=st.sampled_from(Times),
    compact=st.booleans(),
    heat=st.booleans(),
    origins=st.sampled_from([(), ("a",), ("日本語日本語日本語", "train"), ("\x1b[2J\u202e",)]),
)
def test_every_row_is_harmless_and_of_the_exact_width(
    texts: list[str],
    width: int,
    left: int,
    wrap: bool,
    search: str,
    times: Times,
    compact: bool,
    heat: bool,
    origins: tuple[str, ...],
) -> None:
    view = View(wrap=wrap, left=left, search=search, times=times, compact=compact)
    log = MemoryLog(texts, origins=origins)
    frame = Reader(log, view.resized(width, 6, heat)).frame
    for y in range(6):
        strip = PAINTER.row(frame, y)
        assert strip.cell_length == frame.gutter + width + frame.edge
        assert not [
            char
            for char in strip.text
            if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        ]


def test_a_wide_character_at_the_edge_gives_way_to_a_space() -> None:
    frame = Reader(MemoryLog(["日本語"]), View(left=1).resized(3, 1)).frame
    assert PAINTER.row(frame, 0).text == "   本 "


@pytest.mark.parametrize(("painter", "marks"), [(PAINTER, "‹›"), (PLAIN, "<>")])
@pytest.mark.parametrize(
    ("text", "left", "shown"),
    [
        ("0123456789", 0, "0123456789"),
        ("0123456789a", 0, "012345678>"),
        ("0123456789abcdef", 3, "<456789ab>"),
        ("0123456789abc", 3, "<456789abc"),
        ("012", 3, "<         "),
        ("", 3, "          "),
        ("日本語日本語", 0, "日本語日 >"),
        ("日本語日本語", 1, "<本語日本>"),
        ("日本語日本", 0, "日本語日本"),
    ],
)
def test_a_line_that_is_cut_is_marked_at_the_edge(
    painter: Painter, marks: str, text: str, left: int, shown: str
) -> None:
    frame = Reader(MemoryLog([text]), View(left=left).resized(10, 1)).frame
    wanted = shown.replace("<", marks[0]).replace(">", marks[1])
    assert painter.row(frame, 0).text == f"  {wanted} "


def test_a_wrapped_line_has_no_mark() -> None:
    frame = Reader(MemoryLog(["0123456789abc"]), View(wrap=True).resized(10, 2)).frame
    assert [PAINTER.row(frame, y).text for y in (0, 1)] == ["  0123456789 ", "  abc        "]


def test_the_badge_stands_at_the_end_of_the_last_row_where_it_fits() -> None:
    log = MemoryLog(["text"] * 20)
    read = Reader(log, View().resized(20, 3))
    read.scroll(-5)
    log.texts += ["more"] * 7
    read.poll()
    assert PAINTER.row(read.frame, 2).text == "  text" + " " * 7 + " +7 new ▼ "
    assert Painter(PAINTER.styles, ASCII).row(read.frame, 2).text.endswith(" +7 new v ")
    read.show(read.view.resized(4, 3))
    assert "new" not in PAINTER.row(read.frame, 2).text


def styled(strip: Strip) -> list[tuple[str, str]]:
    """The text of a strip and the styles that show."""
    return [(one.text, str(one.style)) for one in strip if one.text and str(one.style) != "none"]


COLOURS = Painter(
    {name: Style() for name in ("text", *STYLES)}
    | {"red": Style(color="red"), "hit": Style(reverse=True), "cyan": Style(color="cyan")}
    | {"yellow": Style(color="yellow"), "error": Style(color="blue"), "picked": Style(dim=True)},
    UNICODE,
)


def test_colours_of_the_log_and_hits_are_laid_over_each_other() -> None:
    log = MemoryLog(["a \x1b[1;31mred text\x1b[0m b"])
    frame = Reader(log, View(search="d t").resized(30, 1)).frame
    shown = styled(COLOURS.row(frame, 0))
    assert shown == [("re", "bold red"), ("d t", "reverse"), ("ext", "bold red")]


def test_colours_of_a_wrapped_line_go_on_in_its_next_row() -> None:
    frame = Reader(MemoryLog(["ab\x1b[31mcdef\x1b[0mgh"]), View(wrap=True).resized(4, 2)).frame
    assert styled(COLOURS.row(frame, 0)) == [("cd", "red")]
    assert styled(COLOURS.row(frame, 1)) == [("ef", "red")]


def test_merged_logs_have_their_names_and_colours_in_the_gutter() -> None:
    log = MemoryLog(["one"], origins=("train", "evaluate-the-model"))
    frame = Reader(log, View().resized(10, 1)).frame
    assert COLOURS.row(frame, 0).text == "  train        one        "
    assert styled(COLOURS.row(frame, 0)) == [("train        ", "cyan")]


def test_bookmarks_stand_in_the_gutter_and_heat_at_the_edge() -> None:
    log = MemoryLog(["E 1", "W 2"] + ["x"] * 8)
    read = Reader(log, View().resized(8, 5, heat=True))
    read.go_to(0)
    read.toggle_bookmark()
    assert PAINTER.row(read.frame, 0).text == "✖◆E 1     ✖████▒▒▒▒"
    assert Painter(PAINTER.styles, ASCII).row(read.frame, 0).text == "x*E 1     x====----"
    assert PAINTER.row(read.frame, 3).text == "  x        " + " " * 8
