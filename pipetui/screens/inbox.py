"""All that waits for a person, over all executions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from pipetui.actions import Action, Scope
from pipetui.feed import PipetuiError
from pipetui.keys import bindings
from pipetui.screens.compare import CompareScreen
from pipetui.screens.confirm import ask_answer, ask_decide
from pipetui.screens.face import Face
from pipetui.viewmodel import inbox as view
from pipetui.viewmodel.compare import execution_lines
from pipetui.viewmodel.lines import Span, Tone, folded
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList

if TYPE_CHECKING:
    from engine.api import ExecutionDifference, ModelPackageView, WaitingCallback
    from pipetui.feed import Update


class InboxScreen(Face, inherit_bindings=False):
    """Callbacks and model package versions that wait, with their evidence."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.INBOX, Scope.GLOBAL)

    def __init__(self) -> None:
        super().__init__()
        self._approved: dict[str, ModelPackageView | None] = {}
        self._found: dict[str, ExecutionDifference] = {}

    def body(self) -> Iterator[Widget]:
        """The list and the evidence."""
        yield RowList(view.COLUMNS, empty="Nothing waits for you.", id="waiting")
        yield Bar(id="evidence-rule", fill="─" if self.look.unicode else "-")
        yield TextPane(id="evidence")

    @property
    def list(self) -> RowList:
        """The list."""
        return self.query_one("#waiting", RowList)

    @property
    def callback(self) -> WaitingCallback | None:
        """The selected Callback step."""
        key = self.list.key
        found = [one for one in self.feed.inbox.callbacks if view.callback_key(one) == key]
        return found[0] if found else None

    @property
    def package(self) -> ModelPackageView | None:
        """The selected model package version."""
        key = self.list.key
        found = [one for one in self.feed.inbox.packages if view.package_key(one) == key]
        return found[0] if found else None

    def on_mount(self) -> None:
        """The list has the keys."""
        self.list.focus()

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        inbox = self.feed.inbox
        rows = view.rows(inbox, now=self.ui.now(), display=self.look)
        self.list.styles.height = max(2, min(len(rows) + 1, self.app.size.height // 3))
        self.list.say_empty(self.filter.no_match if self.filter else "Nothing waits for you.")
        self.list.show(self.filter.rows(rows))
        title = f" Waiting for you: {view.count(inbox)}"
        self.head((Span(title, Tone.STRONG),))
        self._show_evidence()

    def tick(self) -> None:
        """They wait a second longer."""
        self.renew()

    @on(RowList.Moved, "#waiting")
    def _moved(self) -> None:
        self._show_evidence()
        self.refresh_footer()

    def _show_evidence(self) -> None:
        pane = self.query_one("#evidence", TextPane)
        if self.callback is not None:
            width = self.app.size.width
            lines = view.callback_lines(self.callback, self.look, width)
            pane.show(folded(lines, width))
        elif self.package is not None:
            arn = self.package.arn
            approved = self._approved.get(arn)
            found = self._found.get(arn)
            width = self.app.size.width
            changes = execution_lines(found, width, clear=self.clear) if found else []
            lines = view.package_lines(self.package, self.look, approved, changes)
            pane.show(folded(lines, width))
            if arn not in self._approved:
                self.run_worker(self._compare(self.package), group="approved", exclusive=True)
        else:
            pane.show([])

    async def _compare(self, package: ModelPackageView) -> None:
        """Find the group's approved version, then what changed since it."""
        with suppress(PipetuiError):
            approved = await self.feed.approved(package)
            self._approved[package.arn] = approved
            self._show_evidence()
            if approved and approved.execution_id and package.execution_id:
                found = await self.feed.compare(approved.execution_id, package.execution_id)
                self._found[package.arn] = found
                self._show_evidence()

    def action_compare(self) -> None:
        """See the action table."""
        package = self.package
        approved = self._approved.get(package.arn) if package else None
        if package is None or approved is None:
            self.ui.say("there is no approved version to compare with")
        else:
            self.app.push_screen(CompareScreen(approved.execution_id, package.execution_id))

    def focus_body(self) -> None:
        """The list."""
        self.list.focus()

    def applies(self, action: Action) -> bool:
        """All but the list's own need a row."""
        if action.handler == "compare" and action.scope is Scope.INBOX:
            return self.package is not None and bool(self._approved.get(self.package.arn))
        if action.scope is Scope.INBOX:
            return self.callback is not None or self.package is not None
        return action.id != "global.inbox"

    @on(RowList.Chosen, "#waiting")
    def action_open(self) -> None:
        """The execution it comes from, at the step."""
        if self.callback is not None:
            self.ui.open_execution(self.callback.execution.id, step=self.callback.step.name)
        elif self.package is not None and self.package.execution_id:
            self.ui.open_execution(self.package.execution_id, step=self.package.step)

    def action_decide(self, approve: int) -> None:
        """Approve or reject, with a comment."""
        if self.callback is not None:
            ask_answer(self.ui, self.callback, bool(approve))
        elif self.package is not None:
            if reason := self.feed.refusal("decide"):
                self.ui.say(reason)
                return
            ask_decide(self.ui, self.package, bool(approve))

    def action_copy(self) -> None:
        """Copy the token or the ARN."""
        if self.callback is not None:
            self.ui.copy(self.callback.step.callback_token)
        elif self.package is not None:
            self.ui.copy(self.package.arn)
