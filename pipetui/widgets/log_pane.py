"""The log of one step's attempt, or those of several steps merged by time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import BindingType
from textual.message import Message

from pipetui.actions import Action, Scope
from pipetui.keys import Performer, bindings
from pipetui.logview.moments import line_at, time_near
from pipetui.logview.widget import LogView
from pipetui.term.sanitize import plain
from pipetui.viewmodel.secrets import LOG_MASK
from pipetui.viewmodel.steps import without_job

if TYPE_CHECKING:
    from engine.api import FoldedLog, LogSource, StepView
    from pipetui.feed import Feed
    from pipetui.ui import PipetuiApp

_FOLDS = ("", "rare first", "in order")
_ENDED = frozenset({"Succeeded", "Failed", "Stopped", "Skipped", "Blocked"})
"""Statuses of steps whose logs grow no more."""


class LogPane(Performer, LogView, can_focus=True, inherit_bindings=False):
    """A log view that knows whose log it shows."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.LOG)

    class Narrow(Message):
        """A person wants to see only some of the lines."""

    def __init__(self, feed: Feed, *, unicode: bool, id: str | None = None) -> None:
        super().__init__(unicode=unicode, id=id)
        self._feed = feed
        self._steps: tuple[StepView, ...] = ()
        self._wanted: tuple[tuple[str, str, int, int], ...] = ()
        self._clear = False
        self._log: LogSource | None = None
        self._folded: FoldedLog | None = None
        self._has_secrets = False
        self.fold = ""
        """How the log is folded; empty where it is not."""
        self.attempt = 0
        """The attempt that was asked for; 0 is the current one."""

    @property
    def _step(self) -> StepView | None:
        """The step whose log it is, where it is that of one."""
        return self._steps[0] if len(self._steps) == 1 else None

    @property
    def title(self) -> str:
        """Whose log it is."""
        step = self._step
        if step is None:
            name = " + ".join(one.name for one in self._steps)
        else:
            attempt = f" · attempt {self.attempt or step.attempt}" if step.attempts else ""
            name = step.name + attempt
        return f"{name} · folded, {self.fold}" if self.fold else name

    @property
    def status(self) -> str:
        """See ``LogView``; and how many secrets are masked in what is on the screen.

        A log that no job writes any more has ended: there is nothing to follow.
        """
        told = super().status
        if told and self._ended:
            # As wide as what it takes the place of: what stands before it stays where it is.
            told = " | ".join(("ended ", *told.split(" | ")[1:]))
        count = self.screen_text.count(LOG_MASK) if self._has_secrets else 0
        return f"{told} | {count} masked" if count else told

    @property
    def _ended(self) -> bool:
        """Whether no job writes the log any more."""
        earlier = self._step is not None and 0 < self.attempt < self._step.attempt
        return earlier or all(step.status in _ENDED for step in self._steps)

    @property
    def why_empty(self) -> str:
        """See ``LogView``."""
        step = self._step
        told = without_job(step) if step is not None else ""
        return plain(told) or super().why_empty

    def show_steps(self, steps: Sequence[StepView], *, clear: bool | None = None) -> None:
        """Other steps' logs, or those of new attempts; one that failed opens at its first error.

        Args:
            clear: show secrets, or mask them; None leaves that as it is.
        """
        names = [step.name for step in steps]
        if names != [step.name for step in self._steps]:
            self.attempt, self.fold = 0, ""
        empty, self._steps = self.why_empty, tuple(steps)
        if self.why_empty != empty:
            self.refresh()
        wanted = tuple((one.execution_id, one.name, one.attempt, self.attempt) for one in steps)
        turned = clear is not None and clear != self._clear
        self._clear = self._clear if clear is None else clear
        if wanted == self._wanted and not turned:
            return
        another, line, follows = wanted != self._wanted, self.line_in_hand, self.view.follow
        self._wanted = wanted
        self._log = self._feed.logs(steps, self.attempt, clear=self._clear) if steps else None
        self._has_secrets = not self._clear and any(self._feed.secrets(step) for step in steps)
        self._show_log()
        if another and not self.fold and any(step.status == "Failed" for step in steps):
            self.open_at_first_error()
        elif not another and not follows and line is not None:
            self.go_to(line)

    def _show_log(self) -> None:
        """The log as it is, or folded."""
        self._folded = None
        if self._log is not None and self.fold:
            rare_first = self.fold == _FOLDS[1]
            self._folded = self._feed.folded(self._log, rare_first=rare_first)
            self.show_source(self._folded, walks=True)
            return
        started = [step.started_at for step in self._steps if step.started_at]
        self.show_source(
            self._log,
            start=min(started, default=None),
            bookmarks=self._ui.bookmarks.of(self._kept_as) if self._kept_as else (),
        )

    @property
    def _ui(self) -> PipetuiApp:
        return cast("PipetuiApp", self.app)

    @property
    def _kept_as(self) -> str:
        """Under which its bookmarks are kept; those of merged logs are not."""
        step = self._step
        if step is None:
            return ""
        return f"{step.execution_id}/{step.name}/{self.attempt or step.attempt}"

    def applies(self, action: Action) -> bool:
        """Attempts can be walked where there are some; hits where something is looked for."""
        match action.handler:
            case "attempt":
                return self._step is not None and len(self._step.attempts) > 1
            case "next_hit":
                return bool(self.view.search)
            case "next_bookmark":
                return bool(self.bookmarks)
            case "bookmark" | "jump_time":
                return not self.fold
            case "fold" | "open" | "export":
                return self._log is not None
        return True

    def action_attempt(self) -> None:
        """The attempt before, around to the last."""
        if self._step is None:
            return
        numbers = [attempt.number for attempt in self._step.attempts]
        at = numbers.index(self.attempt or self._step.attempt)
        self.attempt = numbers[at - 1]
        self.show_steps(self._steps)

    def action_narrow(self) -> None:
        """Ask for the text that the shown lines hold."""
        self.post_message(self.Narrow())

    def action_fold(self) -> None:
        """Fold the next way."""
        self.fold = _FOLDS[(_FOLDS.index(self.fold) + 1) % len(_FOLDS)]
        self._show_log()
        self.post_message(self.StatusChanged(self, self.status))

    def action_open(self) -> None:
        """The line in hand: all of it, or for a folded one the first that it stands for."""
        line = self.line_in_hand
        if line is None or self._log is None:
            return
        if self._folded is not None:
            target = self._folded.line_of(line)
            self.fold = ""
            self._show_log()
            self.go_to(target)
            return
        from pipetui.screens.log_line import LogLineScreen

        if block := self.block(line):
            self.app.push_screen(LogLineScreen(self.title, block, line, self._log.origins))

    async def action_jump_time(self, seconds: int) -> None:
        """So many seconds on, or back, from the line in hand."""
        line, log, step = self.line_in_hand, self._log, self._step
        if line is None or log is None:
            return
        at = time_near(log, line)
        if at is not None:
            self.go_to(line_at(log, at + seconds, 1 if seconds > 0 else -1))
            return
        offset = log.offset(line)
        if step is not None and not self.attempt and offset is not None:
            written = (await self._feed.usage(step)).written_at(offset)
            if written is not None:
                found = await self._feed.line_at(step, written + seconds) or 0
                self.go_to(max(line, found) if seconds > 0 else min(line, found))
                return
        self._ui.say("nobody knows when the lines here were written")

    def action_bookmark(self) -> None:
        """Sets a bookmark, and keeps it for the next session."""
        super().action_bookmark()
        if self._kept_as:
            try:
                self._ui.bookmarks.keep(self._kept_as, self.bookmarks)
            except OSError as problem:
                self._ui.say(f"the bookmark is not kept: {problem.strerror}")

    def action_export(self) -> None:
        """Ask where to write the log, then write it."""
        from pipetui.screens.export_log import ask_export

        step, steps, attempt, clear = self._step, self._steps, self.attempt, self._clear
        name = "+".join(one.name for one in steps)
        number = f".{attempt or step.attempt}" if step else ""
        ask_export(
            self._ui,
            f"{steps[0].execution_id}-{name}{number}.log",
            lambda: self._feed.logs(steps, attempt, clear=clear),
            self.question if self._folded is None else None,
            mask=LOG_MASK if self._has_secrets else "",
        )
