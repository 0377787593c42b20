"""A log as a file: where to write it is asked, and it is written beside the screen's loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pipetui import editor
from pipetui.logview.export import Cancelled, export
from pipetui.logview.matches import Question
from pipetui.screens.confirm import Blank, Confirm
from pipetui.viewmodel.lines import Line, Tone, words
from pipetui.viewmodel.sizes import size

if TYPE_CHECKING:
    from pipetui.logview.source import Source
    from pipetui.ui import PipetuiApp

_NAME = 120
"""Characters of a file name that is proposed."""


def ask_export(
    ui: PipetuiApp,
    name: str,
    open_log: Callable[[], Source],
    question: Question | None,
    *,
    mask: str = "",
) -> None:
    """Ask for a file and write a log to it.

    Args:
        name: of the file that is proposed, in the folder the program was started in.
        open_log: gives a log that nobody else reads.
        question: which lines are shown; None for all.
        mask: what stands for each of its secrets; empty where it has none.
    """
    stem = name.removesuffix(".log").replace("/", "_")[:_NAME]
    proposed = _here() / f"{stem}.log"
    narrowed = question is not None and question != Question()
    lines = _place(proposed)
    blanks = [Blank("file", "empty: the file above; else another one")]
    if mask:
        lines.append(words(f" Secrets are written as {mask}.", Tone.DIM))
    if narrowed:
        lines.append(words(" Only the lines that are shown; type all for every line.", Tone.DIM))
        blanks.append(Blank("lines", "shown"))

    def write(values: dict[str, Any] | None) -> None:
        if values is None:
            return
        path = _path(values["file"], proposed)
        chosen = question if narrowed and values["lines"].strip() != "all" else None
        _write(ui, path, open_log, chosen, mask)

    ui.push_screen(Confirm("Export the log?", lines, blanks), write)


def page_masked(log: Source) -> str:
    """Show a log in the pager from a copy, as its file holds what is masked here."""
    with TemporaryDirectory(prefix="pipetui-") as folder:
        copy = Path(folder) / "job.log"
        try:
            export(log, copy)
        except OSError as problem:
            return f"the log cannot be copied for the pager: {problem.strerror}"
        return editor.page(str(copy))


def _here() -> Path:
    """The folder the program was started in, where it is still there."""
    try:
        return Path.cwd()
    except OSError:
        return Path.home()


def _path(typed: str, otherwise: Path) -> Path:
    """What a person has typed; a ``~`` that stands for nobody is taken as it is."""
    if not typed:
        return otherwise
    return _here() / os.path.expanduser(typed)


def _place(path: Path) -> list[Line]:
    return [words(f" {path.name}"), words(f" in {path.parent}", Tone.DIM)]


def _write(
    ui: PipetuiApp,
    path: Path,
    open_log: Callable[[], Source],
    question: Question | None,
    mask: str,
    replace: bool = False,
) -> None:
    async def work() -> None:
        stopped = threading.Event()
        try:
            done = await asyncio.to_thread(
                lambda: export(
                    open_log(), path, question,
                    replace=replace, mask=mask, stopped=stopped.is_set,
                )
            )  # fmt: skip
        except FileExistsError:
            _ask_replace(ui, path, open_log, question, mask)
        except (OSError, Cancelled) as problem:
            reason = getattr(problem, "strerror", "") or problem
            ui.say(f"{path} is not written: {reason}")
        else:
            told = f"{done.lines:,} line{'s' * (done.lines != 1)}, {size(done.size)}"
            told += f", {done.masked:,} masked," if done.masked else ""
            ui.say(f"wrote {told} to {path}")
        finally:
            stopped.set()

    ui.run_worker(work(), group="exports")
    ui.say(f"writing {path}")


def _ask_replace(
    ui: PipetuiApp,
    path: Path,
    open_log: Callable[[], Source],
    question: Question | None,
    mask: str,
) -> None:
    lines = [words(" There is one already.", Tone.WAIT), *_place(path)]
    blank = Blank("file", "empty: replace it; else another file")

    def write(values: dict[str, Any] | None) -> None:
        if values is not None:
            other = values["file"]
            _write(ui, _path(other, path), open_log, question, mask, replace=not other)

    ui.push_screen(Confirm(f"Replace {path.name}?", lines, [blank]), write)
