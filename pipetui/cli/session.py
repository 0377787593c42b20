"""What all commands share: the home, the form of the output, and the way to write it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import engine.api as api
from engine.errors import PipetuiError
from pipetui.cli.text import Ink

if TYPE_CHECKING:
    import subprocess


@dataclass(slots=True)
class Session:
    """One run of the program.

    Args:
        home_text: what ``--home`` says.
        output: ``text``, ``json`` or ``jsonl``.
        runner: a runner process that was launched ahead, until somebody takes it.
    """

    home_text: str = ""
    output: str = "text"
    read_only: bool = False
    linear: bool = False
    runner: subprocess.Popen[bytes] | None = None
    _ink: Ink | None = field(default=None, init=False)

    @property
    def home(self) -> api.Home:
        """The home the command works on."""
        return api.Home.locate(self.home_text)

    @property
    def text(self) -> bool:
        """Whether a person reads what is written."""
        return self.output == "text"

    @property
    def ink(self) -> Ink:
        """How text looks on this standard output."""
        if self._ink is None:
            self._ink = ink_for(sys.stdout)
        return self._ink

    @contextmanager
    def reader(self, *, resume: bool = True) -> Iterator[api.LocalReader]:
        """The executions of the home, for as long as the block lasts.

        Args:
            resume: first give executions whose runner died a new one.
        """
        home = self.home
        if resume:
            self.resume(home)
        reader = api.open_reader(home)
        try:
            yield reader
        finally:
            reader.close()

    def resume(self, home: api.Home) -> None:
        """Take over executions whose runner died; what stands in the way is only told."""
        try:
            for execution_id in api.resume_orphans(home):
                self.note(f"{execution_id}: its runner was gone; a new one goes on")
        except PipetuiError as problem:
            self.note(f"an execution whose runner is gone cannot go on: {problem}")

    def control(self) -> api.Control:
        """The actions on the executions of the home."""
        return api.open_control(self.home.prepare())

    def line(self, text: str = "") -> None:
        """Write a line to standard output."""
        print(text)

    def note(self, text: str) -> None:
        """Write a line to standard error, where it never mixes with what a program reads."""
        print(ink_for(sys.stderr).safe(text), file=sys.stderr)

    def note_open_questions(self, steps: Iterable[api.StepView]) -> None:
        """Tell which answers an execution that is being stopped still waits for."""
        for step in steps:
            if step.waits_for_answer:
                self.note(
                    f"{step.execution_id} stops when its Callback step {step.name} is answered:"
                    f" pipetui approve|reject {step.callback_token}"
                )

    def json(self, value: Mapping[str, Any]) -> None:
        """Write a JSON document: on one line for ``jsonl``, else for the eye."""
        import json

        indent = None if self.output == "jsonl" else 2
        print(json.dumps(value, indent=indent, ensure_ascii=False))


def ink_for(stream: Any) -> Ink:
    """What a stream can show: colours, its width and its character set."""
    terminal = stream.isatty()
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    unicode = (stream.encoding or "").lower().startswith("utf")
    return Ink(colour, unicode, _width() if terminal else 0)


def _width() -> int:
    import shutil

    return shutil.get_terminal_size().columns
