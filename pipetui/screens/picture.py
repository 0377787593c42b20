"""One image over the whole terminal, in pixels where the terminal can show them.

Cells know nothing of pixels that a terminal keeps beside them, so nothing is painted over a
picture: any key leaves, and all cells are painted anew then.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual._keyboard_protocol import MODIFIER_FUNCTIONAL_KEYS
from textual.app import ComposeResult
from textual.binding import BindingType

from pipetui.actions import Action, Scope
from pipetui.feed import PipetuiError
from pipetui.keys import bindings
from pipetui.screens.face import Shown
from pipetui.term.drawing import Drawing, Place, draw
from pipetui.term.graphics import AUTO, Ability, Means, Size, in_multiplexer, means
from pipetui.viewmodel.lines import Tone, words
from pipetui.viewmodel.sizes import size
from pipetui.widgets.bar import Bar
from pipetui.widgets.picture_view import PictureView

if TYPE_CHECKING:
    from engine.api import Picture
    from pipetui.viewmodel.artifacts import Item

_SECONDS = 2.0
"""How long a picture may take the link."""
_MOST = 2_000_000
"""Bytes of a picture, however fast the link is."""
_CELL = (8, 16)
"""Pixels of a cell where nobody tells."""
_AROUND = 2
"""Rows of the title and of the footer, which no picture covers."""
_HANDLERS = frozenset({"back", "leave", "exit_now", "repaint"})


class PictureScreen(Shown, inherit_bindings=False):
    """Shows an image as large as the terminal allows, by kitty's protocol, sixel or half blocks."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.GLOBAL)

    def __init__(self, item: Item) -> None:
        super().__init__()
        self._item = item
        self._drawing: Drawing | None = None
        self._whole = False

    def compose(self) -> ComposeResult:
        """Title, picture, footer."""
        yield Bar(id="header")
        yield PictureView(id="picture")
        yield Bar(id="footer")

    def on_mount(self) -> None:
        """The image is read beside the screen's loop."""
        self._tell("reading")
        self._begin()

    def on_resize(self, event: events.Resize) -> None:
        """Another size: another picture."""
        if (terminal := self.ui.terminal) is not None:
            terminal.sized_anew()
        self._begin()

    def on_unmount(self) -> None:
        """However it is left, the terminal shows cells alone."""
        self._take_away()

    def on_key(self, event: events.Key) -> None:
        """Any key leaves that has no use here."""
        if event.key not in self.active_bindings and event.key not in MODIFIER_FUNCTIONAL_KEYS:
            event.stop()
            self.action_back()

    def on_click(self) -> None:
        """So does a click."""
        self.action_back()

    def applies(self, action: Action) -> bool:
        """Nothing may come over a picture."""
        return action.handler in _HANDLERS

    def action_back(self) -> None:
        """See the action table."""
        self._take_away()
        self.dismiss(None)

    def action_leave(self) -> None:
        """See the action table."""
        self.action_back()

    def action_repaint(self) -> None:
        """See the action table."""
        super().action_repaint()
        self._begin()

    @property
    def told(self) -> str:
        """What the keys do."""
        return "any key leaves"

    async def read(self, room: Size) -> tuple[Picture | None, str]:
        """The picture made for so many pixels, and its name; where there is none, why.

        Errors: those of ``Source``.
        """
        preview = await self.feed.preview(self._item.uri, self._item.member, room)
        told = preview.title if preview.picture else f"{preview.title}  {preview.note}"
        return preview.picture, told

    def refresh_footer(self) -> None:
        """The one thing that can be done."""
        told, tone = self.ui.message or self.told, Tone.DIM
        badge = f" {self.ui.link_badge} " if self.ui.link_badge else ""
        bar = self.query_one("#footer", Bar)
        bar.show(words(f" {told}", tone), words(badge, Tone.WAIT))

    def _tell(self, told: str) -> None:
        self.query_one("#header", Bar).show(words(f" {told}", Tone.STRONG))

    def _begin(self) -> None:
        """Take away what is drawn, and draw."""
        self._take_away()
        self.instead(self._show, "picture")

    def _take_away(self) -> None:
        """Leave nothing but cells on the terminal, however much of a drawing is on it."""
        self.workers.cancel_group(self, "picture")
        drawing, self._drawing = self._drawing, None
        if drawing is not None and (terminal := self.ui.terminal) is not None:
            terminal.write(("" if self._whole else drawing.stop) + drawing.erase)
            self.ui.repaint()

    async def _show(self) -> None:
        try:
            by, place = await self._ways()
            room = place.room if place else self._area((1, 2))
            picture, name = await self.read(room)
        except PipetuiError as problem:
            self._tell(f"{problem} {problem.hint}")
            return
        shown = self.query_one(PictureView)
        if picture is None:
            self._tell(name)
        elif place is None:
            shown.show(picture)
            self._tell(f"{name}  by half blocks, {picture.width} x {picture.height}")
        else:
            drawing = await asyncio.to_thread(draw, picture, by, place)
            self._tell(
                f"{name}  by {by}, {drawing.size[0]} x {drawing.size[1]} in {size(drawing.bytes)}"
            )
            await self._write(drawing)

    async def _ways(self) -> tuple[Means, Place | None]:
        """What to draw by, and where; no place is where cells are all there is."""
        setting, terminal = self.ui.settings.images, self.ui.terminal
        multiplexer = in_multiplexer(os.environ)
        auto = setting == AUTO
        if terminal is None or (auto and (multiplexer or self.ui.no_color)):
            return Means.BLOCKS, None
        # What stands between answers for itself, and takes kitty's question for a title.
        ability = Ability() if multiplexer else await terminal.ability()
        by = means(setting, ability)
        cell = ability.cell_in(*self.app.size, terminal.pixels) or (None if auto else _CELL)
        if by is Means.BLOCKS or cell is None:
            return Means.BLOCKS, None
        budget = min(_MOST, terminal.link.bytes_in(_SECONDS))
        room = ability.room(by, self._area(cell))
        return by, Place(1, cell, room, budget, ability.colours, wrapped="TMUX" in os.environ)

    def _area(self, cell: Size) -> Size:
        """Pixels between title and footer."""
        columns, rows = self.app.size
        return columns * cell[0], max(1, rows - _AROUND) * cell[1]

    async def _write(self, drawing: Drawing) -> None:
        """Behind the cells that are under it."""
        painted = asyncio.Event()
        self.call_after_refresh(painted.set)
        await painted.wait()
        self._drawing, self._whole = drawing, False
        await self.ui.write_parts(drawing.parts)
        self._whole = True
