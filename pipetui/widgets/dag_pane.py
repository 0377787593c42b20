"""The graph of one execution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.binding import BindingType
from textual.message import Message

from pipetui.actions import Scope
from pipetui.dag.cells import ASCII, UNICODE
from pipetui.dag.widget import DagView
from pipetui.keys import Performer, bindings
from pipetui.viewmodel.executions import step_seconds
from pipetui.viewmodel.state import Display
from pipetui.viewmodel.steps import dag, node_status

if TYPE_CHECKING:
    from engine.api import Graph, StepView
    from pipetui.ui import PipetuiApp


class DagPane(Performer, DagView, can_focus=True, inherit_bindings=False):
    """A graph view that shows steps in the theme's colours."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.GRAPH)

    class Picked(Message):
        """A person walked to a step."""

        def __init__(self, step: str) -> None:
            super().__init__()
            self.step = step

    def __init__(self, look: Display, *, id: str | None = None) -> None:
        super().__init__(glyphs=UNICODE if look.unicode else ASCII, id=id)
        self.look = look

    def show_graph(self, graph: Graph) -> None:
        """The steps and what waits for what."""
        self.set_dag(dag(graph))

    def show_steps(
        self, steps: Mapping[str, StepView], now: float, changed: set[str] | None
    ) -> None:
        """How the steps stand; only the ``changed`` ones where that is known."""
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

    def select(self, step: str) -> None:
        """Put the cursor on a step, or on the folded node that holds it."""
        self.seek(step)

    @on(DagView.Selected)
    def _walked(self, event: DagView.Selected) -> None:
        event.stop()
        if self.has_focus:
            self.post_message(self.Picked(event.members[0] if event.members else event.name))
