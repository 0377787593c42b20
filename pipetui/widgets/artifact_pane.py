"""What a step reads and writes: a tree, and beside or below it what the selected file holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.worker import Worker

from pipetui.actions import Scope
from pipetui.feed import Feed, PipetuiError
from pipetui.keys import Performer, bindings
from pipetui.viewmodel import artifacts as view
from pipetui.viewmodel.filters import Filter
from pipetui.viewmodel.lines import BLANK, Line, Tone, fit, text_of, wrap
from pipetui.viewmodel.moment import Moment
from pipetui.viewmodel.secrets import without
from pipetui.viewmodel.state import Display
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane
from pipetui.widgets.picture_view import PictureView
from pipetui.widgets.rows import RowList
from pipetui.widgets.tab import Tab

if TYPE_CHECKING:
    from engine.api import Artifact, Preview, StepView
    from pipetui.ui import PipetuiApp

_SETTLE = 0.06
"""Seconds the cursor rests on a file before it is read."""
_PAN = 8


class _Tree(RowList):
    """Rows of which a click opens what it hits."""

    def on_click(self, event: events.Click) -> None:
        """Select, and open where that is another row; the same row opens anyhow."""
        before = self.key
        super().on_click(event)
        if self.key != before:
            self.post_message(self.Chosen(self, self.key))


class _Text(TextPane):
    """Lines of which a part can be out of sight at the left."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.left = 0

    def painted(self, index: int) -> tuple[Line, bool]:
        """A line, from the first cell in sight."""
        return fit(view.shifted(self.lines[index], self.left), self.size.width), False

    def pan(self, cells: int) -> None:
        """To the right or the left, as far as there is text."""
        widest = max((len(text_of(line)) for line in self.lines), default=0)
        self.left = max(0, min(self.left + cells, widest - self.size.width // 2))
        self.sync()


class ArtifactPane(Performer, Tab, Vertical, inherit_bindings=False):
    """Browses the artifacts of one step."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.ARTIFACTS)
    filters = True

    def __init__(self, feed: Feed, look: Display, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.look = look
        self.step: StepView | None = None
        self._feed = feed
        self._found: list[Artifact] = []
        self._roots: list[view.Item] = []
        self._below: dict[str, list[view.Item]] = {}
        self._items: list[view.Item] = []
        self._shown: tuple[str, str, int] = ("", "", -1)
        self._previewed: view.Item | None = None
        self._filter = Filter()
        self._now = 0.0

    def compose(self) -> ComposeResult:
        """The tree, a rule, the preview."""
        yield _Tree(view.COLUMNS, empty="Reading", id="artifact-list")
        yield Bar(id="artifact-rule", fill="─" if self.look.unicode else "-")
        with Vertical(id="artifact-side"):
            yield _Text(id="artifact-preview")
            yield PictureView(id="artifact-picture")

    @property
    def ui(self) -> PipetuiApp:
        """The app."""
        return cast("PipetuiApp", self.app)

    @property
    def _masked(self) -> frozenset[str]:
        """The values that are masked in what is shown of the step."""
        if self.step is None or self.look.clear:
            return frozenset()
        return self._feed.secrets(self.step)

    @property
    def items(self) -> RowList:
        """The tree."""
        return self.query_one("#artifact-list", RowList)

    @property
    def text(self) -> _Text:
        """The preview's text."""
        return self.query_one("#artifact-preview", _Text)

    @property
    def selected(self) -> view.Item | None:
        """The item under the cursor."""
        return next((item for item in self._items if item.key == self.items.key), None)

    @property
    def keys_to(self) -> Widget:
        """The tree."""
        return self.items

    def show(self, moment: Moment, changed: set[str] | None = None) -> None:
        """See ``Tab``; what a running step writes is looked at each time."""
        step, self._now = moment.step, moment.now
        turned = moment.look.clear != self.look.clear
        self.look = moment.look
        if turned:
            self._look()
        wanted = (step.execution_id, step.name, step.seq) if step else ("", "", -1)
        another = wanted[:2] != self._shown[:2]
        if wanted == self._shown and not (step is not None and step.running):
            return
        self._shown, self.step = wanted, step
        if another:
            self._below.clear()
            self._found, self._roots = [], []
            self.items.say_empty("Reading")
            self._show()
            self._look()
        if step is not None:
            self._work("artifacts", partial(self._load, step, another))

    def narrow(self, filter: Filter) -> None:
        """Show only what matches."""
        self._filter = filter
        self._show()

    async def _load(self, step: StepView, another: bool) -> None:
        try:
            found = await self._feed.artifacts(step)
            if found == self._found and not another:
                return
            self._found = found
            self._roots = [view.of_artifact(artifact) for artifact in found]
            await self._refresh_opened()
        except PipetuiError as problem:
            self.items.say_empty(str(problem))
            return
        self.items.say_empty(f"{step.name} reads and writes nothing, or has not started.")
        self._show()
        if self.selected != self._previewed:
            self._look()

    async def _refresh_opened(self) -> None:
        """Read the opened folders again; archives are closed where they are others now."""
        known = {item.key: item for item in self._items}
        waiting = list(self._roots)
        while waiting:
            item = waiting.pop()
            if item.key not in self._below:
                continue
            if item.folder:
                self._below[item.key] = await self._entries(item)
                waiting += self._below[item.key]
            elif item != known.get(item.key):
                del self._below[item.key]

    async def _entries(self, item: view.Item) -> list[view.Item]:
        entries = await self._feed.entries(item.uri)
        return [view.of_entry(one, item, now=self._now, display=self.look) for one in entries]

    def _show(self) -> None:
        self._items = []
        for root in self._roots:
            self._add(root)
        rows = [
            view.row(item, opened=item.key in self._below, display=self.look)
            for item in self._items
        ]
        if self._roots:
            self.items.say_empty(self._filter.no_match)
        self.items.show(self._filter.rows(rows))

    def _add(self, item: view.Item) -> None:
        self._items.append(item)
        for child in self._below.get(item.key, ()):
            self._add(child)

    @on(RowList.Moved, "#artifact-list")
    def _moved(self) -> None:
        self._look()

    def _work(self, group: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Do something beside the loop, in place of what the group does."""
        _: Worker[None] = self.run_worker(work, group=group, exclusive=True)

    def _look(self, *, unfold: bool = False) -> None:
        """Show what the selected item holds, once the cursor rests on it."""
        self._work("preview", partial(self._preview, unfold))

    def on_resize(self) -> None:
        """A picture is made for the room there is."""
        if self.query_one(PictureView).picture is not None:
            self._look()

    @on(RowList.Chosen, "#artifact-list")
    def action_open(self) -> None:
        """Open a folder or archive, or close it again; read a file again."""
        item = self.selected
        if item is None:
            return
        if item.key in self._below:
            self.action_close()
        elif item.folder:
            self._work("artifact", partial(self._open_folder, item))
        elif item == self._previewed and self.query_one(PictureView).picture is not None:
            from pipetui.screens.picture import PictureScreen

            self.app.push_screen(PictureScreen(item))
        else:
            self._look(unfold=True)

    def action_close(self) -> None:
        """Close the folder that the cursor is on or in."""
        if self.text.has_focus:
            self.text.pan(-_PAN)
            return
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
            self._below[item.key] = await self._entries(item)
        except PipetuiError as problem:
            self._tell(wrap(str(problem), 76, Tone.BAD, " "))
            return
        self._show()

    async def _preview(self, unfold: bool) -> None:
        """Read the selected file; a cursor that moves on cancels this."""
        item = self._previewed = self.selected
        if item is None:
            self._tell([])
            return
        about = view.about(item, now=self._now, display=self.look)
        if not item.there:
            self._tell(about)
            return
        if not unfold:
            await asyncio.sleep(_SETTLE)
        side = self.query_one("#artifact-side").size
        if item.folder:
            await self._list(item, about, side.width)
            return
        room = (max(8, side.width - 1), max(8, 2 * (side.height - len(about) - 2)))
        try:
            preview = await self._feed.preview(item.uri, item.member, room)
        except PipetuiError as problem:
            trouble = wrap(f"{problem} {problem.hint}", 76, Tone.BAD, " ")
            self._tell([*about, BLANK, *trouble])
            return
        if unfold and (members := view.of_members(item, preview)):
            self._below[item.key] = members
            self._show()
        lines = view.preview_lines(preview)
        self._tell([*about, *without(lines, self._masked)], preview)

    async def _list(self, folder: view.Item, about: list[Line], width: int) -> None:
        try:
            entries = await self._entries(folder)
        except PipetuiError as problem:
            self._tell([*about, BLANK, *wrap(str(problem), 76, Tone.BAD, " ")])
            return
        self._tell([*about, *view.listing_lines(entries, width)])

    def _tell(self, lines: list[Line], preview: Preview | None = None) -> None:
        picture = preview.picture if preview else None
        text, image = self.text, self.query_one(PictureView)
        image.display = picture is not None
        text.styles.height = len(lines) if picture else "1fr"
        image.show(picture)
        same = [text_of(line) for line in text.lines[:1]] == [text_of(line) for line in lines[:1]]
        text.left = text.left if same else 0
        text.show(lines, top=None if same else 0)

    def action_pan(self, direction: str) -> None:
        """See the action table."""
        match direction:
            case "left" | "right":
                self.text.pan(_PAN if direction == "right" else -_PAN)
            case _:
                self.text.move(4 if direction == "down" else -4)

    def action_save(self) -> None:
        """See the action table."""
        from pipetui.screens.artifacts import ask_download

        if (item := self.selected) is not None:
            ask_download(self.ui, item, self._masked)

    def action_compare(self) -> None:
        """See the action table."""
        from pipetui.screens.artifacts import ArtifactCompareScreen

        if (item := self.selected) is not None and self.step is not None:
            self.app.push_screen(ArtifactCompareScreen(self.step, item))

    async def action_pager(self) -> None:
        """See the action table."""
        await self._open_in("pager")

    async def action_editor(self) -> None:
        """See the action table."""
        await self._open_in("editor")

    async def _open_in(self, program: str) -> None:
        from pipetui.screens.artifacts import open_in

        if (item := self.selected) is None:
            return
        if item.folder:
            self.ui.say(f"{item.name} is a folder: select a file in it")
            return
        await open_in(self.ui, item, program, self._masked)

    @property
    def copied(self) -> str:
        """What ``y`` copies: the URI, or the preview's text where that has the focus."""
        if self.text.has_focus:
            return "\n".join(text_of(line).rstrip() for line in self.text.lines)
        return self.selected.uri if self.selected else ""
