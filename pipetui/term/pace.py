"""Painting at the terminal's pace: no frame before the one before has arrived, keys first.

A screen that may not paint keeps what is dirty; when there is room it paints what is true then, so
frames in between are never made, let alone queued.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from textual import constants, events
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region, Size
from textual.widgets import Input

from pipetui.term.canvas import Canvas
from pipetui.term.driver import PacedDriver
from pipetui.term.link import badge
from pipetui.term.spans import cut, region, spans_of

if TYPE_CHECKING:
    from textual.app import App
    from textual.driver import Driver
    from textual.screen import Screen

    _App = App[None]
    _Screen = Screen[Any]
else:
    # Textual looks for inherited styles along the first base that is a node.
    _App = object
    _Screen = object

_URGENT_S = 0.3
"""Seconds after a key in which what changes counts as its answer."""
_TEARS = 1024
"""Bytes from which a terminal is told where a frame begins and ends: less is one write."""
_LOOK_S = 0.005
"""Seconds between two looks for room while parts of a picture wait for it."""
_SYNC = ("\x1b[?2026h", "\x1b[?2026l")


def erases(environment: Mapping[str, str]) -> bool:
    """Whether a terminal erases in the background it writes on; GNU screen takes its own."""
    return environment.get("TERM", "").startswith(("xterm", "tmux")) or "TMUX" in environment


class PacedApp(_App):
    """A mixin, named first: the app paints when the terminal has room."""

    _canvas: Canvas
    _owed: set[Region]
    _painted_size: Size | None = None
    _urgent_until = 0.0
    _knock: Any = None

    def get_driver_class(self) -> type[Driver]:
        """The paced driver, unless another one is asked for, as for a browser."""
        return super().get_driver_class() if constants.DRIVER else PacedDriver

    def _build_driver(self, *given: Any, **named: Any) -> Driver:
        self._canvas, self._owed = Canvas(erases=erases(os.environ)), set()
        driver = super()._build_driver(*given, **named)
        if isinstance(driver, PacedDriver):
            driver.on_room = self._room
            driver.on_input = self._hurry
            driver.on_taken = self._canvas.forget
        return driver

    @property
    def _paced(self) -> PacedDriver | None:
        return self._driver if isinstance(self._driver, PacedDriver) else None

    @property
    def terminal(self) -> PacedDriver | None:
        """The way to the terminal; None where there is none, or not this one's."""
        return self._paced

    @property
    def link_badge(self) -> str:
        """What to say about a slow link; empty on a fast one."""
        return badge(self._paced.link) if self._paced else ""

    def room(self) -> int:
        """Bytes that may be painted now; 0 while the terminal is busy."""
        if (driver := self._paced) is None:
            return 1
        now = time.monotonic()
        return driver.link.room(now, urgent=now < self._urgent_until, owing=bool(self._owed))

    def take_owed(self, screen: _Screen) -> None:
        """Have the cells that had no room painted with what is dirty now."""
        size = screen._compositor.size.region
        screen._compositor._dirty_regions.update(
            one for one in (owed.intersection(size) for owed in self._owed) if one
        )
        self._owed.clear()

    def knock_later(self) -> None:
        """Try again when the link has rested."""
        if self._knock is None and (driver := self._paced) is not None:
            self._knock = driver._loop.call_later(driver.link.interval / 4, self._knocked)

    def _knocked(self) -> None:
        self._knock = None
        if self._running and self._paced is not None:
            self._paced.look()
            self._room()

    def _hurry(self) -> None:
        self._urgent_until = time.monotonic() + _URGENT_S
        if self._owed:
            self._room()

    def _room(self) -> None:
        """Something arrived: let the screen paint."""
        if not self._running or not self._screen_stack:
            return
        screen = self.screen
        if isinstance(screen, PacedScreen) and screen.held and screen.is_attached:
            if self.room():
                screen.paint_held()
            else:
                self.knock_later()

    def _display(self, screen: _Screen, renderable: Any) -> None:
        """Paint as much as there is room for."""
        driver = self._paced
        paintable = isinstance(renderable, ChopsUpdate | LayoutUpdate)
        if driver is None or not paintable:
            super()._display(screen, renderable)
            return
        room = self.room()
        if not room or self._batch_count:
            self._owed.update(region(span) for span in spans_of(renderable))
            self._hold(screen)
            return
        if not self._running or self._closed:
            return
        self._measure(screen._compositor.size)
        urgent = time.monotonic() < self._urgent_until
        text, left = cut(renderable, self.console, self._canvas, room, urgent=urgent)
        self._owed.update(region(span) for span in left)
        if text:
            if self._sync_available and len(text) > _TEARS:
                text = text.join(_SYNC)
            driver.write(driver.asked_behind(text, owing=bool(left)) + self._typing_place())
        self.post_display_hook()
        if left:
            self._hold(screen)

    def _typing_place(self) -> str:
        """The way to where a person types, for what helps them type; the cursor is hidden."""
        x, y = self.cursor_position
        return f"\x1b[{y + 1};{x + 1}H" if isinstance(self.focused, Input) else ""

    def _measure(self, size: Size) -> None:
        """Start anew in another size: the last row of a terminal that has become smaller got all
        that was painted below it while nobody knew."""
        before, self._painted_size = self._painted_size, size
        self._canvas.width = size.width
        if before not in (None, size):
            self.repaint()

    def on_resize(self, event: events.Resize) -> None:
        """What a terminal shows after it had another size is its own choice."""
        self.repaint()

    def repaint(self) -> None:
        """Paint the whole terminal again, whatever is on it."""
        self._canvas.forget()
        self._owed.add(self.size.region)
        if self._screen_stack:
            self._hold(self.screen)

    async def write_parts(self, parts: Iterable[str]) -> None:
        """Write what is no cells behind all that is painted, as much at a time as has room.

        Args:
            parts: each is written whole; all are of ASCII.
        """
        driver, waiting = self._paced, list(parts)
        while driver is not None and waiting:
            waits = bool(self._owed) or getattr(self.screen, "held", False)
            room = 0 if waits else driver.link.room(time.monotonic(), owing=True)
            if not room:
                await asyncio.sleep(_LOOK_S)
                continue
            text = waiting.pop(0)
            while waiting and len(text) + len(waiting[0]) <= room:
                text += waiting.pop(0)
            driver.write(driver.asked_behind(text, owing=False))

    def _hold(self, screen: _Screen) -> None:
        if isinstance(screen, PacedScreen):
            screen.held = True
        self.knock_later()


class PacedScreen(_Screen):
    """A mixin, named first: a screen that paints when the app lets it."""

    held = False

    def _on_timer_update(self) -> None:
        """The screen would paint."""
        app = cast(PacedApp, self.app)
        if not self.is_current or app._batch_count or app.room():
            self._paint(app)
            return
        self.held = True
        app.knock_later()
        self._update_timer.pause()
        if self._callbacks:
            self.call_next(self._invoke_and_clear_callbacks)

    def paint_held(self) -> None:
        """Paint what was held back."""
        self._paint(cast(PacedApp, self.app))

    def _paint(self, app: PacedApp) -> None:
        if self.is_current and not app._batch_count:
            self.held = False
            app.take_owed(self)
        super()._on_timer_update()
        if self.is_current and self._compositor._dirty_regions:
            self._compositor_refresh()
