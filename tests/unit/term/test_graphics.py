"""What a terminal says of pictures, what it never types, and what pictures cost it."""

from __future__ import annotations

import base64
import io
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.api import Picture
from pipetui.term import kitty
from pipetui.term.drawing import STRIPS, Place, draw
from pipetui.term.graphics import Ability, Answers, Means, in_multiplexer, means

KITTY = "\x1b_Gi=31;OK\x1b\\\x1b[6;18;9t\x1b[4;720;1080t\x1b[?62;c"
XTERM = "\x1b[?1;0;256S\x1b[?2;0;1000;900S\x1b[6;16;8t\x1b[?63;1;4;9c"
PLAIN = "\x1b[?1;2c"
PLACE = Place(row=1, cell=(8, 16), room=(800, 600), budget=1_000_000)


def heard(*parts: str) -> tuple[Answers, str]:
    answers = Answers()
    return answers, "".join(map(answers.take, parts))


def noise(width: int, height: int) -> Picture:
    return Picture(width, height, random.Random(7).randbytes(3 * width * height))


@pytest.mark.parametrize("said, by", [
    (KITTY, Means.KITTY), (XTERM, Means.SIXEL), (PLAIN, Means.BLOCKS),
    ("\x1b_Gi=31;ENOTSUPPORTED\x1b\\" + XTERM, Means.SIXEL), ("\x1b[?14;24c", Means.BLOCKS),
])  # fmt: skip
def test_the_best_of_what_a_terminal_can_is_taken(said: str, by: Means) -> None:
    answers, left = heard(said)
    assert answers.complete and not left
    assert means("auto", answers.ability) is by
    assert means("sixel", answers.ability) is Means.SIXEL


def test_sizes_and_limits_are_those_that_the_terminal_tells() -> None:
    xterm = heard(XTERM)[0].ability
    assert (xterm.cell, xterm.colours, xterm.most) == ((8, 16), 256, (1000, 900))
    assert xterm.room(Means.SIXEL, (1600, 800)) == (1000, 800)
    assert xterm.room(Means.KITTY, (1600, 800)) == (1600, 800)


def test_a_cell_is_told_by_the_window_or_the_kernel_else_not_at_all() -> None:
    assert Ability(window=(800, 480)).cell_in(80, 24) == (10, 20)
    assert Ability().cell_in(80, 24, (640, 384)) == (8, 16)
    assert Ability().cell_in(80, 24) is None


@given(st.sampled_from([KITTY, XTERM, PLAIN]), st.data())
def test_answers_in_any_pieces_never_become_keys(said: str, data: st.DataObject) -> None:
    typed = data.draw(st.lists(st.sampled_from(["a", "\r", "\x1b[A", "\x1b[<0;3;4M"])))
    whole = "".join(typed) + said
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    answers, left = heard(*pieces)
    assert answers.complete
    assert left + answers.quiet() == "".join(typed)


def test_an_escape_that_nothing_follows_is_a_key() -> None:
    answers, left = heard("\x1b")
    assert left == "" and answers.quiet() == "\x1b"


def test_half_of_an_answer_is_never_a_key() -> None:
    answers, left = heard("\x1b_Gi=31;O")
    assert left == "" and answers.quiet() == ""
    assert answers.take("K\x1b\\x") == "x" and answers.ability.kitty


def test_tmux_and_screen_stand_between() -> None:
    assert in_multiplexer({"TMUX": "/tmp/x"}) and in_multiplexer({"TERM": "screen-256color"})
    assert not in_multiplexer({"TERM": "xterm-kitty"})


def test_kittys_chunks_hold_the_picture_and_the_last_says_so() -> None:
    drawing = draw(noise(200, 100), Means.KITTY, PLACE)
    chunks = [re.fullmatch(r"\x1b\[2;1H\x1b_G([^;]*);([^\x1b]*)\x1b\\", p) for p in drawing.parts]
    assert len(chunks) > 2 and all(chunks)
    assert all(len(one[2]) <= kitty.CHUNK for one in chunks if one)
    assert [one[1][-1] for one in chunks if one] == ["1"] * (len(chunks) - 1) + ["0"]
    png = base64.b64decode("".join(one[2] for one in chunks if one))
    assert Image.open(io.BytesIO(png)).tobytes() == noise(200, 100).pixels


def test_sixel_strips_begin_at_cells_and_are_few() -> None:
    drawing = draw(noise(60, 600), Means.SIXEL, PLACE)
    rows = [int(part.partition(";")[0].removeprefix("\x1b[")) for part in drawing.parts]
    highs = [int(re.findall(r'"1;1;60;(\d+)', part)[0]) for part in drawing.parts]
    assert len(rows) <= STRIPS and sum(highs) == 600
    assert rows == [2 + sum(highs[:index]) // 16 for index in range(len(rows))]


@pytest.mark.parametrize("by", [Means.KITTY, Means.SIXEL])
def test_a_picture_is_made_smaller_until_the_link_takes_it_in_time(by: Means) -> None:
    place = Place(row=1, cell=(8, 16), room=(800, 600), budget=20_000)
    drawing = draw(noise(400, 300), by, place)
    assert drawing.bytes <= 20_000
    assert abs(drawing.size[0] / drawing.size[1] - 4 / 3) < 0.1
    assert ("c=50,r=19" in drawing.parts[0]) is (by is Means.KITTY)


def test_for_tmux_everything_is_wrapped() -> None:
    place = Place(row=1, cell=(8, 16), room=(80, 60), budget=20_000, wrapped=True)
    drawing = draw(noise(20, 20), Means.KITTY, place)
    wrapped = re.compile(r"\x1bPtmux;(?:[^\x1b]|\x1b\x1b)*\x1b\\")
    assert all(wrapped.fullmatch(one) for one in (*drawing.parts, drawing.stop, drawing.erase))
