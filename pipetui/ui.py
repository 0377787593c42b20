"""The app: holds the feed, hands on what changed, and keeps the screens in order."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import App, SuspendNotSupported
from textual.binding import BindingType
from textual.css.query import NoMatches

from pipetui import editor
from pipetui.bookmarks import Bookmarks
from pipetui.config import Settings, given_environment, speaks_unicode
from pipetui.feed import Feed, PipetuiError, Update
from pipetui.screens.execution import ExecutionScreen
from pipetui.screens.executions import ExecutionsScreen
from pipetui.screens.face import Shown
from pipetui.session import Session, Sight
from pipetui.term.clipboard import LIMIT, osc52
from pipetui.term.notify import command, notification
from pipetui.term.pace import PacedApp
from pipetui.term.sanitize import plain
from pipetui.term.typeahead import OPENING, TypeAheadApp
from pipetui.themes.colourless import Colourless
from pipetui.themes.kept import keep
from pipetui.themes.palettes import INKS, THEMES, fitting, following
from pipetui.viewmodel.spoken import news
from pipetui.viewmodel.state import Display
from pipetui.widgets.ink import Inks

if TYPE_CHECKING:
    from textual.timer import Timer

    from engine.api import ExecutionView, Shell


PULSE = 0.2
_MESSAGE_SECONDS = 6.0


async def _run_aside(words: list[str]) -> None:
    """Run a person's own command; what it prints is nobody's."""
    nowhere = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(
        *words, stdin=nowhere, stdout=nowhere, stderr=nowhere
    )
    await child.wait()


class PipetuiApp(TypeAheadApp, PacedApp, App[None], inherit_bindings=False):
    """Executions, watched and acted on.

    Args:
        feed: an open feed; whoever opened it closes it.
        execution: the id of the execution to open at once.
        file: the definition file whose form to open at once.
        watch: keep the selection on the step that runs.
        now: gives the present, in seconds since the epoch.
        session: what was in sight is kept in it, and restored from it unless an execution is named.
        bookmarks: where those in logs are kept; None keeps them for this session.
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
        file: str = "",
        watch: bool = False,
        now: Callable[[], float] = time.time,
        bookmarks: Bookmarks | None = None,
        session: Session | None = None,
    ) -> None:
        super().__init__()
        for theme in THEMES.values():
            self.register_theme(theme)
        self.no_color = self.no_color or os.environ.get("TERM") == "dumb"
        if self.no_color:
            self._filters = [Colourless()]
        chosen = settings.theme if settings else ""
        self.theme = fitting(chosen, self.console.color_system)
        self._inks = (self.theme, self._mixed())
        self.feed = feed
        self.settings = settings or Settings()
        self.now = now
        self.bookmarks = bookmarks or Bookmarks()
        self.message = ""
        unicode = not self.settings.ascii
        if self.settings.ascii is None:
            unicode = speaks_unicode(given_environment())
        self.look = Display(unicode=unicode, times=self.settings.times)
        self.session = session or Session()
        restored = self.settings.restore and not (execution or file)
        self._restored = self.session.read() if restored else Sight()
        self.root = ExecutionsScreen(self._restored)
        self.first: Shown = self.root
        self._execution, self._file = execution, file
        self._watch = watch
        self._silence: Timer | None = None
        self._pulses = 0
        self._badge = ""
        self._told = False
        self.paused = False
        """Whether the picture stays as it is; keys still work."""
        self._missed = Update()

    @property
    def ready(self) -> bool:
        """See ``TypeAheadApp``: whether the lists were read once, or cannot be."""
        return self._told

    @property
    def inks(self) -> Inks:
        """The theme's colours as styles."""
        if self._inks[0] != self.theme:
            self._inks = (self.theme, self._mixed())
        return self._inks[1]

    def _mixed(self) -> Inks:
        few = self.no_color or self.current_theme.ansi
        return Inks(self.get_css_variables(), reverse=few)

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
            elif self._file:
                from pipetui.screens.rerun import LaunchScreen

                await self.push_screen(LaunchScreen(self._file))
            elif self._restored.execution:
                await self._reopen(self._restored)
        self.run_worker(self._pump(), name="pump", group="pump")
        self.set_interval(PULSE, self._pulse)
        for problem in self.settings.problems:
            self.say(problem)

    async def _reopen(self, sight: Sight) -> None:
        """The execution that was open, if there still is one."""
        with suppress(PipetuiError, OSError):
            one = await self.feed.execution(sight.execution)
            await self.push_screen(ExecutionScreen(one.id, step=sight.step, tab=sight.tab))

    @property
    def sight(self) -> Sight:
        """What is in sight, to come back to."""
        opened = [one for one in self.screen_stack if isinstance(one, ExecutionScreen)]
        try:
            found = self.root.sight
            for last in opened[-1:]:
                step = last.steps.key
                found = replace(found, execution=last.execution_id, tab=last.tab, step=step)
        except NoMatches:
            # A screen comes or goes.
            return self.session.kept
        return found

    def exit(self, *given: Any, **named: Any) -> None:
        """Leave the program; what is in sight now is kept."""
        if self.root.is_mounted:
            self.session.note(self.sight)
        super().exit(*given, **named)

    async def _pump(self) -> None:
        before = self.feed.executions
        async with aclosing(self.feed.updates()) as updates:
            async for update in updates:
                if update.notice:
                    self.say(update.notice)
                if update.executions is not None:
                    self._notify(before, update.executions)
                    before = update.executions
                if self.paused:
                    self._missed = self._missed.then(update)
                else:
                    self._hand_on(update)
                self._told = True

    def _notify(self, before: Sequence[ExecutionView], after: Sequence[ExecutionView]) -> None:
        """Tell a person who looks elsewhere what ended, or waits for them."""
        how = self.settings.notify
        for sentence in news(before, after, self.now()):
            if self._driver is not None:
                self._driver.write(notification(how, sentence, tmux="TMUX" in os.environ))
            if told := command(how, sentence):
                self.attempt(_run_aside(told))

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
        if self._pulses % round(1 / PULSE) == 0 and self.root.is_mounted:
            sight = self.sight
            if sight != self.session.kept:
                self.run_worker(self.session.keep(sight), group="session")
        if self.paused:
            return
        with self.batch_update():
            for screen in self._in_sight():
                screen.pulse()
                if self._pulses % round(1 / PULSE) == 0:
                    screen.tick()
            if self.link_badge != self._badge:
                self._badge = self.link_badge
                self._refresh_footers()

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
        self.run_worker(work(), group=OPENING, exclusive=True)

    def compare_with_last(self, execution: ExecutionView) -> None:
        """Show what differs from the execution before of the same pipeline, the last green one."""
        earlier = self.feed.earlier_of(execution)
        green = [one for one in earlier if one.status == "Succeeded"]
        found = next(iter(green or earlier), None)
        if found is None:
            self.say(f"there is no earlier execution of {execution.pipeline}; mark two with space")
        else:
            from pipetui.screens.compare import CompareScreen

            self.push_screen(CompareScreen(found.id, execution.id))

    def next_theme(self) -> None:
        """The next theme, from now on."""
        self.theme = following(self.theme)
        if self.settings.kept_theme:
            keep(self.settings.kept_theme, self.theme)
        self.say(f"theme: {self.theme}")

    def next_times(self) -> None:
        """Show times the next way."""
        look = self.look
        self.look = Display(look.unicode, look.times.next, look.zone)
        self.say(f"times: {self.look.times}")

    def copy(self, text: str, *, secret: bool = False) -> None:
        """Copy through the terminal, and say what happened.

        Args:
            secret: the text holds secrets, which is said in place of how it begins.
        """
        if not text.strip():
            self.say("nothing is here to be copied")
            return
        sequence = osc52(text, tmux="TMUX" in os.environ)
        if sequence is None:
            size = len(text.encode("utf-8", "replace"))
            self.say(f"{size:,} bytes are too long to copy through the terminal: {LIMIT:,} fit")
            return
        if self._driver is not None:
            self._driver.write(sequence)
        first, *more = text.split("\n")
        count = f"{len(more) + 1:,} lines: " if more else ""
        if secret:
            self.say("copied; it holds secrets, in clear")
            return
        self.say(f"copied {count}{first[:60]}" + (" …" if len(text) > len(first[:60]) else ""))

    def edit_at(self, file: str, line: int, done: str = "") -> None:
        """Open a file at a line in the person's editor, then say what was opened."""
        self.lend(lambda: editor.open_at(file, line), done)

    def page(self, file: str) -> None:
        """Show a file in the person's pager."""
        self.lend(lambda: editor.page(file))

    def run_shell(self, shell: Shell) -> None:
        """Give the terminal to a shell until it ends, and remove what it leaves."""

        def run() -> str:
            print("\n".join(plain(line) for line in shell.banner), flush=True)
            code = shell.run()
            return f"the shell ended with {code}" if code else ""

        with shell:
            self.lend(run, "back from the shell; what was changed in it is gone")

    def lend(self, use: Callable[[], str], done: str = "") -> None:
        """Give the terminal away; ``use`` returns what went wrong, or nothing."""
        try:
            with self.suspend():
                trouble = use()
        except SuspendNotSupported:
            trouble = "this terminal cannot be given to another program"
        self.repaint()
        if told := trouble or done:
            self.say(told)

    def edit_text(self, text: str) -> str:
        """A text after the person edited it; the same where the editor could not be run."""
        with self.suspend():
            edited, trouble = editor.edit(text, suffix=".json")
        self.repaint()
        if trouble:
            self.say(trouble)
        return edited
