from __future__ import annotations

from rich.cells import cell_len

from pipetui.term.glyphs import STATUSES, look


def test_every_glyph_is_one_cell_and_its_twin_one_ascii_character() -> None:
    for status, shown in STATUSES.items():
        assert cell_len(shown.glyph) == 1, status
        assert len(shown.ascii) == 1 and shown.ascii.isascii(), status


def test_statuses_differ_by_glyph_and_by_word() -> None:
    assert len({shown.glyph for shown in STATUSES.values()}) == len(STATUSES)
    assert len({shown.word for shown in STATUSES.values()}) == len(STATUSES)


def test_the_ascii_twin_is_used_without_unicode() -> None:
    assert look("Failed").mark() == "✖"
    assert look("Failed").mark(unicode=False) == "x"


def test_an_unknown_status_is_shown_by_its_own_name() -> None:
    assert look("Hibernating").word == "Hibernating"
    assert look("").word == "unknown"
