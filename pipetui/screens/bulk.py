"""Several executions run again at once: what each would run first, then how each went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget

from pipetui.actions import Action, Scope
from pipetui.feed import PipetuiError
from pipetui.keys import bindings
from pipetui.screens.face import Face
from pipetui.viewmodel import bulk as view
from pipetui.viewmodel import rerun
from pipetui.viewmodel.lines import Line, Span, Tone, words
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList

if TYPE_CHECKING:
    from engine.api import ExecutionView
    from pipetui.feed import Update


class BulkScreen(Face, inherit_bindings=False):
    """A dry run of each execution; they are started one after another."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.RERUN, Scope.GLOBAL)

    def __init__(self, executions: Sequence[ExecutionView]) -> None:
        super().__init__()
        self.executions = list(executions)
        failed = all(one.status != "Succeeded" and one.ended_at for one in executions)
        self.scope = "failed" if failed else "whole"
        self._plans: dict[str, view.Planned] = {}
        self._results: dict[str, view.Result] = {}
        self._started = False

    def body(self) -> Iterator[Widget]:
        """Scope, executions, and the plan of the selected one."""
        yield Bar(id="scope")
        yield RowList(view.COLUMNS, id="form")
        yield Bar(id="plan-rule", fill="─" if self.look.unicode else "-")
        yield TextPane(id="plan")

    @property
    def list(self) -> RowList:
        """The executions."""
        return self.query_one("#form", RowList)

    def on_mount(self) -> None:
        """The list has the keys; plans are made beside it."""
        self.list.focus()
        self._plan_again()

    def _plan_again(self) -> None:
        self._plans = {}
        self.renew()
        self.instead(partial(self._make_plans, self.scope), "plan")

    async def _make_plans(self, scope: str) -> None:
        for one in self.executions:
            try:
                plan = await self.feed.plan_rerun(one.id, scope)
            except PipetuiError as problem:
                self._plans[one.id] = view.Planned(None, str(problem))
            else:
                self._plans[one.id] = view.Planned(plan)
            self.renew()
        self.refresh_footer()

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if update is not None and update.trouble is None:
            return
        count = len(self.executions)
        what = "1 execution" if count == 1 else f"{count} executions"
        self.head(words(f" Rerun {what}", Tone.STRONG))
        draft = rerun.Draft("", "", self.scope)
        scope: Line = (Span(" scope  ", Tone.DIM), *rerun.scope_line(draft, self.look.unicode))
        self.query_one("#scope", Bar).show(scope)
        rows = [
            view.row(one, self._plans.get(one.id), self._results.get(one.id), self.look)
            for one in self.executions
        ]
        self.list.show(self.filter.rows(rows))
        self._show_plan()

    @on(RowList.Moved, "#form")
    def _show_plan(self) -> None:
        known = self._plans.get(self.list.key)
        pane, width = self.query_one("#plan", TextPane), self.app.size.width - 2
        if known is None:
            pane.show([words(" planning", Tone.FAINT)], top=0)
            return
        lines = rerun.plan_lines(known.plan, known.problem, width)
        if known.plan is not None:
            lines += rerun.reason_lines(known.plan, width)
        pane.show(lines, top=None if pane.has_focus else 0)

    def focus_body(self) -> None:
        """The list."""
        self.list.focus()

    def applies(self, action: Action) -> bool:
        """They are started once, when all plans are there."""
        match action.handler:
            case "scope":
                return not self._started
            case "run":
                return not self._started and any(one.works for one in self._plans.values())
        return action.id not in ("global.palette", "global.inbox", "global.times")

    def action_scope(self, direction: int) -> None:
        """The other scope."""
        scopes = rerun.Draft("", "", self.scope).scopes
        self.scope = scopes[(scopes.index(self.scope) + direction) % len(scopes)]
        self._plan_again()

    def action_run(self) -> None:
        """Start all that can be started."""
        self._started = True
        # The app's, so that leaving the screen does not leave half of them unstarted.
        self.ui.run_worker(self._run(), group="deeds")

    async def _run(self) -> None:
        for one in self.executions:
            known = self._plans.get(one.id)
            if known is None or not known.works:
                continue
            try:
                if self.scope == "failed":
                    await self.feed.retry(one.id)
                    result = view.Result(f"goes on as {one.id[:4]}")
                else:
                    result = view.Result(f"started {(await self.feed.rerun(one.id, 'whole'))[:4]}")
            except PipetuiError as problem:
                result = view.Result(str(problem), refused=True)
            self._results[one.id] = result
            if self.is_mounted:
                self.renew()
        self.ui.say(view.sentence(self._results.values()))

    def action_copy(self) -> None:
        """Copy the commands that do the same."""
        drafts = [rerun.Draft(one.id, "", self.scope) for one in self.executions]
        self.ui.copy("\n".join(rerun.command_line(draft) for draft in drafts))
