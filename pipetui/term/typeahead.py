"""Keys that arrive together act as if each had been typed after the one before was answered.

Textual hands all keys of one read to what has the focus when they are read. Where the first of them
opens an input, the others are meant for that: they wait until it has the focus.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from textual import events

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

    _App = App[None]
else:
    # Textual looks for inherited styles along the first base that is a node.
    _App = object

OPENING = "screens"
"""The group of the workers that open a screen: the keys behind are meant for it."""
_LIMIT_S = 1.0
"""Seconds that keys wait for what does not come to rest; then all are handed on as they are."""
_LOOK_S = 0.01
_AT_ONCE = "ctrl+c"
"""The key that leaves the program, whatever is waited for."""


class Passed(events.Event, bubble=True):
    """Sent the way of a key: where it arrives, all sent that way before it has been handled."""


class TypeAheadApp(_App):
    """A mixin, named first: hands on a key when what the key before it did is done."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._typed: deque[events.Key | events.Paste] = deque()
        self._sent: Passed | None = None
        self._receiver: DOMNode | None = None
        self._limit: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> bool:
        """Whether there is anything yet that keys can be meant for."""
        return True

    @property
    def _opening(self) -> bool:
        """Whether what keys are meant for is on its way."""
        return not self.ready or any(
            one.group == OPENING and not one.is_finished for one in self.workers
        )

    async def on_event(self, event: events.Event) -> None:
        """Keep what is typed while the key before is under way."""
        if isinstance(event, events.Key) and event.key == _AT_ONCE:
            await super().on_event(event)
        elif isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._typed.append(event)
            if self._limit is None:
                await self._hand_on_typed()
        else:
            await super().on_event(event)

    async def _hand_on_typed(self) -> None:
        """The next key, and behind it what tells that it has been handled."""
        if not self._typed:
            return
        self._limit = asyncio.get_running_loop().call_later(_LIMIT_S, self._give_up)
        if self._opening:
            await self._rest_or_follow()
            return
        # What the key reaches has not answered to it yet.
        self._receiver = None
        key = self._typed.popleft()
        behind = self.focused or self.screen
        await super().on_event(key)
        self._send(behind)

    def _send(self, node: DOMNode) -> None:
        self._sent = Passed()
        if not node.post_message(self._sent):
            self._sent = None
            self.call_later(self._rest_or_follow)

    def on_passed(self, event: Passed) -> None:
        """What has the focus from now on was asked for before this."""
        if event is self._sent:
            self._sent = None
            self.call_later(self._rest_or_follow)

    async def _rest_or_follow(self) -> None:
        """Go on with the next key where nothing has moved since the last look, else look again."""
        if self._limit is None or not self._screen_stack:
            return
        receiver = self.focused or self.screen
        if self._opening:
            self._receiver = None
            self.set_timer(_LOOK_S, self._rest_or_follow)
        elif receiver is self._receiver:
            self._limit.cancel()
            self._limit = None
            await self._hand_on_typed()
        else:
            self._receiver = receiver
            self._send(receiver)

    def _give_up(self) -> None:
        if self.ready:
            self.call_later(self._hand_on_all)
        else:
            self._limit = asyncio.get_running_loop().call_later(_LIMIT_S, self._give_up)

    async def _hand_on_all(self) -> None:
        self._sent = self._limit = None
        while self._typed:
            await super().on_event(self._typed.popleft())
