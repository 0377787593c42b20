"""What a step reads and writes: a tree above, a preview below."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget

from pipetui.actions import Scope
from pipetui.feed import Feed, PipetuiError
from pipetui.keys import Performer, bindings
from pipetui.viewmodel import artifacts as view
from pipetui.viewmodel.filters import Filter
from pipetui.viewmodel.lines import Line, Tone, text_of, words, wrap
from pipetui.viewmodel.moment import Moment
from pipetui.viewmodel.state import Display
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane
from pipetui.widgets.rows import RowList
from pipetui.widgets.tab import Tab

if TYPE_CHECKING:
    from engine.api import StepView


class ArtifactPane(Performer, Tab, Vertical, inherit_bindings=False):
    """Browses the artifacts of one step."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.ARTIFACTS)
    filters = True

    def __init__(self, feed: Feed, look: Display, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.look = look
        self._feed = feed
        self._roots: list[view.Item] = []
        self._below: dict[str, list[view.Item]] = {}
        self._items: list[view.Item] = []
        self._shown: tuple[str, int] = ("", -1)
        self._filter = Filter()

    def compose(self) -> ComposeResult:
        """The tree, a rule, the preview."""
        yield RowList(view.COLUMNS, empty="Reading", id="artifact-list")
        yield Bar(id="artifact-rule", fill="─" if self.look.unicode else "-")
        yield TextPane(id="artifact-preview")

    @property
    def items(self) -> RowList:
        """The tree."""
        return self.query_one("#artifact-list", RowList)

    @property
    def selected(self) -> view.Item | None:
        """The item under the cursor."""
        return next((item for item in self._items if item.key == self.items.key), None)

    @property
    def keys_to(self) -> Widget:
        """The tree."""
        return self.items

    def show(self, moment: Moment, changed: set[str] | None = None) -> None:
        """See ``Tab``; nothing changes while the step does not."""
        step, now = moment.step, moment.now
        self.look = moment.look
        wanted = (step.name, step.seq) if step else ("", -1)
        if wanted == self._shown:
            return
        if wanted[0] != self._shown[0]:
            self._below.clear()
            self._preview([])
        self._shown, self._now = wanted, now
        if step is not None:
            self.run_worker(self._load(step), group="artifacts", exclusive=True)

    def narrow(self, filter: Filter) -> None:
        """Show only what matches."""
        self._filter = filter
        self._show()

    async def _load(self, step: StepView) -> None:
        try:
            found = await self._feed.artifacts(step)
        except PipetuiError as problem:
            self.items.say_empty(str(problem))
            return
        self._roots = [view.of_artifact(artifact) for artifact in found]
        self.items.say_empty(f"{step.name} reads and writes nothing, or has not started.")
        self._show()

    def _show(self) -> None:
        self._items = []
        for root in self._roots:
            self._add(root)
        rows = [
            view.row(item, opened=item.key in self._below, display=self.look)
            for item in self._items
        ]
        self.items.show(self._filter.rows(rows))

    def _add(self, item: view.Item) -> None:
        self._items.append(item)
        for child in self._below.get(item.key, ()):
            self._add(child)

    @on(RowList.Chosen, "#artifact-list")
    def action_open(self) -> None:
        """Open a folder or archive, or close it again; preview a file."""
        item = self.selected
        if item is None:
            return
        if item.key in self._below:
            self.action_close()
        elif item.folder:
            self.run_worker(self._open_folder(item), group="artifact", exclusive=True)
        else:
            self.run_worker(self._open_file(item), group="artifact", exclusive=True)

    def action_close(self) -> None:
        """Close the folder that the cursor is on or in."""
        item = self.selected
        while item is not None and item.key not in self._below:
            item = self._folder_of(item)
        if item is not None:
            del self._below[item.key]
            self.items.select(item.key)
            self._show()

    def _folder_of(self, item: view.Item) -> view.Item | None:
        at = self._items.index(item)
        above = reversed(self._items[:at])
        return next((one for one in above if one.depth < item.depth), None)

    async def _open_folder(self, item: view.Item) -> None:
        try:
            entries = await self._feed.entries(item.uri)
        except PipetuiError as problem:
            self._preview(wrap(str(problem), 76, Tone.BAD, " "))
            return
        self._below[item.key] = [
            view.of_entry(one, item.depth + 1, item.role, now=self._now, display=self.look)
            for one in entries
        ]
        self._show()

    async def _open_file(self, item: view.Item) -> None:
        self._preview([words(" reading", Tone.FAINT)])
        try:
            preview = await self._feed.preview(item.uri, item.member)
        except PipetuiError as problem:
            self._preview(wrap(f"{problem} {problem.hint}", 76, Tone.BAD, " "))
            return
        members = view.of_members(item, preview)
        if members:
            self._below[item.key] = members
            self._show()
        self._preview(view.preview_lines(preview))

    def _preview(self, lines: list[Line]) -> None:
        self.query_one("#artifact-preview", TextPane).show(lines, top=0)

    @property
    def copied(self) -> str:
        """What ``y`` copies: the URI, or the preview's text where that has the focus."""
        preview = self.query_one("#artifact-preview", TextPane)
        if preview.has_focus:
            return "\n".join(text_of(line).rstrip() for line in preview.lines)
        return self.selected.uri if self.selected else ""
