"""Run part of an execution again, with edits, and see before what that means."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from pipetui.actions import Action, Scope
from pipetui.feed import PipetuiError
from pipetui.keys import bindings
from pipetui.screens.face import Face
from pipetui.viewmodel import rerun as view
from pipetui.viewmodel.deeds import shown
from pipetui.viewmodel.executions import title
from pipetui.viewmodel.lines import Line, Span, Tone, words
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList

if TYPE_CHECKING:
    from engine.api import ExecutionView, PlanView, StepView
    from pipetui.feed import Update


class DraftScreen(Face, inherit_bindings=False):
    """A form above; the plan and the command line below; scopes to choose from on top."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.RERUN, Scope.GLOBAL)

    def __init__(self, draft: view.Draft) -> None:
        super().__init__()
        self.draft = draft
        self._first = draft.scope
        self._steps: list[StepView] = []
        self._chosen = False
        self._plan: PlanView | None = None
        self._trouble = ""

    @property
    @abstractmethod
    def heading(self) -> str:
        """What is put together here."""

    @property
    @abstractmethod
    def below_heading(self) -> Line:
        """What is said below it."""

    @property
    def place(self) -> str:
        """See ``Face``."""
        return f"the form: {self.heading}"

    @abstractmethod
    async def fields(self) -> tuple[view.Field, ...]:
        """What can be edited."""

    @abstractmethod
    async def planned(self, draft: view.Draft) -> PlanView:
        """What would run."""

    @abstractmethod
    async def begin(self, draft: view.Draft) -> str:
        """Run it; returns the execution's id."""

    def body(self) -> Iterator[Widget]:
        """Scope, form, editor line, plan, command line."""
        yield Bar(id="scope")
        yield RowList(view.COLUMNS, empty="Nothing here can be edited.", id="form")
        yield Input(id="value", classes="hidden")
        yield Bar(id="plan-rule", fill="─" if self.look.unicode else "-")
        yield TextPane(id="plan")

    @property
    def form(self) -> RowList:
        """The form."""
        return self.query_one("#form", RowList)

    @property
    def field(self) -> view.Field | None:
        """The selected field."""
        return next((one for one in self.draft.fields if one.key == self.form.key), None)

    def on_mount(self) -> None:
        """The form has the keys."""
        self.form.focus()
        self.instead(self._load, "load")

    async def _load(self) -> None:
        try:
            known = await self.fields()
        except PipetuiError as problem:
            self.ui.say(problem)
            known = ()
        except ExceptionGroup as group:
            self.ui.say(group.exceptions[0])
            known = ()
        self._change(replace(self.draft, fields=known))

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if update is not None and update.trouble is None:
            return
        draft = self.draft
        self.head((Span(f" {self.heading}", Tone.STRONG),))
        self.query_one("#scope", Bar).show(self.below_heading)
        rows = view.rows(draft, clear=self.clear)
        self.form.show(view.grouped(self.filter.rows(rows)))
        # As much as the form needs, up to a half: the plan has the rest.
        self.form.styles.height = max(4, min(len(rows) + 1, self.app.size.height // 2))
        width = self.app.size.width - 2
        lines = view.plan_lines(self._plan, self._trouble, width)
        lines += view.command_lines(draft, width, clear=self.clear)
        if not self._trouble:
            lines += view.reason_lines(self._plan, width)
        pane = self.query_one("#plan", TextPane)
        pane.show(lines, top=None if pane.has_focus else 0)

    def _change(self, draft: view.Draft) -> None:
        self.draft = draft
        self._trouble = ""
        self.renew()
        self.instead(partial(self._make_plan, draft), "plan")

    async def _make_plan(self, draft: view.Draft) -> None:
        try:
            plan = await self.planned(draft)
        except PipetuiError as problem:
            self._plan, self._trouble = None, view.sentences(problem.message, problem.hint)
        else:
            self._plan, self._trouble = plan, ""
        if not self._chosen:
            self._choose()
        self.renew()

    def _choose(self) -> None:
        """Offer the first scope that works, the one asked for where none does."""
        following = self.draft.with_scope(1)
        self._chosen = self._plan is not None and view.works(self._plan)
        if not self._chosen:
            self._chosen = following.scope == self._first
            self._change(following)

    def focus_body(self) -> None:
        """The form."""
        self.form.focus()

    def applies(self, action: Action) -> bool:
        """Editing needs a field, taking back a change."""
        match action.handler:
            case "edit":
                return self.field is not None
            case "reset":
                return self.form.key in self.draft.changed
            case "step":
                return len(self._steps) > 1 or bool(self._steps and not self.draft.step)
        return action.id not in ("global.palette", "global.inbox", "global.times")

    @on(RowList.Moved, "#form")
    def _moved(self) -> None:
        self._show_field()
        self.refresh_footer()

    def _show_field(self) -> None:
        line = "──" if self.look.unicode else "--"
        if self.field is not None:
            told = f" {self.field.name}  {self.field.note}".rstrip()
            left: Line = (Span(line, Tone.FAINT), Span(f"{told} ", Tone.DIM))
            self.query_one("#plan-rule", Bar).show(left)

    @on(RowList.Chosen, "#form")
    def action_edit(self) -> None:
        """Type another value; one of a few is gone through by enter."""
        field = self.field
        if field is None:
            return
        value = self.draft.changed.get(field.key, field.value)
        if field.choices:
            choices = list(field.choices)
            at = choices.index(value) if value in choices else -1
            self._change(self.draft.with_value(field.key, choices[(at + 1) % len(choices)]))
            self.refresh_footer()
            return
        box = self.query_one("#value", Input)
        hidden = field.secret and not self.clear
        box.password = hidden
        box.value = "" if hidden else shown(value)
        box.placeholder = f"{field.name}  {field.note}"
        box.remove_class("hidden")
        box.focus()

    @on(Input.Submitted, "#value")
    def _edited(self, event: Input.Submitted) -> None:
        field = self.field
        if field is None:
            return
        try:
            value = view.parse(event.value, field)
        except ValueError as problem:
            self.ui.say(f"{field.name}: {problem}")
            return
        self._close_box()
        self._change(self.draft.with_value(field.key, value))

    def _close_box(self) -> None:
        self.query_one("#value", Input).add_class("hidden")
        self.form.focus()

    def clear_filter(self) -> bool:
        """Esc leaves the value as it was."""
        if not self.query_one("#value", Input).has_class("hidden"):
            self._close_box()
            return True
        return super().clear_filter()

    def action_scope(self, direction: int) -> None:
        """The next or previous scope."""
        self._chosen = True
        self._change(self.draft.with_scope(direction))

    def action_step(self) -> None:
        """The next step that ran: its arguments are in the form, and it is where to start from."""
        names = [one.name for one in self._steps]
        at = names.index(self.draft.step) if self.draft.step in names else -1
        self._chosen = True
        self._change(self.draft.with_step(self._steps[(at + 1) % len(names)]))
        self.refresh_footer()

    def action_reset(self) -> None:
        """Take the change of the selected field back."""
        if self.field is not None:
            self._change(self.draft.with_value(self.field.key, self.field.value))

    def action_editor(self) -> None:
        """All values as JSON in the person's editor."""
        text = self.ui.edit_text(view.document(self.draft, clear=self.clear))
        try:
            self._change(view.from_document(self.draft, text))
        except ValueError as problem:
            self.ui.say(problem)

    def action_run(self) -> None:
        """Run it, and show it."""
        self.ui.attempt(self._run())

    async def _run(self) -> None:
        self.ui.open_execution(await self.begin(self.draft))

    def action_copy(self) -> None:
        """Copy the command line."""
        deed = view.deed(self.draft)
        self.ui.copy(deed.command, secret=deed.secret)


class RerunScreen(DraftScreen, inherit_bindings=False):
    """Run an execution, or part of it, again.

    Args:
        step: where to start from; None reruns the whole.
        changed: whether the definition file changed since, so that the new one is offered.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.RERUN, Scope.GLOBAL)

    def __init__(
        self, execution: ExecutionView, step: StepView | None = None, *, changed: bool = False
    ) -> None:
        scope = "new" if changed else "whole" if step is None else "from"
        name, file = step.name if step else "", execution.file if changed else ""
        super().__init__(view.Draft(execution.id, name, scope, file=file))
        self.execution = execution
        self._step = step

    async def fields(self) -> tuple[view.Field, ...]:
        """Parameters, the step's arguments, and how many steps run at once."""
        try:
            parameters = await self.feed.parameters(self.execution.id)
            steps = await self.feed.steps_of(self.execution.id)
            self._steps = [one for one in steps if one.arguments is not None]
        except PipetuiError as problem:
            self.ui.say(problem)
            parameters = []
        return view.fields(
            parameters,
            self.execution.parameters,
            self._step.arguments if self._step else None,
            self.execution.max_parallel,
        )

    @property
    def heading(self) -> str:
        """What is put together here."""
        what = f"Rerun {self.draft.step} of" if self.draft.step else "Rerun"
        return f"{what} {title(self.execution)}"

    @property
    def below_heading(self) -> Line:
        """The scopes to choose from."""
        return (Span(" scope  ", Tone.DIM), *view.scope_line(self.draft, self.look.unicode))

    async def planned(self, draft: view.Draft) -> PlanView:
        """What would run."""
        if draft.scope == "new":
            return await self.feed.plan_start(
                draft.file, self.execution.pipeline, self._parameters()
            )
        return await self.feed.plan_rerun(*draft.asked)

    def _parameters(self) -> dict[str, object]:
        return {**self.execution.parameters, **self.draft.parameters}

    async def begin(self, draft: view.Draft) -> str:
        """Run it; returns the execution's id."""
        feed = self.feed
        if draft.scope == "new":
            return await feed.start(
                draft.file, self.execution.pipeline, self._parameters(), draft.max_parallel
            )
        if draft.goes_on:
            await feed.retry(draft.execution_id, draft.max_parallel)
            return draft.execution_id
        return await feed.rerun(*draft.asked, draft.max_parallel)


class LaunchScreen(DraftScreen, inherit_bindings=False):
    """Run a definition file.

    Args:
        file: its path, absolute.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.RERUN, Scope.GLOBAL)

    def __init__(self, file: str) -> None:
        super().__init__(view.Draft("", "", "new", file=file))
        self._chosen = True

    @property
    def heading(self) -> str:
        """See ``DraftScreen``."""
        return f"Run {self.draft.file.rpartition('/')[2]}"

    @property
    def below_heading(self) -> Line:
        """See ``DraftScreen``."""
        return words(f" {self.draft.file}", Tone.DIM)

    async def fields(self) -> tuple[view.Field, ...]:
        """The definition's parameters, and how many steps run at once."""
        return view.fields(await self.feed.parameters_of_file(self.draft.file), {}, None, 0)

    async def planned(self, draft: view.Draft) -> PlanView:
        """See ``DraftScreen``."""
        return await self.feed.plan_start(draft.file, "", draft.parameters)

    async def begin(self, draft: view.Draft) -> str:
        """See ``DraftScreen``."""
        return await self.feed.start(draft.file, "", draft.parameters, draft.max_parallel)

    def applies(self, action: Action) -> bool:
        """There is one scope."""
        return action.handler != "scope" and super().applies(action)
