"""Letters over the rows, panes and tabs in sight; one key goes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from pipetui.actions import Action
from pipetui.keys import Performer
from pipetui.screens.face import Dialog, Shown
from pipetui.viewmodel.lines import Tone, words
from pipetui.widgets.bar import Bar
from pipetui.widgets.dag_pane import DagPane
from pipetui.widgets.rows import RowList

LETTERS = "asdfghjklqwertyuiopzxcvbnmASDFGHJKLQWERTYUIOPZXCVBNM1234567890"
"""The hints, the keys that are easiest to reach first."""


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to go: the cell its letter stands in, and what goes there."""

    x: int
    y: int
    go: Callable[[], object]


def seen(places: Sequence[Place], width: int, height: int) -> list[Place]:
    """The places on a screen of so many cells, none in the cell of another."""
    cells: dict[tuple[int, int], Place] = {}
    for place in places:
        if 0 <= place.x < width and 0 <= place.y < height:
            cells.setdefault((place.x, place.y), place)
    return list(cells.values())


def hinted(places: Sequence[Place]) -> list[tuple[str, Place]]:
    """Each place with its letter; the last letters stand for several where one each is not enough.

    A letter that stands for several leads to a choice among them.
    """
    count = len(LETTERS)
    shared = 0
    while count - shared + shared * count < len(places) and shared < count:
        shared += 1
    single = count - shared
    found = list(zip(LETTERS[:single], places, strict=False))
    for at, place in enumerate(places[single : single + shared * count]):
        found.append((LETTERS[single + at // count], place))
    return found


def places(screen: Shown) -> list[Place]:
    """The tabs of a screen, then its panes from the top, then the rows of its lists."""
    chain = sorted(screen.focus_chain, key=lambda one: (one.region.y, one.region.x))
    found = [Place(x, y, go) for x, y, go in screen.tab_places()]
    found += [_pane(one) for one in chain if not (isinstance(one, RowList) and one.rows)]
    for one in chain:
        if isinstance(one, RowList):
            found += _rows(one)
        elif isinstance(one, DagPane):
            found += _nodes(one)
    return found


def _pane(widget: Widget) -> Place:
    return Place(widget.content_region.x, widget.content_region.y, widget.focus)


def _rows(rows: RowList) -> Iterator[Place]:
    region = rows.content_region
    for at, row in enumerate(rows.rows[rows.top : rows.top + rows.room]):

        def go(key: str = row.key) -> None:
            rows.focus()
            rows.select(key)

        yield Place(region.x, region.y + rows.heading + at, go)


def _nodes(pane: DagPane) -> Iterator[Place]:
    region = pane.content_region
    for name, x, y in pane.nodes_in_sight():

        def go(name: str = name) -> None:
            pane.focus()
            pane.selected = name

        yield Place(region.x + x, region.y + y, go)


class JumpScreen(Dialog, inherit_bindings=False):
    """The letters, until a key is pressed."""

    BINDINGS: ClassVar[list[BindingType]] = []
    DEFAULT_CSS = """
    JumpScreen > Static {
        position: absolute; width: 1; height: 1;
        color: $accent; background: $background; text-style: bold reverse;
    }
    JumpScreen > Bar { dock: bottom; background: $background; }
    """

    def __init__(self, places: Sequence[Place]) -> None:
        super().__init__()
        self.hints = hinted(places)

    def compose(self) -> ComposeResult:
        """A letter in each cell."""
        yield from self._letters()
        yield Bar(id="footer")

    def _letters(self) -> Iterator[Static]:
        for letter, place in self.hints:
            hint = Static(letter, markup=False)
            hint.styles.offset = (place.x, place.y)
            yield hint

    def refresh_footer(self) -> None:
        """What the keys do."""
        told = "a letter goes there, esc leaves" if self.hints else "nothing to go to: esc leaves"
        self.query_one("#footer", Bar).show(words(f" {told}", Tone.WAIT))

    def keys_shown(self) -> list[tuple[Action, str, Performer]]:
        """None: each letter stands where it leads."""
        return []

    async def on_key(self, event: events.Key) -> None:
        """Go there, or choose among several; any other key only leaves."""
        event.stop()
        event.prevent_default()
        meant = [place for letter, place in self.hints if letter == event.character]
        if len(meant) > 1:
            self.hints = hinted(meant)
            await self.query(Static).remove()
            await self.mount_all(self._letters())
        else:
            self.dismiss(meant[0].go if meant else None)

    def on_click(self, event: events.Click) -> None:
        """A click only leaves."""
        event.stop()
        self.dismiss(None)


def ask_place(screen: Shown) -> None:
    """Show the letters over a screen, then go where a person wants to."""

    def go(chosen: Callable[[], object] | None) -> None:
        if chosen is not None:
            chosen()

    size = screen.app.size
    screen.app.push_screen(JumpScreen(seen(places(screen), size.width, size.height - 1)), go)
