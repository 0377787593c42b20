"""The log of one step's attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.message import Message

from pipetui.actions import Action, Scope
from pipetui.keys import Performer, bindings
from pipetui.logview.widget import LogView

if TYPE_CHECKING:
    from engine.api import StepView
    from pipetui.feed import Feed


class LogPane(Performer, LogView, can_focus=True, inherit_bindings=False):
    """A log view that knows whose log it shows."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.LOG)

    class Narrow(Message):
        """A person wants to see only some of the lines."""

    def __init__(self, feed: Feed, *, unicode: bool, id: str | None = None) -> None:
        super().__init__(unicode=unicode, id=id)
        self._feed = feed
        self._step: StepView | None = None
        self._shown: tuple[str, int, int] = ("", 0, 0)
        self.attempt = 0
        """The attempt that was asked for; 0 is the current one."""

    @property
    def title(self) -> str:
        """Whose log it is."""
        if self._step is None or not self._step.attempts:
            return self._step.name if self._step else ""
        attempt = self.attempt or self._step.attempt
        return f"{self._step.name} · attempt {attempt}"

    def show_step(self, step: StepView | None) -> None:
        """Another step's log, or that of a new attempt; a failed one opens at its first error."""
        before = self._step
        if step is None or before is None or step.name != before.name:
            self.attempt = 0
        self._step = step
        wanted = (step.name, step.attempt, self.attempt) if step else ("", 0, 0)
        if wanted != self._shown:
            self._shown = wanted
            self.show_source(self._feed.log(step, self.attempt) if step else None)
            if step is not None and step.status == "Failed":
                self.open_at_first_error()

    def applies(self, action: Action) -> bool:
        """Attempts can be walked where there are some; hits where something is looked for."""
        if action.handler == "attempt":
            return self._step is not None and len(self._step.attempts) > 1
        return action.handler != "next_hit" or bool(self.view.search)

    def action_attempt(self) -> None:
        """The attempt before, around to the last."""
        if self._step is None:
            return
        numbers = [attempt.number for attempt in self._step.attempts]
        at = numbers.index(self.attempt or self._step.attempt)
        self.attempt = numbers[at - 1]
        self.show_step(self._step)

    def action_narrow(self) -> None:
        """Ask for the text that the shown lines hold."""
        self.post_message(self.Narrow())
