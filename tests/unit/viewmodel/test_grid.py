"""The history of a pipeline is a grid of its steps and its executions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.api import ExecutionStatus, ExecutionView, StepView
from engine.model.events import IterationContext
from engine.model.status import StepStatus
from pipetui.viewmodel.grid import (
    CELL,
    columns_that_fit,
    grid,
    name_width,
    sparkline,
    step_line,
    success_rate,
)
from pipetui.viewmodel.lines import length, text_of
from pipetui.viewmodel.state import Display

OK, BAD = StepStatus.SUCCEEDED, StepStatus.FAILED


def execution(number: int) -> ExecutionView:
    return ExecutionView(f"run{number}", "churn", ExecutionStatus.SUCCEEDED, float(number))


def step(run: int, name: str, status: StepStatus = OK, took: float = 1.0) -> StepView:
    started = float(run)
    return StepView(f"run{run}", 0, name, "Training", status, started_at=started,
                    ended_at=started + took)  # fmt: skip


def test_the_newest_definition_says_the_order_and_older_steps_come_last() -> None:
    steps = {
        "run1": [step(1, "load"), step(1, "train")],
        "run2": [step(2, "split"), step(2, "train")],
    }
    made = grid([execution(2), execution(1)], steps)
    assert [one.id for one in made.executions] == ["run1", "run2"]
    assert made.steps == ("split", "train", "load")
    assert made.cell(0, 0) is None
    assert made.cell(1, 0) == steps["run2"][0]


def test_the_iteration_that_failed_speaks_for_all() -> None:
    iterations = [
        StepView("run1", index, f"train-{index}", "Training", status,
                 iteration=IterationContext("each", index, index))
        for index, status in enumerate((OK, BAD, OK))
    ]  # fmt: skip
    made = grid([execution(1)], {"run1": iterations})
    assert made.steps == ("train",)
    assert made.cell(0, 0) == iterations[1]


def test_a_result_from_elsewhere_is_no_run() -> None:
    reused = StepView("run2", 0, "train", "Training", OK, source_execution="run1")
    made = grid([execution(1), execution(2)], {"run1": [step(1, "train")], "run2": [reused]})
    assert made.runs("train") == [step(1, "train")]


def test_the_rate_is_never_whole_where_one_failed() -> None:
    runs = [step(n, "train") for n in range(999)]
    assert success_rate(runs) == "100%"
    assert success_rate([*runs, step(999, "train", BAD)]) == "99%"
    assert success_rate([]) == ""


def test_a_trend_shows_the_last_values_between_least_and_greatest() -> None:
    assert sparkline([9, 1, 2, 8], 3) == "▁▂█"
    assert sparkline([5, 5], 8) == "▁▁"
    assert sparkline([1, 2], 8, unicode=False) == ".@"
    assert sparkline([], 8) == ""


@given(st.lists(st.floats(0, 1e9), max_size=30), st.integers(0, 12))
def test_a_trend_is_never_wider_than_asked(values: list[float], width: int) -> None:
    assert len(sparkline(values, width)) == min(len(values), width)


@given(st.integers(1, 80), st.integers(60, 240), st.data())
def test_every_line_fits_whatever_the_width(runs: int, width: int, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.text("abc-", min_size=1, max_size=60), min_size=1, unique=True))
    made = grid(
        [execution(n) for n in range(runs)],
        {f"run{n}": [step(n, name, took=n) for name in names] for n in range(runs)},
    )
    wide = name_width(made, width)
    count = min(columns_that_fit(width, wide), runs)
    for column in (None, 0, count - 1):
        line = step_line(
            made, 0, first=0, count=count, names=wide, display=Display(), column=column
        )
        assert length(line) <= width
        assert text_of(line)[2 + wide + 1 :: CELL][: min(count, 3)] == "✔" * min(count, 3)
        assert ("[✔]" in text_of(line)) is (column is not None)
