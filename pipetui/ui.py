"""The app: holds the feed, hands on what changed, and keeps the screens in order."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.binding import BindingType

from pipetui import editor
from pipetui.config import Settings, speaks_unicode
from pipetui.feed import Feed, PipetuiError, Update
from pipetui.screens.execution import ExecutionScreen
from pipetui.screens.executions import ExecutionsScreen
from pipetui.screens.face import Shown
from pipetui.term.clipboard import osc52
from pipetui.term.sanitize import plain
from pipetui.themes import CALM, INKS
from pipetui.viewmodel.state import Display
from pipetui.widgets.ink import Inks

if TYPE_CHECKING:
    from textual.timer import Timer

PULSE = 0.2
_MESSAGE_SECONDS = 6.0


class PipetuiApp(App[None], inherit_bindings=False):
    """Executions, watched and acted on.

    Args:
        feed: an open feed; whoever opened it closes it.
        execution: the id of the execution to open at once.
        watch: keep the selection on the step that runs.
        now: gives the present, in seconds since the epoch.
    """

    CSS_PATH = "pipetui.tcss"
    BINDINGS: ClassVar[list[BindingType]] = []
    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    TITLE = "pipetui"

    def __init__(
        self,
        feed: Feed,
        *,
        settings: Settings | None = None,
        execution: str = "",
        watch: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.register_theme(CALM)
        self.theme = CALM.name
        self._inks = (self.theme, Inks(self.get_css_variables()))
        self.feed = feed
        self.settings = settings or Settings()
        self.now = now
        self.message = ""
        unicode = not self.settings.ascii
        if self.settings.ascii is None:
            unicode = speaks_unicode(os.environ)
        self.look = Display(unicode=unicode, times=self.settings.times)
        self.root: Shown = ExecutionsScreen()
        self.first: Shown = self.root
        self._execution = execution
        self._watch = watch
        self._silence: Timer | None = None
        self._pulses = 0
        self.paused = False
        """Whether the picture stays as it is; keys still work."""
        self._missed = Update()

    @property
    def inks(self) -> Inks:
        """The theme's colours as styles."""
        if self._inks[0] != self.theme:
            self._inks = (self.theme, Inks(self.get_css_variables()))
        return self._inks[1]

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The inks of a theme that brings none of its own."""
        return INKS

    async def on_mount(self) -> None:
        """The first screen, then the pump."""
        self.set_keymap(dict(self.settings.keys))
        with self.batch_update():
            await self.push_screen(self.root)
            if self._execution:
                self.first = ExecutionScreen(self._execution, follow=self._watch)
                await self.push_screen(self.first)
        self.run_worker(self._pump(), name="pump")
        self.set_interval(PULSE, self._pulse)
        for problem in self.settings.problems:
            self.say(problem)

    async def _pump(self) -> None:
        async with aclosing(self.feed.updates()) as updates:
            async for update in updates:
                if update.notice:
                    self.say(update.notice)
                if self.paused:
                    self._missed = self._missed.then(update)
                else:
                    self._hand_on(update)

    def _hand_on(self, update: Update) -> None:
        with self.batch_update():
            for screen in self._in_sight():
                screen.renew(update)
                screen.refresh_footer()

    def pause(self) -> None:
        """Keep the picture as it is; or show all that happened meanwhile, and go on."""
        self.paused = not self.paused
        missed, self._missed = self._missed, Update()
        if not self.paused and missed:
            self._hand_on(missed)
        for screen in self._in_sight():
            screen.renew(Update(trouble=self.feed.trouble))
        self.say("paused: p goes on" if self.paused else "going on")

    def _in_sight(self) -> list[Shown]:
        """The top screen, and those that a dialog leaves in sight."""
        found: list[Shown] = []
        if not self.is_running:
            return found
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Shown) and screen.is_mounted:
                found.append(screen)
            if not screen.is_modal:
                break
        return found

    def _pulse(self) -> None:
        self._pulses += 1
        if self.paused:
            return
        with self.batch_update():
            for screen in self._in_sight():
                screen.pulse()
                if self._pulses % round(1 / PULSE) == 0:
                    screen.tick()

    def say(self, text: object) -> None:
        """A sentence in the footer, until the next key or for some seconds."""
        hint = getattr(text, "hint", "")
        self.message = plain(f"{text} {hint}".strip())
        if self._silence is not None:
            self._silence.stop()
        self._silence = self.set_timer(_MESSAGE_SECONDS, self.hush)
        self._refresh_footers()

    def hush(self) -> None:
        """Take the sentence in the footer away."""
        if self.message:
            self.message = ""
            self._refresh_footers()

    def _refresh_footers(self) -> None:
        for screen in self._in_sight():
            screen.refresh_footer()

    def on_key(self) -> None:
        """A key was read, so the person goes on."""
        self.hush()

    def attempt(self, deed: Awaitable[object], done: str = "") -> None:
        """Do something in the background, then say that it is done, or why it is not."""

        async def work() -> None:
            try:
                await deed
            except (PipetuiError, OSError) as problem:
                self.say(problem)
            else:
                if done:
                    self.say(done)

        self.run_worker(work(), group="deeds")

    def open_execution(self, execution_id: str, *, step: str = "", tab: str = "") -> None:
        """Show one execution over the list of all."""

        async def work() -> None:
            while self.screen is not self.root:
                await self.pop_screen()
            await self.push_screen(ExecutionScreen(execution_id, step=step, tab=tab))

        self.first = self.root
        self.run_worker(work(), group="screens", exclusive=True)

    def next_times(self) -> None:
        """Show times the next way."""
        look = self.look
        self.look = Display(look.unicode, look.times.next, look.zone)
        self.say(f"times: {self.look.times}")

    def copy(self, text: str) -> None:
        """Copy through the terminal, and say what happened."""
        sequence = osc52(text, tmux="TMUX" in os.environ)
        if sequence is None:
            self.say("that is too long to copy through the terminal")
            return
        if self._driver is not None:
            self._driver.write(sequence)
        first = text.split("\n", 1)[0]
        self.say(f"copied {first[:60]}" + (" …" if len(text) > len(first[:60]) else ""))

    def edit_at(self, file: str, line: int) -> None:
        """Open a file at a line in the person's editor."""
        with self.suspend():
            trouble = editor.open_at(file, line)
        self.repaint()
        if trouble:
            self.say(trouble)

    def edit_text(self, text: str) -> str:
        """A text after the person edited it; the same where the editor could not be run."""
        with self.suspend():
            edited, trouble = editor.edit(text, suffix=".json")
        self.repaint()
        if trouble:
            self.say(trouble)
        return edited

    def repaint(self) -> None:
        """Paint the whole terminal again."""
        self.refresh(repaint=True, layout=True)
