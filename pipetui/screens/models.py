"""All model package versions, and one of them whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from pipetui.actions import Action, Scope
from pipetui.feed import PipetuiError
from pipetui.keys import bindings
from pipetui.screens.compare import CompareScreen
from pipetui.screens.confirm import ask_decide
from pipetui.screens.face import Face
from pipetui.screens.reading import Reading
from pipetui.term.typeahead import OPENING
from pipetui.viewmodel import models as view
from pipetui.viewmodel.compare import execution_lines
from pipetui.viewmodel.inbox import package_lines
from pipetui.viewmodel.lines import Line, Span, Tone, folded, words
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList

if TYPE_CHECKING:
    from engine.api import Branch, ExecutionDifference, ModelPackageView
    from pipetui.feed import Update


_ELSEWHERE = (words("   enter shows it, = compares the runs", Tone.FAINT),)


class _OfPackage(Face):
    """What can be done with a version, wherever it is shown."""

    @property
    def package(self) -> ModelPackageView | None:
        """The version that is meant; none until a screen says which."""
        return None

    def applies(self, action: Action) -> bool:
        """All but the list's own need a version."""
        if action.scope is not Scope.MODELS:
            return action.id != "global.models"
        if action.handler == "run":
            return self.package is not None and bool(self.package.execution_id)
        return self.package is not None

    def action_decide(self, approve: int) -> None:
        """Approve or reject, with a comment."""
        if self.package is not None:
            ask_decide(self.ui, self.package, bool(approve))

    def action_run(self) -> None:
        """See the action table."""
        if self.package is not None:
            self.ui.open_execution(self.package.execution_id, step=self.package.step)

    async def compare_with_approved(self, package: ModelPackageView) -> None:
        """Show what differs from the run of the group's approved version."""
        approved = await self.feed.approved(package)
        if approved is None:
            self.ui.say("no other version is approved; mark two with space to compare them")
        else:
            self.compare(approved, package)

    def compare(self, before: ModelPackageView, now: ModelPackageView) -> None:
        """Show what differs between the runs of two versions."""
        if before.execution_id == now.execution_id:
            self.ui.say(f"{view.name(before)} and {view.name(now)} come from the same execution")
        elif not (before.execution_id and now.execution_id):
            self.ui.say("one of them was registered without an execution to compare")
        else:
            self.app.push_screen(CompareScreen(before.execution_id, now.execution_id))

    def action_copy(self) -> None:
        """Copy the version's ARN."""
        if self.package is not None:
            self.ui.copy(self.package.arn)


