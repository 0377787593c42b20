"""Letters over rows, panes and tabs; help and filters that leave nobody on an empty page."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipetui.actions import ACTIONS
from pipetui.config import Settings
from pipetui.screens.jump import LETTERS, JumpScreen, Place, hinted
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, Journey, journey

both_sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])


async def hints(trip: Journey) -> dict[str, Place]:
    """The letters that are shown."""
    await trip.press("ctrl+o")
    await trip.until(lambda: isinstance(trip.app.screen, JumpScreen))
    await trip.sees("a letter goes there, esc leaves")
    screen = trip.app.screen
    assert isinstance(screen, JumpScreen)
    return screen._hints


def nowhere() -> None:
    """A place to go to."""


def test_each_cell_has_one_letter_and_none_is_off_the_screen() -> None:
    places = [Place(x, y, nowhere) for x, y in ((0, 0), (0, 0), (5, 0), (80, 0), (0, 24), (0, 23))]
    found = hinted(places, 80, 24)
    assert [(letter, one.x, one.y) for letter, one in found.items()] == [
        ("a", 0, 0),
        ("s", 5, 0),
        ("d", 0, 23),
    ]
    many = [Place(x, 0, nowhere) for x in range(200)]
    assert "".join(hinted(many, 200, 1)) == LETTERS and len(set(LETTERS)) == 62


@both_sizes
async def test_a_letter_goes_to_a_row_and_esc_leaves_all_as_it_was(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        rows = trip.app.root.list
        await trip.until(lambda: len(rows.rows) > 2)
        target = rows.rows[2].key
        found = await hints(trip)
        at = rows.content_region.y + rows.heading + 2
        letter = next(key for key, place in found.items() if place.y == at and place.x == 0)
        assert trip.text.split("\n")[at][0] == letter
        before = rows.key
        await trip.press("escape")
        await trip.until(lambda: trip.app.screen is trip.app.root)
        assert rows.key == before
        await hints(trip)
        await trip.press(letter)
        await trip.until(lambda: rows.key == target)
        assert trip.app.screen is trip.app.root and rows.has_focus


@both_sizes
async def test_a_letter_goes_to_a_tab_or_a_pane(tmp_path: Path, size: tuple[int, int]) -> None:
    async with journey(
        tmp_path, size, execution=stories.FAILED, settings=Settings(ascii=True)
    ) as trip:
        await trip.sees("Steps", "KeyError")
        await hints(trip)
        await trip.press("f")
        await trip.sees("[Log]")
        await trip.until(lambda: getattr(trip.app.focused, "id", "") == "log")
        found = await hints(trip)
        log = trip.app.screen_stack[-2].query_one("#log").content_region
        assert (log.x, log.y) in {(place.x, place.y) for place in found.values()}
        await trip.press("f12")
        await trip.until(lambda: not isinstance(trip.app.screen, JumpScreen))


async def test_help_says_every_description_whole(tmp_path: Path) -> None:
    async with journey(tmp_path, SMALL, execution=stories.FAILED) as trip:
        await trip.sees("Steps")
        await trip.press("4", "question_mark")
        await trip.sees("LOG", "Go to the end and follow")
        page = [" ".join(text.split()) for text in _pages(trip)]
        assert max(len(line) for line in _pages(trip)) <= SMALL[0]
        told = " ".join(page)
        helps = [one.help for one in ACTIONS if one.scope.value in ("log", "everywhere")]
        assert all(text in told for text in helps if text.startswith(("Filter the", "Show JSON")))
        await trip.press("slash", *"minute")
        await trip.sees("On by a minute")
        await trip.press(*"zzz")
        await trip.sees("no match for 'minutezzz'", "Go to the end and follow")
        await trip.press("escape")
        await trip.until(lambda: "no match" not in trip.text)


def _pages(trip: Journey) -> list[str]:
    pane = trip.app.screen.query_one("#text")
    return ["".join(span.text for span in line) for line in pane.lines]  # type: ignore[attr-defined]


async def test_a_page_stays_where_nothing_matches(tmp_path: Path) -> None:
    async with journey(tmp_path, SMALL, execution=stories.FAILED) as trip:
        await trip.sees("Steps")
        await trip.press("d")
        await trip.sees("detail", "ATTEMPTS")
        await trip.press("slash", *"nope")
        await trip.sees("no match for 'nope': esc shows all", "ATTEMPTS")
        await trip.press("escape")
        await trip.until(lambda: "no match" not in trip.text)
        assert "ATTEMPTS" in trip.text


async def test_a_folder_shows_what_is_in_it(tmp_path: Path) -> None:
    async with journey(tmp_path, SMALL, execution=stories.FAILED) as trip:
        await trip.sees("Steps")
        await trip.press("5")
        await trip.sees("[Artifacts]", "report")
        await trip.press("G")
        await trip.sees("evaluation.json", "rows.csv", "files,", " B")


@both_sizes
async def test_an_ascii_terminal_gets_ascii_alone_in_every_pane_and_dialog(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(
        tmp_path, size, execution=stories.FAILED, settings=Settings(ascii=True)
    ) as trip:
        await trip.sees("Steps", "KeyError")
        for key, seen in (
            ("4", "[Log]"),
            ("5", "[Artifacts]"),
            ("7", "[Metrics]"),
            ("colon", "action"),
        ):
            await trip.press(key)
            await trip.sees(seen)
            assert trip.text.isascii(), [char for char in trip.text if not char.isascii()]
