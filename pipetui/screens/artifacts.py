"""What is done with an artifact: copied out, compared, opened in another program."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipetui.feed import PipetuiError
from pipetui.screens.confirm import Blank, Confirm
from pipetui.screens.reading import Reading
from pipetui.viewmodel.compare import difference_lines
from pipetui.viewmodel.executions import short_id
from pipetui.viewmodel.lines import BLANK, Tone, words, wrap
from pipetui.viewmodel.sizes import size

if TYPE_CHECKING:
    from engine.api import StepView
    from pipetui.ui import PipetuiApp
    from pipetui.viewmodel.artifacts import Item

_TELL_EVERY = 32 << 20
"""Bytes between two words about a copy that takes its time."""


def ask_download(ui: PipetuiApp, item: Item) -> None:
    """Ask where to, then copy an object, a folder or a member of an archive there."""
    proposed = Path.cwd() / (Path(item.member).name or Path(item.name).name or "artifact")
    lines = [words(f" {proposed.name}"), words(f" in {proposed.parent}", Tone.DIM)]
    if item.size is not None:
        lines.append(words(f" {size(item.size)}", Tone.DIM))

    def copy(values: dict[str, Any] | None) -> None:
        if values is not None:
            _download(ui, item, Path(values["place"] or proposed).expanduser().absolute())

    blank = Blank("place", "empty: the place above; else a file or a folder")
    ui.push_screen(Confirm(f"Copy {item.name}?", lines, [blank]), copy)


def _download(ui: PipetuiApp, item: Item, target: Path, *, replace: bool = False) -> None:
    total = f" of {size(item.size)}" if item.size else ""
    folder = target.is_dir()
    told = 0

    def tell(copied: int) -> None:
        nonlocal told
        if copied - told >= _TELL_EVERY:
            told = copied
            ui.call_from_thread(ui.say, f"copying {item.name}: {size(copied)}{total}")

    async def work() -> None:
        try:
            done = await ui.feed.download(
                item.uri, item.member, str(target), replace=replace, told=tell
            )
        except PipetuiError as problem:
            if problem.code == "target-exists" and not folder:
                _ask_replace(ui, item, target)
            else:
                ui.say(problem)
        except OSError as problem:
            ui.say(f"{target} is not written: {problem.strerror or problem}")
        else:
            count = f"{done.files:,} files, " if done.files != 1 else ""
            ui.say(f"copied {count}{size(done.size)} to {done.path}")

    ui.run_worker(work(), group="exports")


def _ask_replace(ui: PipetuiApp, item: Item, target: Path) -> None:
    lines = [words(" There is one already.", Tone.WAIT), words(f" {target}", Tone.DIM)]

    def copy(values: dict[str, Any] | None) -> None:
        if values is not None:
            other = values["place"]
            place = Path(other).expanduser().absolute() if other else target
            _download(ui, item, place, replace=not other)

    blank = Blank("place", "empty: replace it; else another place")
    ui.push_screen(Confirm(f"Replace {target.name}?", lines, [blank]), copy)


async def open_in(ui: PipetuiApp, item: Item, program: str) -> None:
    """Open a file in the pager or the editor; of a member of an archive a copy.

    Args:
        program: ``pager`` or ``editor``.
    """
    with tempfile.TemporaryDirectory(prefix="pipetui-") as folder:
        try:
            path = await ui.feed.place(item.uri)
            if item.member:
                done = await ui.feed.download(item.uri, item.member, folder, replace=False)
                path = done.path
        except (PipetuiError, OSError) as problem:
            ui.say(problem)
            return
        if not path:
            ui.say(f"{item.uri} does not lie on this host")
        elif program == "pager":
            ui.page(path)
        else:
            told = "a copy: changes to it change nothing" if item.member else path
            ui.edit_at(path, 0, f"opened {told}")


class ArtifactCompareScreen(Reading):
    """What differs in an artifact since the step's last green run, or the run before."""

    def __init__(self, step: StepView, item: Item) -> None:
        super().__init__(f"{step.name}  {item.name}  what differs")
        self._step, self._item = step, item
        self.lines = [words(" comparing", Tone.FAINT)]

    def on_mount(self) -> None:
        """Files are read beside the screen's loop."""
        self.run_worker(self._load())

    async def _load(self) -> None:
        step, item = self._step, self._item
        width = self.app.size.width
        try:
            before = await self.feed.run_before(step)
            if before is None:
                told = f"There is no earlier run of {step.name} to compare with."
                self.lines = [BLANK, *wrap(told, width - 2, Tone.DIM, " ")]
                self.renew()
                return
            found = await self.feed.compare_artifact(
                before, step, item.role, item.artifact, item.inside
            )
        except PipetuiError as problem:
            told = f"{problem}. {problem.hint}"
            self.lines = [BLANK, *wrap(told, width - 2, Tone.WAIT, " ")]
            self.renew()
            return
        when = self.look.moment(before.ended_at or before.started_at or 0.0, self.ui.now())
        against = f" against {short_id(before.execution_id)}, {when}: {before.status}"
        self.lines = [words(against, Tone.DIM), BLANK]
        if found:
            self.lines += await asyncio.to_thread(difference_lines, found, width)
        else:
            self.lines.append(words(" Nothing differs.", Tone.STRONG))
        self.renew()
