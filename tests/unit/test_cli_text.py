"""What the command line makes of values: durations, tables, the types of what is typed in."""

from __future__ import annotations

import pytest

from pipetui.cli.arguments import value_like
from pipetui.cli.text import Cell, Ink, cells, duration, table


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.034, "0.03s"),
        (9.96, "10.0s"),
        (59.9, "1m 00s"),
        (131, "2m 11s"),
        (3725, "1h 02m"),
        (97_200, "1d 03h"),
    ],
)
def test_a_duration_is_short(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_a_table_lines_up_in_cells_and_cuts_its_last_column_only() -> None:
    rows = [("日本", Cell("x" * 30, "error")), ("abcdef", "\x1b]0;title\x07")]
    lines = table(Ink(width=20), ("NAME", "WHY"), rows)
    assert lines == ["NAME    WHY", "日本    xxxxxxxxxxx…", "abcdef  ␛]0;title␇"]
    assert max(map(cells, lines)) <= 20


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100])
def test_no_line_of_a_table_is_wider_than_the_terminal(width: int) -> None:
    heads = ("EXECUTION", "PIPELINE", "STATUS", "STARTED", "TOOK", "STEPS", "")
    name, state = "a-pipeline-with-a-long-name", "⏸ waits for you"
    row = ("abcd00000000", name, state, "11-23 17:50", "1h 02m", "10/12", "from abce00000000")
    lines = table(Ink(width=width), heads, [row])
    assert max(map(cells, lines)) <= width
    assert "abcd00000000" in lines[1]
    assert (state in lines[1]) == (width >= 40)
    assert ("10/12  from" in lines[1]) == (width >= 80)


def test_a_value_takes_the_type_of_what_stands_there() -> None:
    assert value_like("6", "5") == "6"
    assert value_like("6", 5) == 6
    assert value_like("ml.m5.large", None) == "ml.m5.large"
    assert value_like('{"a": 1}', None) == {"a": 1}
