"""One execution as all its panes show it: as it is now, or as it was at a moment of its past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipetui.viewmodel.state import Display

if TYPE_CHECKING:
    from engine.api import Event, ExecutionView, Graph, StepView


@dataclass(frozen=True, slots=True)
class Moment:
    """What every pane of an execution is painted from.

    Args:
        steps: in the definition's order.
        events: oldest first, those up to this moment.
        graph: None until it is read.
        selected: name of the step under the cursor, empty where there is none.
        marked: names of the steps that a person marked.
        expected: the steps of the pipeline's last green execution, for how long each may take.
        now: seconds since the epoch; a moment of the past where ``past`` is set.
    """

    execution: ExecutionView
    steps: Mapping[str, StepView]
    now: float
    look: Display
    events: Sequence[Event] = ()
    graph: Graph | None = None
    selected: str = ""
    marked: frozenset[str] = field(default_factory=frozenset)
    expected: Sequence[StepView] = ()
    past: bool = False

    @property
    def step(self) -> StepView | None:
        """The step under the cursor."""
        return self.steps.get(self.selected)
