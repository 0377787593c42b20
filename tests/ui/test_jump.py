"""Letters over rows, panes and tabs; help and filters that leave nobody on an empty page."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipetui.actions import ACTIONS
from pipetui.config import Settings
from pipetui.screens.jump import LETTERS, JumpScreen, Place, hinted, seen
from pipetui.widgets.dag_pane import DagPane
from pipetui.widgets.rows import RowList
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, Journey, journey

both_sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])


async def hints(trip: Journey) -> list[tuple[str, Place]]:
    """The letters that are shown."""
    await trip.press("ctrl+o")
    await trip.until(lambda: isinstance(trip.app.screen, JumpScreen))
    await trip.sees("a letter goes there, esc leaves")
    screen = trip.app.screen
    assert isinstance(screen, JumpScreen)
    return screen.hints


def nowhere() -> None:
    """A place to go to."""


def test_each_cell_has_one_letter_and_none_is_off_the_screen() -> None:
    places = [Place(x, y, nowhere) for x, y in ((0, 0), (0, 0), (5, 0), (80, 0), (0, 24), (0, 23))]
    found = hinted(seen(places, 80, 24))
    assert [(letter, one.x, one.y) for letter, one in found] == [
        ("a", 0, 0),
        ("s", 5, 0),
        ("d", 0, 23),
    ]
    assert len(set(LETTERS)) == 62


@pytest.mark.parametrize("count", [0, 1, 62, 63, 200, 3844])
def test_a_place_beyond_the_letters_is_two_keys_away(count: int) -> None:
    places = [Place(x, 0, nowhere) for x in range(count)]
    found = hinted(places)
    assert [place for _, place in found] == places
    for letter in set(dict(found)):
        meant = [place for other, place in found if other == letter]
        again = [letter for letter, _ in hinted(meant)]
        assert len(set(again)) == len(again)


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
        letter = next(key for key, place in found if place.y == at and place.x == 0)
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
        assert (log.x, log.y) in {(place.x, place.y) for _, place in found}
        await trip.press("f12")
        await trip.until(lambda: not isinstance(trip.app.screen, JumpScreen))


@both_sizes
async def test_a_letter_on_a_node_of_the_graph_goes_to_its_step(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size, execution=stories.FAILED) as trip:
        await trip.sees("Steps", "KeyError")
        await trip.press("2")
        await trip.sees("[Graph]", "split")
        screen = trip.app.screen
        pane = screen.query_one(DagPane)
        await trip.until(lambda: "split" in pane.picture.boxes)
        found = await hints(trip)
        name, x, y = next(one for one in pane.nodes_in_sight() if one[0] == "split")
        at = (pane.content_region.x + x, pane.content_region.y + y)
        letter = next(key for key, place in found if (place.x, place.y) == at)
        await trip.press(letter)
        await trip.until(lambda: trip.app.screen is screen and pane.selected == name)
        await trip.until(lambda: screen.query_one("#steps", RowList).key == name)
        assert pane.has_focus


async def test_a_letter_for_several_places_leads_to_a_choice_among_them(tmp_path: Path) -> None:
    source = stories.home(tmp_path)
    stories.large(source, 100)
    async with journey(tmp_path, (80, 110), source=source, execution="bigbig") as trip:
        await trip.sees("step-0090")
        rows = trip.app.screen.query_one("#steps", RowList)
        found = await hints(trip)
        last = found[-1][0]
        meant = [place for letter, place in found if letter == last]
        assert len(meant) > 1
        await trip.press(last)
        screen = trip.app.screen
        assert isinstance(screen, JumpScreen)
        await trip.until(lambda: len(screen.hints) == len(meant))
        await trip.press(screen.hints[-1][0])
        await trip.until(lambda: rows.key == rows.rows[rows.room - 1].key)


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
