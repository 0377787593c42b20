from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style

from pipetui.logview.paint import ASCII, STYLES, UNICODE, Painter
from pipetui.logview.reader import Reader
from pipetui.logview.view import View
from tests.unit.logview.fakes import MemoryLog

PAINTER = Painter({name: Style() for name in ("text", *STYLES)}, UNICODE)
HOSTILE = st.sampled_from(
    [
        "\x1b]52;c;aGk=\x07",
        "\x1b[31m",
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
)
def test_every_row_is_harmless_and_of_the_exact_width(
    texts: list[str], width: int, left: int, wrap: bool, search: str
) -> None:
    view = View(wrap=wrap, left=left, search=search).resized(width, 6)
    frame = Reader(MemoryLog(texts), view).frame
    for y in range(6):
        strip = PAINTER.row(frame, y)
        assert strip.cell_length == width + 3
        assert not [
            char
            for char in strip.text
            if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        ]


def test_a_wide_character_at_the_edge_gives_way_to_a_space() -> None:
    frame = Reader(MemoryLog(["日本語"]), View(left=1).resized(4, 1)).frame
    assert PAINTER.row(frame, 0).text == "   本  "


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
