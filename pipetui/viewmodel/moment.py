"""One execution as all its panes show it: as it is now, or as it was at a moment of its past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pipetui.viewmodel.state import Display

if TYPE_CHECKING:
    from engine.api import Event, ExecutionView, Graph, MetricSeries, StepView, Trial, Usage


class Measured(Protocol):
    """What is known of steps beside their state: read from files, so that it may come later."""

    def usage(self, step: StepView) -> Usage | None:
        """What the step took of the host."""

    def series(self, step: StepView) -> Sequence[MetricSeries]:
        """The curves in its log."""

    def trials(self, step: StepView) -> Sequence[Trial]:
        """The training jobs of a tuning step."""


class Unmeasured:
    """Knows nothing."""

    def usage(self, step: StepView) -> Usage | None:
        """None."""
        return None

    def series(self, step: StepView) -> Sequence[MetricSeries]:
        """None."""
        return ()

    def trials(self, step: StepView) -> Sequence[Trial]:
        """None."""
        return ()


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
    measured: Measured = field(default_factory=Unmeasured)

    def usage(self, step: StepView) -> Usage | None:
        """What a step had taken of the host by this moment."""
        usage = self.measured.usage(step)
        return usage.until(self.now) if usage is not None and self.past else usage

    def series(self, step: StepView) -> Sequence[MetricSeries]:
        """The curves that a step's log held by this moment."""
        series = self.measured.series(step)
        return [one.until(self.now) for one in series] if self.past else series

    @property
    def step(self) -> StepView | None:
        """The step under the cursor."""
        return self.steps.get(self.selected)
