"""Questions: do it or not, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from pipetui.screens.face import Dialog
from pipetui.viewmodel.executions import title
from pipetui.viewmodel.lines import Line, Tone, words, wrap
from pipetui.widgets.bar import Bar
from pipetui.widgets.pane import TextPane

if TYPE_CHECKING:
    from engine.api import ExecutionView, ModelPackageView, WaitingCallback
    from pipetui.ui import PipetuiApp


class Confirm(Dialog, inherit_bindings=False):
    """A question with a comment; dismissed with the texts typed, or None.

    Args:
        question: what will be done.
        lines: what a person should know before.
        fields: name -> placeholder of each text that can be typed; the first has the focus.
    """

    def __init__(self, question: str, lines: Sequence[Line], fields: dict[str, str]) -> None:
        super().__init__()
        self._question = question
        self._lines = list(lines)
        self._fields = fields

    def compose(self) -> ComposeResult:
        """The question, what to know, the texts, the keys."""
        with Vertical(id="dialog"):
            yield Bar(words(f" {self._question}", Tone.STRONG))
            pane = TextPane(id="question")
            pane.can_focus = False
            pane.styles.height = min(10, len(self._lines))
            yield pane
            for index, hint in enumerate(self._fields.values()):
                yield Input(id=f"field-{index}", placeholder=hint)
            yield Bar(id="footer")

    def on_mount(self) -> None:
        """The first text has the keys."""
        self.query_one("#question", TextPane).show(self._lines)
        self.query(Input).first().focus()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_yes()

    def action_yes(self) -> None:
        """Do it."""
        boxes = zip(self._fields, self.query(Input), strict=True)
        self.dismiss({name: box.value for name, box in boxes})


def ask_stop(ui: PipetuiApp, execution: ExecutionView) -> None:
    """Ask, then stop an execution."""
    running = execution.steps_running
    what = f"{running} running {'step is' if running == 1 else 'steps are'} told to stop"
    lines = [words(f" {what}; a rerun can go on from here.", Tone.DIM)]

    def stop(texts: dict[str, str] | None) -> None:
        if texts is not None:
            deed = ui.feed.stop(execution.id, texts["reason"])
            ui.attempt(deed, f"stopping {title(execution)}")

    question = f"Stop {title(execution)}?"
    ui.push_screen(Confirm(question, lines, {"reason": "reason, if you like"}), stop)


def ask_answer(ui: PipetuiApp, waiting: WaitingCallback, success: bool) -> None:
    """Ask, then answer a Callback step; approving asks for the outputs it has to bring."""
    step = waiting.step
    lines: list[Line] = [
        words(f" {name}: {value}", Tone.DIM) for name, value in step.callback_inputs.items()
    ]
    outputs = waiting.outputs if success else ()
    fields = {"comment": "comment"}
    fields |= {f"output {one.name}": f"output {one.name}, {one.type}" for one in outputs}

    def answer(texts: dict[str, str] | None) -> None:
        if texts is None:
            return
        values = {one.name: texts[f"output {one.name}"] for one in outputs}
        deed = ui.feed.answer(
            step.callback_token, success=success, comment=texts["comment"], outputs=values
        )
        ui.attempt(deed, f"{'approved' if success else 'rejected'} {step.name}")

    verb = "Approve" if success else "Reject"
    ui.push_screen(Confirm(f"{verb} {step.name}?", lines, fields), answer)


def ask_decide(ui: PipetuiApp, package: ModelPackageView, approve: bool) -> None:
    """Ask, then approve or reject a model package version."""
    name = f"{package.group} v{package.version}"
    verb = "Approve" if approve else "Reject"
    told = f"It is {package.approval}, and your name goes into its record."
    lines = wrap(told, 76, Tone.DIM, " ")

    def decide(texts: dict[str, str] | None) -> None:
        if texts is not None:
            deed = ui.feed.decide(package.arn, approve=approve, comment=texts["comment"])
            ui.attempt(deed, f"{'approved' if approve else 'rejected'} {name}")

    ui.push_screen(Confirm(f"{verb} {name}?", lines, {"comment": "comment"}), decide)