class ModelsScreen(_OfPackage, inherit_bindings=False):
    """The versions of all groups, and the evidence of the selected one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.MODELS, Scope.GLOBAL)

    def __init__(self) -> None:
        super().__init__()
        self._packages: dict[str, ModelPackageView] = {}
        self._approved: dict[str, ModelPackageView | None] = {}
        self._order = view.Order.GROUP

    def body(self) -> Iterator[Widget]:
        """The list and the evidence; laid out as the executions and their preview."""
        with Container(id="home"):
            yield RowList(view.COLUMNS, empty="Reading the store", markable=True, id="list")
            yield Bar(id="preview-rule", fill="─" if self.look.unicode else "-")
            yield TextPane(id="preview")

    @property
    def list(self) -> RowList:
        """The list."""
        return self.query_one("#list", RowList)

    @property
    def package(self) -> ModelPackageView | None:
        """The version under the cursor."""
        return self._packages.get(self.list.key)

    def on_mount(self) -> None:
        """The list has the keys."""
        self.list.focus()

    async def _read(self) -> None:
        try:
            found = await self.feed.packages()
        except PipetuiError as problem:
            self.ui.say(problem)
            return
        self._packages = {one.arn: one for one in found}
        self._approved = {}
        told = (
            "Nothing matches; esc shows all again."
            if found
            else ("No model package versions yet: a RegisterModel step makes them.")
        )
        self.list.say_empty(told)
        self._show()
        self._evidence()
        self.refresh_footer()

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if update is None or update.models:
            # Keys that came with the one that opened the list are meant for what is in it.
            self.instead(self._read, "models" if self._packages else OPENING)
        self._show()

    def filtered(self) -> None:
        """Another filter."""
        self._show()

    def _show(self) -> None:
        ordered = view.ordered(self._packages.values(), self._order)
        columns, made = view.filled(
            view.rows(ordered, self._order, now=self.ui.now(), display=self.look)
        )
        self.list.show_columns(columns)
        rows = self.filter.rows(made)
        self.list.show(rows)
        left = [Span(" models", Tone.STRONG)]
        if self._order is not view.Order.GROUP:
            left.append(Span(f"  {self._order}", Tone.DIM))
        if len(rows) != len(made):
            left.append(Span(f"  {len(rows)} of {len(made)}", Tone.DIM))
        if marked := len(self.list.marked):
            left.append(Span(f"  {marked} marked", Tone.ACCENT))
        self.head(tuple(left), (*view.totals(ordered), Span(" ")))

    def _evidence(self) -> None:
        """Show the selected version's evidence, beside the approved one's once that is known."""
        pane, package = self.query_one("#preview", TextPane), self.package
        if package is None:
            pane.show([], top=0)
            return
        approved = self._approved.get(package.arn)
        lines = package_lines(package, self.look, approved, _ELSEWHERE)
        width = pane.size.width or self.app.size.width
        pane.show(folded(lines, width), top=0)
        if package.arn not in self._approved:
            self.instead(partial(self._find_approved, package), "approved")

    async def _find_approved(self, package: ModelPackageView) -> None:
        with suppress(PipetuiError):
            self._approved[package.arn] = await self.feed.approved(package)
            self._evidence()

    @on(RowList.Moved, "#list")
    def _moved(self) -> None:
        self._evidence()
        self.refresh_footer()

    @on(RowList.Marked, "#list")
    def _marked(self) -> None:
        self._show()
        self.refresh_footer()

    @on(RowList.Chosen, "#list")
    def action_open(self) -> None:
        """All about the selected version."""
        if self.package is not None:
            self.app.push_screen(ModelScreen(self.package))

    def action_order(self) -> None:
        """The next order."""
        self._order = self._order.next
        self._show()

    async def action_compare(self) -> None:
        """The two marked versions' runs, or the selected and the approved one's."""
        marked = [self._packages[arn] for arn in self.list.marked if arn in self._packages]
        if len(marked) == 2:
            self.compare(*sorted(marked, key=lambda one: one.created_at))
        elif marked:
            self.ui.say("mark two versions to compare them")
        elif self.package is not None:
            await self.compare_with_approved(self.package)

    def go_back(self) -> None:
        """The marks away, then one level back."""
        if self.list.marked:
            self.list.mark(())
        else:
            super().go_back()

    def focus_body(self) -> None:
        """The list."""
        self.list.focus()


class ModelScreen(_OfPackage, Reading, inherit_bindings=False):
    """All about one version."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.MODELS, Scope.GLOBAL)

    def __init__(self, package: ModelPackageView) -> None:
        super().__init__(f"{view.name(package)}  model package version")
        self._package = package
        self._approved: ModelPackageView | None = None
        self._found: ExecutionDifference | None = None
        self._lineage: Branch | None = None

    @property
    def package(self) -> ModelPackageView:
        """The version."""
        return self._package

    def on_mount(self) -> None:
        """What is known at once, then what has to be looked for."""
        self.instead(self._load, "model")

    async def _load(self) -> None:
        package = self._package
        try:
            self._approved = approved = await self.feed.approved(package)
            self.renew()
            self._lineage = await self.feed.lineage(package)
            self.renew()
            if approved and approved.execution_id and package.execution_id:
                self._found = await self.feed.compare(approved.execution_id, package.execution_id)
                self.renew()
        except PipetuiError as problem:
            self.ui.say(problem)

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if update is not None and update.models:
            self.instead(self._read, "package")
        changes: list[Line] = [words("   comparing", Tone.FAINT)]
        if self._found is not None:
            changes = execution_lines(self._found, self.app.size.width, clear=self.clear)
        self.lines = view.detail(
            self._package,
            self.look,
            approved=self._approved,
            changes=changes,
            lineage=self._lineage,
        )
        super().renew(update)

    async def _read(self) -> None:
        """The version as it is now."""
        with suppress(PipetuiError):
            known = {one.arn: one for one in await self.feed.packages()}
            self._package = known.get(self._package.arn, self._package)
            self.renew()

    def applies(self, action: Action) -> bool:
        """The list's own keys do nothing here."""
        return action.handler not in ("open", "order") and super().applies(action)

    async def action_compare(self) -> None:
        """See the action table."""
        await self.compare_with_approved(self._package)
