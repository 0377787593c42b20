from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields

import pytest
from rich.cells import cell_len

from pipetui.dag import cells
from pipetui.logview import paint as log_signs
from pipetui.term.glyphs import STATUSES, UNKNOWN, look


def test_every_glyph_is_one_cell_and_its_twin_one_ascii_character() -> None:
    for status, shown in STATUSES.items():
        assert cell_len(shown.glyph) == 1, status
        assert len(shown.ascii) == 1 and shown.ascii.isascii(), status


def shared(signs: Sequence[str]) -> set[str]:
    """The signs that stand for more than one thing."""
    return {sign for sign, times in Counter(signs).items() if times > 1}


@pytest.mark.parametrize("part", ["glyph", "ascii", "word"])
def test_no_two_statuses_share_a_glyph_an_ascii_twin_or_a_word(part: str) -> None:
    assert not shared([getattr(one, part) for one in (*STATUSES.values(), UNKNOWN)])


@pytest.mark.parametrize("signs", [log_signs.UNICODE, log_signs.ASCII])
def test_no_two_signs_of_a_log_are_the_same(signs: log_signs.Signs) -> None:
    assert not shared([getattr(signs, one.name) for one in fields(signs)])


@pytest.mark.parametrize("glyphs", [cells.UNICODE, cells.ASCII])
def test_no_two_signs_of_the_graph_are_the_same(glyphs: cells.Glyphs) -> None:
    signs = [getattr(glyphs, one.name) for one in fields(glyphs) if one.name != "strokes"]
    assert not shared(signs)


@pytest.mark.parametrize("unicode", [True, False])
def test_the_graphs_signs_for_steps_are_no_status(unicode: bool) -> None:
    glyphs = cells.UNICODE if unicode else cells.ASCII
    statuses = {one.mark(unicode) for one in (*STATUSES.values(), UNKNOWN)}
    assert not statuses & {glyphs.diamond, glyphs.pile, glyphs.mark}


def test_the_ascii_twin_is_used_without_unicode() -> None:
    assert look("Failed").mark() == "✖"
    assert look("Failed").mark(unicode=False) == "x"


def test_an_unknown_status_is_shown_by_its_own_name() -> None:
    assert look("Hibernating").word == "Hibernating"
    assert look("").word == "unknown"
