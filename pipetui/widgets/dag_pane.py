"""The graph of one execution."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.binding import BindingType

from pipetui.actions import Scope
from pipetui.dag.cells import ASCII, UNICODE
from pipetui.dag.export import SUFFIXES, Format
from pipetui.dag.widget import DagView
from pipetui.keys import Performer, bindings
from pipetui.viewmodel.executions import step_seconds
from pipetui.viewmodel.lines import Tone, words
from pipetui.viewmodel.moment import Moment
from pipetui.viewmodel.state import Display
from pipetui.viewmodel.steps import dag, node_status
from pipetui.widgets.tab import Tab

if TYPE_CHECKING:
    from engine.api import Graph, StepView
    from pipetui.ui import PipetuiApp


class DagPane(Performer, Tab, DagView, can_focus=True, inherit_bindings=False):
    """A graph view that shows steps in the theme's colours."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.GRAPH)

    def __init__(self, look: Display, *, id: str | None = None) -> None:
        super().__init__(glyphs=UNICODE if look.unicode else ASCII, id=id)
        self.look = look
        self._drawn: Graph | None = None
        self._green: Sequence[StepView] = ()
        self._title = "graph"

    def show(self, moment: Moment, changed: set[str] | None = None) -> None:
        """See ``Tab``."""
        self.look = moment.look
        if moment.graph is not None and moment.graph != self._drawn:
            self._drawn, changed = moment.graph, None
            self.show_graph(moment.graph)
        if moment.expected is not self._green:
            self._green = moment.expected
            self.show_expected(moment.expected)
        self.show_steps(moment.steps, moment.now, changed)
        self.set_marks(moment.marked)
        self._title = moment.execution.id
        if not self.has_focus and moment.selected:
            self.select(moment.selected)

    def show_graph(self, graph: Graph) -> None:
        """The steps and what waits for what."""
        self.set_dag(dag(graph))

    def show_steps(
        self, steps: Mapping[str, StepView], now: float, changed: set[str] | None
    ) -> None:
        """How the steps stand; only the ``changed`` ones where that is known."""
        if changed is not None and not changed:
            return
        inks = cast("PipetuiApp", self.app).inks
        styles = {tone: str(style) for tone, style in inks.tones.items()}
        self.set_statuses(
            {
                name: node_status(step, now=now, display=self.look, styles=styles)
                for name, step in steps.items()
                if changed is None or name in changed
            }
        )
        if changed is None:
            spent = {name: step_seconds(step, now) for name, step in steps.items()}
            self.set_durations({name: value for name, value in spent.items() if value is not None})

    def show_expected(self, steps: Iterable[StepView]) -> None:
        """What an earlier execution took for each step, for when a waiting one may start."""
        taken = {step.name: step_seconds(step, 0.0) for step in steps if step.ended_at is not None}
        self.set_expected({name: value for name, value in taken.items() if value is not None})

    def action_export(self) -> None:
        """Ask for a file's name, and write the graph to it in the form that its end says."""
        from pipetui.screens.confirm import Blank, Confirm

        ui = cast("PipetuiApp", self.app)
        forms = " ".join(dict.fromkeys(SUFFIXES))
        usual = f"{self._title}.svg"

        def write(values: dict[str, Any] | None) -> None:
            if values is None:
                return
            path = Path(values["file"].strip() or usual).expanduser()
            form = SUFFIXES.get(path.suffix.lower())
            if form is None:
                ui.say(f"{path.name}: the name ends in one of {forms}")
                return
            ui.attempt(asyncio.to_thread(self._write, path, form), f"wrote {path}")

        lines = [words(f" The end of its name says what is written: {forms}", Tone.DIM)]
        ui.push_screen(Confirm("Write the graph to a file?", lines, [Blank("file", usual)]), write)

    def _write(self, path: Path, form: Format) -> None:
        text = self.exported(form, self._title)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)

    def select(self, step: str) -> None:
        """Put the cursor on a step, or on the folded node that holds it."""
        self.seek(step)

    @on(DagView.Selected)
    def _walked(self, event: DagView.Selected) -> None:
        event.stop()
        if self.has_focus:
            self.post_message(self.Picked(event.members[0] if event.members else event.name))
