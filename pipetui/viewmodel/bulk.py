"""Several executions to be run again: what each would do, and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipetui.viewmodel.executions import title
from pipetui.viewmodel.lines import Column, Row, Tone, words
from pipetui.viewmodel.rerun import works
from pipetui.viewmodel.state import Display, execution_state

if TYPE_CHECKING:
    from engine.api import ExecutionView, PlanView

COLUMNS = (
    Column("", 1),
    Column("EXECUTION", 14, grow=1, most=40),
    Column("WOULD", 24, grow=2),
    Column("RESULT", 14, grow=1),
)


@dataclass(frozen=True, slots=True)
class Planned:
    """A dry run, or why there is none."""

    plan: PlanView | None
    problem: str = ""

    @property
    def works(self) -> bool:
        """Whether it can be run."""
        return self.plan is not None and works(self.plan)

    @property
    def sentence(self) -> str:
        """``run 5 · reused 3``."""
        if self.plan is None:
            return self.problem
        if not self.works:
            return next(one.message for one in self.plan.problems if not one.warning)
        counts = Counter(step.action for step in self.plan.steps)
        order = [name for name in ("run", "reused", "cached", "skipped") if counts[name]]
        return " · ".join(f"{name} {counts[name]}" for name in order)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one."""

    text: str
    refused: bool = False


def row(
    execution: ExecutionView, planned: Planned | None, result: Result | None, display: Display
) -> Row:
    """One execution."""
    state = execution_state(execution)
    would = planned.sentence if planned else "planning"
    tone = Tone.PLAIN if planned and planned.works else Tone.BAD if planned else Tone.FAINT
    came = result.text if result else ""
    told = Tone.BAD if result and result.refused else Tone.GOOD
    return Row(
        execution.id,
        ((display.mark(state),), words(title(execution)), words(would, tone), words(came, told)),
        f"{title(execution)} {state.word} {would} {came}",
    )


def sentence(results: Iterable[Result]) -> str:
    """``2 started, 1 refused``."""
    found = list(results)
    refused = sum(one.refused for one in found)
    return f"{len(found) - refused} started" + (f", {refused} refused" if refused else "")
