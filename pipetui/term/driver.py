"""Textual's driver for a terminal at the end of a slow, lost or stalled line.

Textual's own waits for the terminal in the app's loop as soon as thirty writes are outstanding;
this one never waits. It puts a question about the cursor behind what is painted, keeps the answers
from the app, and tells the app when the terminal has room.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import selectors
import struct
import sys
import termios
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Event
from typing import Any

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from pipetui.term.graphics import QUESTION, Ability, Answers, Size
from pipetui.term.link import Link
from pipetui.term.pen import RESET
from pipetui.term.writer import Writer

OVER_SSH = 1 / 8
"""Seconds between two frames that nobody asked for, over SSH: each is paid for."""
HERE = 1 / 30
_MARKS = 60
_LAST_ANSWER_S = 0.5
_LOOK_S = 0.1
_ABILITY_S = 1.0
"""Seconds that the first question about pictures is waited for."""
_READ = 4096
_WANTED = (events.Key, events.Paste, events.MouseDown, events.MouseScrollDown, events.MouseScrollUp)


def frame_interval(environment: Mapping[str, str]) -> float:
    """Seconds between two frames that nobody asked for."""
    return OVER_SSH if environment.get("SSH_CONNECTION") else HERE


class PacedDriver(LinuxDriver):
    """Input and output of a terminal, with what is known of the way to it."""

    def __init__(self, app: Any, **given: Any) -> None:
        super().__init__(app, **given)
        self.link = Link(frame_interval(os.environ))
        self.on_room: Callable[[], None] = lambda: None
        """Called in the app's loop when there may be room for more."""
        self.on_input: Callable[[], None] = lambda: None
        """Called in the app's loop when a person did something, before the app is told what."""
        self.on_taken: Callable[[], None] = lambda: None
        """Called when the terminal is taken, at first and after another program had it."""
        self._writer: Writer | None = None
        self._mark = 0
        self._all_answered = Event()
        self._answers, self._known = Answers(), Ability()
        self._told: asyncio.Event | None = None
        self._told_until = 0.0

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._writer = Writer(sys.__stderr__.fileno() if sys.__stderr__ else 2, self._wrote)
        self.link.forget()
        self.on_taken()
        self._all_answered.set()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._ask(0)

    def write(self, data: str) -> None:
        """Have something written; never waits."""
        if self._writer is not None:
            self._writer.write(data.encode("utf-8", "replace"))
            self.link.unwritten = self._writer.unwritten

    def asked_behind(self, text: str, *, owing: bool) -> str:
        """A frame, or the part of it that has room, with the question to be written behind it."""
        size = len(text.encode("utf-8", "replace"))
        return text + self._question(size, owing=owing)

    @property
    def pixels(self) -> Size:
        """Width and height of the window in pixels; zeros where its kernel does not know."""
        try:
            told = fcntl.ioctl(self.fileno, termios.TIOCGWINSZ, bytes(8))
        except OSError:
            return 0, 0
        _, _, width, height = struct.unpack("4H", told)
        return width, height

    async def ability(self) -> Ability:
        """What the terminal can show of pictures; it is asked once for each size it has.

        One that does not answer in time can show none, until it has answered after all.
        """
        if self._told is None and self.link.asks:
            self._told, self._told_until = asyncio.Event(), time.monotonic() + _ABILITY_S
            self.write(QUESTION)
        if self._told is not None:
            with suppress(TimeoutError):
                left = self._told_until - time.monotonic()
                await asyncio.wait_for(self._told.wait(), max(0.0, left))
        return self._answers.ability if self._answers.complete else self._known

    def sized_anew(self) -> None:
        """What the terminal can show depends on the window: it is to be asked again."""
        if self._answers.complete:
            self._known, self._answers, self._told = self._answers.ability, Answers(), None

    def look(self) -> None:
        """Look for answers that do not come."""
        if self.link.check(time.monotonic()):
            size = self.link.under_way
            self.link.forget()
            self._ask(size)

    def disable_input(self) -> None:
        """Read no more; an answer that comes later would be typed into the shell."""
        if self.link.asks:
            self._all_answered.wait(_LAST_ANSWER_S)
        super().disable_input()

    def stop_application_mode(self) -> None:
        """Give the terminal to another program, in its own style."""
        self.write(RESET)
        super().stop_application_mode()

    def close(self) -> None:
        """Give the terminal back."""
        super().close()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _ask(self, size: int) -> None:
        self.write(self._question(size))

    def _question(self, size: int, *, owing: bool = False) -> str:
        """A question about the cursor behind so many bytes, as text; empty where none is asked."""
        question = ""
        if self.link.asks:
            # The answer brings the column back, which tells the questions apart.
            self._mark = (self._mark + 1) % min(_MARKS, max(1, self._app.size.width))
            self._all_answered.clear()
            question = f"\x1b[{self._mark + 1}G\x1b[6n"
        self.link.sent(time.monotonic(), size, self._mark, owing=owing)
        return question

    def _wrote(self, unwritten: int) -> None:
        self._in_loop(self._written, unwritten)

    def _written(self, unwritten: int) -> None:
        self.link.unwritten = unwritten
        self.on_room()

    def _answered(self, at: float, mark: int) -> None:
        self.link.answered(at, mark)
        self.on_room()

    def _in_loop(self, call: Callable[..., None], *given: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *given)

    def process_message(self, message: Message) -> None:
        """Something came from the terminal; called in the input thread."""
        if isinstance(message, events.CursorPosition):
            if message.x == self._mark:
                self._all_answered.set()
            self._in_loop(self._answered, time.monotonic(), message.x)
            return
        if isinstance(message, _WANTED):
            self._in_loop(self.on_input)
        super().process_message(message)

    def run_input_thread(self) -> None:
        """Hand on what comes from the terminal until it is given back; leave where it is gone."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(_LOOK_S):
                    try:
                        data = os.read(self.fileno, _READ)
                    except OSError:
                        data = b""
                    if not data:
                        self._in_loop(self._app.exit)
                        return
                    text = self._without_answers(decode(data))
                else:
                    text = self._answers.quiet()
                for event in parser.feed(text) if text else ():
                    self.process_message(event)
                for event in parser.tick():
                    self.process_message(event)

    def _without_answers(self, text: str) -> str:
        """What came, but for what answers the question about pictures."""
        if self._told is None:
            return text
        text = self._answers.take(text)
        if self._answers.complete:
            self._in_loop(self._told.set)
        return text
