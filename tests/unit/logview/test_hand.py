from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipetui.logview.edge import HEAT, bars
from pipetui.logview.hand import Hand


def test_bookmarks_are_walked_in_order_and_round_the_ends() -> None:
    hand = Hand()
    for line in (30, 10, 20, 99):
        assert hand.toggle(line)
    assert not hand.toggle(99) and hand.bookmarks == [10, 20, 30]
    hand.mark([10, 20, 30, 500])
    visited, line = [], 15
    for direction in (1, 1, 1, -1, -1):
        found = hand.neighbour(line, direction, 100)
        assert found is not None
        line = found
        visited.append(line)
    assert visited == [20, 30, 10, 30, 20]
    assert Hand().neighbour(0, 1, 9) is None


def test_a_range_reaches_from_its_anchor_to_the_cursor_either_way() -> None:
    hand = Hand(cursor=3, anchor=7)
    assert hand.range == (3, 7)
    assert [line for line in range(10) if hand.holds(line)] == [3, 4, 5, 6, 7]
    hand.forget()
    assert hand.range is None and not hand.holds(3)


@given(counts=st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), max_size=50))
def test_bars_show_anything_and_never_more_than_fits(counts: list[tuple[int, int]]) -> None:
    found = bars([error for error, _ in counts], [warning for _, warning in counts])
    assert len(found) == len(counts)
    for (errors, warnings), (red, yellow) in zip(counts, found, strict=True):
        assert red + yellow <= HEAT
        assert (red > 0) is (errors > 0)
        assert (red + yellow > 0) is (errors + warnings > 0)
    if any(map(sum, counts)):
        assert max(map(sum, found)) == HEAT
