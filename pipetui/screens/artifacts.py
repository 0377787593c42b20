"""What is done with an artifact: copied out, compared, opened in another program."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipetui.feed import PipetuiError
from pipetui.masked_file import copy_masked, is_text
from pipetui.screens.confirm import Blank, Confirm
from pipetui.screens.reading import Reading
from pipetui.viewmodel.compare import difference_lines
from pipetui.viewmodel.executions import short_id
from pipetui.viewmodel.lines import BLANK, Tone, words, wrap
from pipetui.viewmodel.secrets import LOG_MASK, without
from pipetui.viewmodel.sizes import size

if TYPE_CHECKING:
    from engine.api import Difference, StepView
    from pipetui.feed import Update
    from pipetui.ui import PipetuiApp
    from pipetui.viewmodel.artifacts import Item

    Secrets = Collection[str]

_MASKED = "The step was given secrets: a copy of text has masks for them. * shows, and keeps, them."
_TELL_EVERY = 32 << 20
"""Bytes between two words about a copy that takes its time."""


def ask_download(ui: PipetuiApp, item: Item, secrets: Secrets) -> None:
    """Ask where to, then copy an object, a folder or a member of an archive there.

    Args:
        secrets: to be masked in a file of text; empty where a person asked to see them.
    """
    proposed = Path.cwd() / (Path(item.member).name or Path(item.name).name or "artifact")
    lines = [words(f" {proposed.name}"), words(f" in {proposed.parent}", Tone.DIM)]
    if item.size is not None:
        lines.append(words(f" {size(item.size)}", Tone.DIM))
    if secrets:
        told = "Files are copied with the secrets in them." if item.folder else _MASKED
        lines += wrap(told, ui.size.width - 2, Tone.WAIT, " ")

    def copy(values: dict[str, Any] | None) -> None:
        if values is not None:
            target = Path(values["place"] or proposed).expanduser().absolute()
            _download(ui, item, target, secrets)

    blank = Blank("place", "empty: the place above; else a file or a folder")
    ui.push_screen(Confirm(f"Copy {item.name}?", lines, [blank]), copy)


def _download(
    ui: PipetuiApp, item: Item, target: Path, secrets: Secrets, *, replace: bool = False
) -> None:
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
            if secrets and not item.folder:
                copied = await _copied_masked(ui, item, target, secrets, replace)
                if copied:
                    ui.say(copied)
                    return
            done = await ui.feed.download(
                item.uri, item.member, str(target), replace=replace, told=tell
            )
        except PipetuiError as problem:
            if problem.code == "target-exists" and not folder:
                _ask_replace(ui, item, target, secrets)
            else:
                ui.say(problem)
        except FileExistsError:
            _ask_replace(ui, item, target, secrets)
        except OSError as problem:
            ui.say(f"{target} is not written: {problem.strerror or problem}")
        else:
            count = f"{done.files:,} files, " if done.files != 1 else ""
            ui.say(f"copied {count}{size(done.size)} to {done.path}")

    ui.run_worker(work(), group="exports")


def _ask_replace(ui: PipetuiApp, item: Item, target: Path, secrets: Secrets) -> None:
    lines = [words(" There is one already.", Tone.WAIT), words(f" {target}", Tone.DIM)]

    def copy(values: dict[str, Any] | None) -> None:
        if values is not None:
            other = values["place"]
            place = Path(other).expanduser().absolute() if other else target
            _download(ui, item, place, secrets, replace=not other)

    blank = Blank("place", "empty: replace it; else another place")
    ui.push_screen(Confirm(f"Replace {target.name}?", lines, [blank]), copy)


async def _copied_masked(
    ui: PipetuiApp, item: Item, target: Path, secrets: Secrets, replace: bool
) -> str:
    """Copy a file of text with masks, and say so; empty where it is none of text."""
    with tempfile.TemporaryDirectory(prefix="pipetui-") as folder:
        path = "" if item.member else await ui.feed.place(item.uri)
        if not path:
            done = await ui.feed.download(item.uri, item.member, folder, replace=False)
            path = done.path
        source = Path(path)
        if not await asyncio.to_thread(is_text, source):
            return ""
        place, masked = await asyncio.to_thread(
            copy_masked, source, target, secrets, LOG_MASK, replace=replace
        )
    told = f", {masked:,} masked" if masked else ""
    return f"copied {source.name}{told} to {place}"


async def open_in(ui: PipetuiApp, item: Item, program: str, secrets: Secrets) -> None:
    """Open a file in the pager or the editor; a copy of an archive's member, and where it has
    secrets a copy with masks.

    Args:
        program: ``pager`` or ``editor``.
        secrets: to be masked; empty where a person asked to see them.
    """
    with tempfile.TemporaryDirectory(prefix="pipetui-") as folder:
        try:
            path = await ui.feed.place(item.uri)
            if item.member:
                done = await ui.feed.download(item.uri, item.member, folder, replace=False)
                path = done.path
            source, masked = Path(path), 0
            text = bool(path and secrets) and is_text(source)
            if text:
                copy = Path(folder) / f"masked-{source.name}"
                _, masked = await asyncio.to_thread(copy_masked, source, copy, secrets, LOG_MASK)
                path = str(copy) if masked else path
        except (PipetuiError, OSError) as problem:
            ui.say(problem)
            return
        if not path:
            ui.say(f"{item.uri} does not lie on this host")
        elif program == "pager":
            ui.page(path)
        else:
            told = "a copy: changes to it change nothing" if item.member or masked else path
            ui.edit_at(path, 0, f"opened {told}")


class ArtifactCompareScreen(Reading):
    """What differs in an artifact since the step's last green run, or the run before."""

    def __init__(self, step: StepView, item: Item) -> None:
        super().__init__(f"{step.name}  {item.name}  what differs")
        self._step, self._item = step, item
        self.lines = [words(" comparing", Tone.FAINT)]
        self._known: tuple[StepView, Sequence[Difference]] | None = None

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
        self._known = before, found
        self.renew()

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        if self._known is not None:
            before, found = self._known
            when = self.look.moment(before.ended_at or before.started_at or 0.0, self.ui.now())
            against = f" against {short_id(before.execution_id)}, {when}: {before.status}"
            told = [words(" Nothing differs.", Tone.STRONG)]
            if found:
                told = difference_lines(found, self.app.size.width, clear=self.clear)
            if not self.clear:
                told = without(told, self.feed.secrets(self._step))
            self.lines = [words(against, Tone.DIM), BLANK, *told]
        super().renew(update)
