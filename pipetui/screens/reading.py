"""Screens to read: all about a step, and why it is red."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from pipetui.actions import Action, Scope
from pipetui.deciding import decided
from pipetui.feed import PipetuiError, unseen_lines
from pipetui.keys import bindings
from pipetui.screens.face import Face
from pipetui.source_code import around, locate, original, source_uris
from pipetui.viewmodel import detail
from pipetui.viewmodel.compare import since_lines
from pipetui.viewmodel.decided import decision_lines
from pipetui.viewmodel.executions import short_id
from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, folded, text_of, words
from pipetui.viewmodel.secrets import without
from pipetui.widgets.pane import TextPane

if TYPE_CHECKING:
    from engine.api import Artifact, LogSource, StepView
    from pipetui.feed import Update

_BLOCK = 40


class Reading(Face):
    """A text over the whole screen; a filter keeps the lines that match."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._heading = name
        self.lines: list[Line] = []

    def body(self) -> Iterator[Widget]:
        """The text."""
        yield TextPane(id="text")

    @property
    def pane(self) -> TextPane:
        """The text."""
        return self.query_one("#text", TextPane)

    def on_mount(self) -> None:
        """The text has the keys."""
        self.pane.focus()

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        found = self.found()
        missed = not found and bool(self.filter)
        self.head(
            (Span(f" {self._heading}", Tone.STRONG),),
            words(f" {self.filter.no_match} ", Tone.WAIT) if missed else BLANK,
        )
        self._show(self.lines if missed else found)

    def _show(self, lines: list[Line], *, top: int | None = None) -> None:
        """Lines that are too long for the screen go on below."""
        width = self.app.size.width
        self.pane.show(folded(lines, width), top=top)

    @property
    def place(self) -> str:
        """See ``Face``."""
        return self._heading

    def found(self) -> list[Line]:
        """The lines that match; where none does the whole page stays, and it is said."""
        return [one for one in self.lines if self.filter.matches(text_of(one))]

    def focus_body(self) -> None:
        """The text."""
        self.pane.focus()

    def action_copy(self) -> None:
        """Copy all of it, lines whole."""
        lines = self.found() or self.lines
        self.ui.copy("\n".join(text_of(line).rstrip() for line in lines))


class StepScreen(Reading):
    """All about one step.

    Args:
        section: title of the section to start at.
    """

    def __init__(self, step: StepView, section: str = "") -> None:
        super().__init__(f"{step.name}  detail")
        self.step = step
        self._section = section
        self._artifacts: list[Artifact] = []
        self._raw: Any = None

    def on_mount(self) -> None:
        """What is known at once, then the rest."""
        self.run_worker(self._load())

    async def _load(self) -> None:
        try:
            self._artifacts = await self.feed.artifacts(self.step)
            self._raw = await self.feed.raw_arguments(self.step)
        except PipetuiError as problem:
            self.ui.say(problem)
        self.renew()
        if self._section:
            self.pane.show(self.pane.lines, top=detail.section(self.pane.lines, self._section))

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        self.step = self.feed.steps.get(self.step.name, self.step)
        self.lines = detail.step_lines(
            self.step,
            artifacts=self._artifacts,
            raw=self._raw,
            now=self.ui.now(),
            width=self.app.size.width,
            display=self.look,
        )
        if not self.clear:
            self.lines = without(self.lines, self.feed.secrets(self.step))
        super().renew(update)


class WhyScreen(Reading, inherit_bindings=False):
    """Why a step is red, was not run, or decided what it did."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.GLOBAL, Scope.WHY)

    def __init__(self, step: StepView) -> None:
        super().__init__(f"{step.name}  why")
        self.step = step
        self.lines = [words(" reading the log", Tone.FAINT)]
        self._place = ("", "", 0)

    def on_mount(self) -> None:
        """The log is read beside the screen's loop: it may be long."""
        self.instead(self._load, "why")

    def action_secrets(self) -> None:
        """See ``Face``; what the log says is read again."""
        super().action_secrets()
        self.instead(self._load, "why")

    def found(self) -> list[Line]:
        """See ``Reading``; secrets that the step was given are masked."""
        if not self.clear:
            self.lines = without(self.lines, self.feed.secrets(self.step))
        return super().found()

    async def _load(self) -> None:
        log = self.feed.log(self.step, clear=self.clear)
        summary, block, file, number = await asyncio.to_thread(_first_error, log)
        path = locate(file, self.step.directory)
        if path is not None:
            self._place = (*await self._to_edit(path), number)
        code = await asyncio.to_thread(around, path, number) if path else []
        tell = partial(
            detail.why,
            self.step,
            summary=summary,
            at=f"{file}:{number}" if file else "",
            block=block,
            code=code,
            code_line=number,
            width=self.app.size.width,
            display=self.look,
            now=self.ui.now(),
        )
        because: list[Line] = []
        with suppress(PipetuiError):
            known = await decided(self.feed, self.step)
            because = decision_lines(
                self.step, known.decisions, known.branches or {}, self.app.size.width, self.look
            )
        self.lines = [*tell(), *because]
        self.renew()
        if self.step.directory:
            with suppress(PipetuiError):
                self.lines = [*tell(since=await self._compared(log)), *because]
            self.renew()

    async def _to_edit(self, copy: Path) -> tuple[str, str]:
        """The file behind the attempt's copy, or the copy; and which one it is, in words."""
        step = self.step
        others = []
        execution = await self.feed.execution(step.execution_id)
        for uri in source_uris(copy, step.directory, step.arguments):
            with suppress(PipetuiError):
                beside = str(Path(execution.file).parent / uri)
                others.append(await self.feed.place(uri) if "://" in uri else beside)
        found = await asyncio.to_thread(original, copy, execution.file, filter(None, others))
        if found is not None:
            return str(found), f"opened {found}"
        return str(copy), f"opened the attempt's copy, which no run reads again: {copy}"

    async def _compared(self, log: LogSource) -> list[Line]:
        """What differs since the step's last green run."""
        green = await self.feed.last_green(self.step)
        width = self.app.size.width
        if green is None:
            return since_lines([], "", [], width)
        found = await self.feed.compare_step(green, self.step)
        unseen = await asyncio.to_thread(unseen_lines, log, self.feed.log(green))
        when = self.look.moment(green.ended_at or 0.0, self.ui.now())
        which = f"{short_id(green.execution_id)}, {when}"
        return since_lines(found, which, unseen, width, clear=self.clear)

    def applies(self, action: Action) -> bool:
        """A file can be opened where the error names one."""
        return action.handler != "editor" or bool(self._place[0])

    def action_editor(self) -> None:
        """Open the file at the line, and say which one."""
        file, told, line = self._place
        self.ui.edit_at(file, line, told)

    def action_log(self) -> None:
        """The whole log, at the error."""
        self.ui.open_execution(self.step.execution_id, step=self.step.name, tab="log")


def _first_error(log: LogSource) -> tuple[str, list[str], str, int]:
    """The error in one line, the log's lines that say so, and the file and line it points to."""
    while log.refresh() and not log.complete:
        pass
    found = log.first_error()
    if found is None:
        return "", [line.text for line in log.tail(12)], "", 0
    size = min(_BLOCK, found.last_line - found.first_line + 1)
    lines = log.lines(max(found.first_line, found.last_line - size + 1), size)
    return found.summary, [line.text for line in lines], found.file, found.line
