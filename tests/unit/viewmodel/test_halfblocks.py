"""A picture keeps its size, its colours and its shades as characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.storage.picture import Picture
from pipetui.viewmodel.halfblocks import rows, shades

RED, BLUE = (255, 0, 0), (0, 0, 255)


def _picture(width: int, height: int, colours: list[tuple[int, int, int]]) -> Picture:
    return Picture(width, height, b"".join(bytes(one) for one in colours))


@st.composite
def _pictures(draw: st.DrawFn) -> Picture:
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    size = 3 * width * height
    return Picture(width, height, draw(st.binary(min_size=size, max_size=size)))


@given(_pictures())
def test_every_row_of_cells_is_as_wide_as_the_picture(picture: Picture) -> None:
    found = rows(picture)
    assert len(found) == (picture.height + 1) // 2
    assert all(sum(run[0] for run in row) == picture.width for row in found)
    for unicode in (True, False):
        told = shades(picture, unicode=unicode, dark=True)
        assert [len(row) for row in told] == [picture.width] * len(found)
        assert all(row.isprintable() for row in told)


def test_a_cell_has_the_colours_of_its_two_pixels_and_the_last_row_may_have_one() -> None:
    [first, last] = rows(_picture(1, 3, [RED, BLUE, RED]))
    assert first == [(1, RED, BLUE)]
    assert last == [(1, RED, None)]


def test_cells_of_one_look_are_one_run() -> None:
    [row] = rows(_picture(4, 2, [RED, RED, RED, BLUE] * 2))
    assert row == [(3, RED, RED), (1, BLUE, BLUE)]


def test_light_is_much_ink_on_dark_and_none_on_light_paper() -> None:
    picture = _picture(2, 2, [(255, 255, 255), (0, 0, 0)] * 2)
    assert shades(picture, unicode=False, dark=True) == ["@ "]
    assert shades(picture, unicode=False, dark=False) == [" @"]
    assert shades(picture, unicode=True, dark=True) == ["█ "]
