"""Lines are cut, padded and laid out to the cell, and hold nothing a terminal could obey."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipetui.viewmodel.lines import (
    GAP,
    Column,
    Line,
    Span,
    Tone,
    column_widths,
    difference,
    fit,
    folded,
    key_value,
    lay,
    length,
    text_of,
    words,
    wrap,
)

TEXT = st.text(
    alphabet=st.one_of(
        st.sampled_from("ab \t\n\x1b[31m訓練é\u0301\u202e✔…"), st.characters(codec="utf-8")
    ),
    max_size=30,
)
LINES = st.lists(st.builds(Span, TEXT, st.sampled_from(list(Tone))), max_size=4).map(tuple)
COLUMNS = st.lists(
    st.builds(
        Column,
        st.just("T"),
        st.integers(1, 12),
        grow=st.integers(0, 3),
        right=st.booleans(),
        keep=st.integers(0, 9),
        most=st.just(40),
        tail=st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@given(LINES, st.integers(1, 60), st.booleans())
def test_a_fitted_line_has_exactly_the_width_and_no_control_characters(
    line: Line, width: int, right: bool
) -> None:
    text = text_of(fit(line, width, right=right))
    assert cell_len(text) == width
    assert text.isprintable()


@given(COLUMNS, st.integers(1, 200))
def test_columns_fit_the_total_and_the_most_wanted_stays(columns: list[Column], total: int) -> None:
    widths = column_widths(columns, total)
    shown = [width for width in widths if width]
    assert sum(shown) + GAP * max(0, len(shown) - 1) <= total
    assert shown
    if all(widths) and any(one.grow for one in columns):
        full = all(
            width >= one.most for one, width in zip(columns, widths, strict=True) if one.grow
        )
        assert full or sum(shown) + GAP * (len(shown) - 1) == total


@given(COLUMNS, st.integers(1, 120), st.data())
def test_a_row_is_as_wide_as_its_columns(
    columns: list[Column], total: int, data: st.DataObject
) -> None:
    widths = column_widths(columns, total)
    cells = [data.draw(LINES) for _ in columns]
    shown = [width for width in widths if width]
    assert length(lay(cells, columns, widths)) == sum(shown) + GAP * (len(shown) - 1)


def test_a_long_cell_keeps_its_beginning_or_its_end() -> None:
    cell = [words("s3://bucket/raw/churn.csv")]
    assert text_of(lay(cell, [Column("", 10)], [10])) == "s3://buck…"
    assert text_of(lay(cell, [Column("", 10, tail=True)], [10])) == "…churn.csv"


@given(LINES, LINES, st.integers(1, 40))
def test_a_difference_covers_every_cell_that_changed(old: Line, new: Line, width: int) -> None:
    before, after = fit(old, width), fit(new, width)
    found = difference(before, after)
    if found is None:
        assert text_of(before) == text_of(after)
    else:
        start, size = found
        assert 0 <= start < start + size <= width


def test_only_the_changed_cells_differ() -> None:
    before = fit((Span("train  "), Span("01:58", Tone.DIM), Span("  close")), 30)
    after = fit((Span("train  "), Span("01:59", Tone.DIM), Span("  close")), 30)
    assert difference(before, after) == (11, 1)


@given(TEXT, st.integers(24, 60))
def test_wrapped_lines_fit_and_lose_no_letter(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(length(line) <= width for line in lines)


def test_wrapping_keeps_all_words_in_order() -> None:
    lines = wrap("one two three four", 9, indent=" ")
    assert [text_of(line) for line in lines] == [" one two", " three", " four"]


def test_a_line_that_is_too_long_goes_on_below_its_value() -> None:
    line = key_value("model data", "s3://bucket/a-long-folder/another-folder/model.tar.gz")
    parts = [text_of(part) for part in folded([line], 44)]
    assert parts == [
        "  model data   s3://bucket/a-long-folder/",
        "               another-folder/model.tar.gz",
    ]
    assert folded([line], 80) == [line]


@given(st.lists(st.text("ab /語", min_size=1), min_size=1, max_size=4), st.integers(24, 60))
def test_folded_lines_fit_and_lose_nothing(texts: list[str], width: int) -> None:
    line = tuple(Span(text) for text in texts)
    parts = folded([line], width)
    assert all(length(part) <= width for part in parts)
    told = "".join(text_of(part) for part in parts)
    assert told.replace(" ", "") == "".join(texts).replace(" ", "")
