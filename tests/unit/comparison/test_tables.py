from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.comparison.tables import CellDifference, compare_tables, read_table
from engine.comparison.trees import Change

cells = st.sampled_from(["", "1", "2.5", "a", "b", "name"])
tables = st.lists(st.lists(cells, max_size=4), max_size=5)


@given(tables)
def test_a_table_does_not_differ_from_itself(table: list[list[str]]) -> None:
    assert compare_tables(table, table).change is Change.SAME


@given(tables, tables)
def test_looked_at_from_the_other_side_a_difference_is_its_mirror_image(
    before: list[list[str]], now: list[list[str]]
) -> None:
    there, back = compare_tables(before, now), compare_tables(now, before)
    assert (there.rows_before, there.rows_now) == (back.rows_now, back.rows_before)
    assert set(there.columns_added) == set(back.columns_removed)
    assert there.change == back.change
    assert {(one.row, one.column, one.before, one.now) for one in there.cells} == {
        (one.row, one.column, one.now, one.before) for one in back.cells
    }


def test_columns_are_matched_by_name_and_rows_by_number() -> None:
    before = [["id", "age", "city"], ["1", "30", "Bonn"], ["2", "40", "Ulm"]]
    now = [["id", "city", "zip"], ["1", "Bonn", "53"], ["2", "Jena", "07"], ["3", "Hof", "95"]]
    found = compare_tables(before, now)
    assert (found.rows_before, found.rows_now) == (2, 3)
    assert (found.columns_removed, found.columns_added) == (("age",), ("zip",))
    assert found.cells == (CellDifference(2, "city", "Ulm", "Jena"),)
    assert not found.moved


def test_columns_in_another_order_are_told_and_their_cells_still_matched() -> None:
    found = compare_tables([["a", "b"], ["1", "2"]], [["b", "a"], ["2", "1"]])
    assert found.moved
    assert not found.cells


def test_a_table_without_names_has_numbered_columns() -> None:
    found = compare_tables([["1", "2"]], [["1", "3"]])
    assert found.cells == (CellDifference(1, "#2", "2", "3"),)


def test_a_cell_beyond_the_named_columns_counts() -> None:
    found = compare_tables([["a"], ["1", "2"]], [["a"], ["1", "3"]])
    assert found.cells == (CellDifference(1, "#2", "2", "3"),)


def test_the_cells_told_are_bounded() -> None:
    before, now = ([["a"], *([letter] for _ in range(9))] for letter in "xy")
    found = compare_tables(before, now, limit=3)
    assert (len(found.cells), found.more) == (3, True)


def test_quoted_line_ends_stay_inside_their_cell() -> None:
    assert read_table('a,b\r\n"1\n2",3\r\n') == [["a", "b"], ["1\n2", "3"]]
