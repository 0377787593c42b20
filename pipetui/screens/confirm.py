"""Questions: do it or not, and why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from pipetui.feed import PipetuiError
from pipetui.screens.face import Dialog
from pipetui.viewmodel.answers import value_of
from pipetui.viewmodel.executions import title
from pipetui.viewmodel.inbox import asked_lines, typed
from pipetui.viewmodel.lines import BLANK, Line, Tone, folded, words, wrap
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane

if TYPE_CHECKING:
    from engine.api import ExecutionView, ModelPackageView, ParameterView, StepView, WaitingCallback
    from pipetui.ui import PipetuiApp


@dataclass(frozen=True, slots=True)
class Blank:
    """A text to fill in, behind its name.

    Args:
        hint: what to say while it is empty.
        parameter: what it has to be; None takes any text, also an empty one.
    """

    name: str
    hint: str
    parameter: ParameterView | None = None

    @property
    def label(self) -> str:
        """What stands before it; a star where it has to be filled in."""
        return f"{self.name} *" if self.parameter and self.parameter.required else self.name

    def value(self, text: str) -> Any:
        """What the text stands for.

        Errors: ``ValueError`` with a sentence.
        """
        if self.parameter is None:
            return text
        return value_of(self.parameter, text)


class Confirm(Dialog):
    """A question with texts to fill in; dismissed with their values, or None.

    Args:
        question: what will be done.
        lines: what a person should know before.
    """

    def __init__(self, question: str, lines: Sequence[Line], blanks: Sequence[Blank]) -> None:
        super().__init__()
        self._question = question
        self._lines = list(lines)
        self._blanks = list(blanks)

    def compose(self) -> ComposeResult:
        """The question, what to know, the texts, the keys."""
        with Vertical(id="dialog"):
            yield Bar(words(f" {self._question}", Tone.STRONG))
            pane = TextPane(id="question")
            pane.can_focus = False
            width = self.app.size.width
            self._lines = folded(self._lines, width)
            pane.styles.height = min(10, len(self._lines))
            yield pane
            width = max(len(blank.label) for blank in self._blanks)
            for blank in self._blanks:
                with Horizontal(classes="blank"):
                    label = Bar(words(f" {blank.label:<{width}} "))
                    label.styles.width = width + 2
                    yield label
                    yield Input(placeholder=blank.hint)
            yield Bar(id="footer")

    def on_mount(self) -> None:
        """The first text has the keys."""
        self.query_one("#question", TextPane).show(self._lines)
        self.query(Input).first().focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        boxes = list(self.query(Input))
        here = boxes.index(event.input)
        later = boxes[here + 1 :]
        if later and not later[0].value:
            if not (problem := self._problem(here)):
                later[0].focus()
            self.ui.say(problem)
        else:
            self.action_yes()

    def _problem(self, index: int) -> str:
        """Why a text is not what it has to be; empty where it is."""
        blank, box = self._blanks[index], list(self.query(Input))[index]
        try:
            blank.value(box.value)
        except ValueError as problem:
            return f"{blank.name}: {problem}"
        return ""

    def action_yes(self) -> None:
        """Do it, unless a text is not what it has to be."""
        boxes = list(self.query(Input))
        for index, box in enumerate(boxes):
            if problem := self._problem(index):
                self.ui.say(problem)
                box.focus()
                return
        pairs = zip(self._blanks, boxes, strict=True)
        self.dismiss({blank.name: blank.value(box.value) for blank, box in pairs})


_COMMENT = Blank("comment", "if you like")


def ask_stop(ui: PipetuiApp, execution: ExecutionView) -> None:
    """Ask, then stop an execution."""
    running = execution.steps_running
    what = f"{running} running {'step is' if running == 1 else 'steps are'} told to stop"
    lines = [words(f" {what}; a rerun can go on from here.", Tone.DIM)]

    if execution.steps_waiting_for_answer:
        told = " A step waits for an answer: the execution stops once it has one (A or X)."
        lines.append(words(told, Tone.WAIT))

    def stop(values: dict[str, Any] | None) -> None:
        if values is not None:
            deed = ui.feed.stop(execution.id, values["reason"])
            ui.attempt(deed, f"stopping {title(execution)}")

    question = f"Stop {title(execution)}?"
    ui.push_screen(Confirm(question, lines, [Blank("reason", "if you like")]), stop)


@dataclass(frozen=True, slots=True)
class _Count(Blank):
    """A number of steps, at least one."""

    def value(self, text: str) -> int:
        """See ``Blank.value``."""
        if text.strip().isdecimal() and int(text) > 0:
            return int(text)
        raise ValueError("it is a whole number, at least 1")


def ask_parallelism(ui: PipetuiApp, execution: ExecutionView) -> None:
    """Ask how many steps may run at once, then change it."""
    limit = execution.max_parallel
    now = f"at most {limit} run at once" if limit else "the host's default counts"
    told = f" Now {now}; steps that run already go on in any case."

    def change(values: dict[str, Any] | None) -> None:
        if values is not None:
            number = values["steps at once"]
            deed = ui.feed.change_parallelism(execution.id, number)
            ui.attempt(deed, f"{title(execution)} runs at most {number} steps at once")

    question = f"How many steps of {title(execution)} at once?"
    blank = _Count("steps at once", "steps at once")
    ui.push_screen(Confirm(question, [words(told, Tone.DIM)], [blank]), change)


def ask_stop_all(ui: PipetuiApp, executions: Sequence[ExecutionView]) -> None:
    """Ask, then stop executions one after another, and say of each how that went."""
    shown = [words(f"   {title(one)}", Tone.DIM) for one in executions[:8]]
    hidden = len(executions) - len(shown)
    more = [words(f"   and {hidden} more", Tone.DIM)] if hidden else []

    async def stop_each(reason: str) -> None:
        told = []
        for one in executions:
            try:
                await ui.feed.stop(one.id, reason)
            except PipetuiError as problem:
                told.append(f"{title(one)}: {problem}")
            else:
                told.append(f"stopping {title(one)}")
            ui.say(" · ".join(told))

    def stop(values: dict[str, Any] | None) -> None:
        if values is not None:
            ui.run_worker(stop_each(values["reason"]), group="deeds")

    question = f"Stop {len(executions)} executions?"
    blank = Blank("reason", "if you like")
    ui.push_screen(Confirm(question, [*shown, *more], [blank]), stop)


def ask_answer(ui: PipetuiApp, waiting: WaitingCallback, success: bool) -> None:
    """Ask, then answer a Callback step; approving asks for the outputs it has to bring."""
    step = waiting.step
    outputs = waiting.outputs if success else ()
    lines = asked_lines(waiting, ui.size.width)
    if any(one.required for one in outputs):
        lines += [BLANK, words(" The step hands on what stands behind a *.", Tone.DIM)]
    blanks = [*(Blank(one.name, typed(one), one) for one in outputs), _COMMENT]

    def answer(values: dict[str, Any] | None) -> None:
        if values is None:
            return
        brought = {one.name: values[one.name] for one in outputs}
        deed = ui.feed.answer(
            step.callback_token, success=success, comment=values["comment"], outputs=brought
        )
        ui.attempt(deed, f"{'approved' if success else 'rejected'} {step.name}")

    verb = "Approve" if success else "Reject"
    question = f"{verb} step {step.name} of {title(waiting.execution)}?"
    ui.push_screen(Confirm(question, lines, blanks), answer)


def ask_shell(ui: PipetuiApp, step: StepView) -> None:
    """Ask, then open a shell where a step's job ran."""
    told = (
        "It has the job's interpreter, its variables, secrets included, and its /opt/ml. What is"
        " changed there goes with the shell; what it does elsewhere is done."
    )
    lines = wrap(told, min(100, ui.size.width - 2), Tone.DIM, " ")
    if step.running:
        lines.append(words(" The job still runs: what it writes now may not be seen.", Tone.WAIT))

    async def open_shell() -> None:
        ui.run_shell(await ui.feed.shell(step))

    def answer(values: dict[str, Any] | None) -> None:
        if values is not None:
            ui.attempt(open_shell())

    ui.push_screen(Confirm(f"Open a shell in {step.name}?", lines, [_GO]), answer)


