"""Two pictures as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.storage.picture import Picture
from pipetui.viewmodel.artifacts import Item
from pipetui.viewmodel.lines import text_of
from pipetui.viewmodel.pair import beside, gap, half, is_picture, pair_lines, pairs

RED, BLUE, PAPER = (255, 0, 0), (0, 0, 255), (9, 9, 9)


def plain(width: int, height: int, colour: tuple[int, int, int]) -> Picture:
    return Picture(width, height, bytes(colour) * width * height)


@given(st.integers(8, 300), st.integers(1, 40), st.data())
def test_both_stand_beside_each_other_whatever_their_sizes(
    width: int, height: int, data: st.DataObject
) -> None:
    room = (width, height)
    most, high = half(room)
    first, second = (
        plain(data.draw(st.integers(1, most)), data.draw(st.integers(1, high)), colour)
        for colour in (RED, BLUE)
    )
    both = beside(first, second, room, PAPER)
    assert both.width <= width and both.height == max(first.height, second.height)
    assert len(both.pixels) == 3 * both.width * both.height
    start = first.width + gap(room)
    assert both.at(0, 0) == RED and both.at(start, 0) == BLUE
    assert both.at(first.width, 0) == PAPER
    if second.height < both.height:
        assert both.at(start, both.height - 1) == PAPER


@pytest.mark.parametrize(
    ("name", "is_one"), [("roc.PNG", True), ("a/b.jpeg", True), ("png", False), ("a.csv", False)]
)
def test_an_image_is_known_by_its_name(name: str, is_one: bool) -> None:
    assert is_picture(Item(f"s3://b/{name}", "report", inside=name)) is is_one
    assert not is_picture(Item("s3://b/x.png", "x.png", folder=True))


def test_pictures_of_one_execution_alone_are_no_pair() -> None:
    item = Item("s3://b/roc.png", "report", inside="roc.png")
    both = ("evaluate", "report", "roc.png")
    found = pairs({both: item, ("a", "b", "old.png"): item}, {both: item, ("a", "b", "c"): item})
    assert [(one.step, one.name) for one in found] == [("evaluate", "report/roc.png")]
    assert "evaluate  report/roc.png" in text_of(pair_lines(found)[-1])
    assert pair_lines([]) == []