_GO = Blank("go", "enter opens it")


def ask_decide(ui: PipetuiApp, package: ModelPackageView, approve: bool) -> None:
    """Ask, then approve or reject a model package version."""
    name = f"{package.group} v{package.version}"
    verb = "Approve" if approve else "Reject"
    told = f"It is {package.approval}, and your name goes into its record."
    lines = wrap(told, 76, Tone.DIM, " ")

    def decide(values: dict[str, Any] | None) -> None:
        if values is not None:
            deed = ui.feed.decide(package.arn, approve=approve, comment=values["comment"])
            ui.attempt(deed, f"{'approved' if approve else 'rejected'} {name}")

    ui.push_screen(Confirm(f"{verb} {name}?", lines, [_COMMENT]), decide)


def ask_file(ui: PipetuiApp, proposed: str) -> None:
    """Ask which definition file to run, then show its form.

    Args:
        proposed: a file; empty for none.
    """
    lines = [words(f" {proposed}", Tone.DIM)] if proposed else []
    blank = Blank("file", "empty: the file above; else another one" if proposed else "its path")

    def show(values: dict[str, Any] | None) -> None:
        from pipetui.screens.rerun import LaunchScreen

        file = (values or {}).get("file", "") or proposed
        if values is not None and file:
            ui.push_screen(LaunchScreen(os.path.abspath(os.path.expanduser(file))))

    ui.push_screen(Confirm("Run a definition file?", lines, [blank]), show)
