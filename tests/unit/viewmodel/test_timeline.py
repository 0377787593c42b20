"""The timeline: phases in order, cells within the axis, ticks apart."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.model import events as e
from engine.model.fold import apply
from engine.model.status import StepStatus
from engine.model.views import AttemptView, StepView
from engine.sources.base import Graph, GraphEdge, GraphNode
from pipetui.viewmodel import timeline
from pipetui.viewmodel.axis import Axis, fitting, next_scale, ticks
from pipetui.viewmodel.bars import Bar, Chart, Phase, bars
from pipetui.viewmodel.lines import Span, length, text_of
from pipetui.viewmodel.moment import Moment
from pipetui.viewmodel.state import Display
from pipetui.viewmodel.times import TimeMode

NOW = 1_790_000_000.0
LOOK = Display()
_gaps = st.lists(st.floats(0.0, 500.0), min_size=4, max_size=4)


@st.composite
def steps(draw: st.DrawFn) -> tuple[StepView, float]:
    """A step with some attempts, and the present."""
    at = NOW
    attempts = []
    count = draw(st.integers(0, 3))
    for number in range(1, count + 1):
        queued, starting, running, finalising = draw(_gaps)
        start = at + queued
        marks = [start + starting, start + starting + running]
        end = marks[1] + finalising
        status = StepStatus.SUCCEEDED if number == count else StepStatus.FAILED
        attempts.append(
            AttemptView(
                number,
                status,
                start,
                end,
                "/attempt",
                {"pid": 1},
                executing_at=draw(st.sampled_from([None, marks[0]])),
                finalising_at=draw(st.sampled_from([None, marks[1]])),
            )
        )
        at = end
    status = StepStatus.SUCCEEDED if attempts else StepStatus.WAITING
    return StepView("x", 0, "train", "Training", status, attempts=tuple(attempts)), at + draw(
        st.floats(0.0, 100.0)
    )


@given(steps())
def test_bars_follow_each_other_and_fill_each_attempt(given: tuple[StepView, float]) -> None:
    step, now = given
    found = bars(step, NOW, now)
    assert all(bar.start <= bar.end for bar in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    for attempt in step.attempts:
        own = [b for b in found if b.attempt == attempt.number and b.phase is not Phase.QUEUED]
        assert own[0].start == attempt.started_at
        assert own[-1].end == attempt.ended_at
        assert all(before.end == after.start for before, after in pairwise(own))


@given(steps(), st.integers(1, 120), st.floats(0.001, 300.0))
def test_cells_are_as_many_as_the_axis_has_and_show_every_phase_that_has_room(
    given: tuple[StepView, float], width: int, per_cell: float
) -> None:
    step, now = given
    axis = Axis(NOW, NOW, per_cell, width)
    found = bars(step, NOW, now)
    painted = timeline.cells(found, axis)
    assert len(painted) == width
    for bar in found:
        if bar.end - bar.start > 2.1 * per_cell and axis.column(bar.start) + 2 < width:
            assert bar in painted
    known = [found.index(one) for one in painted if one is not None]
    assert known == sorted(known), "what came later stands further to the right"


@given(st.floats(0.0, 1e7), st.integers(1, 300), st.sampled_from(list(TimeMode)))
def test_all_of_an_execution_fits_and_labels_of_ticks_do_not_touch(
    took: float, width: int, mode: TimeMode
) -> None:
    axis = fitting(NOW, NOW + took, width)
    assert axis.end >= NOW + took * 0.999
    end = -1
    for column, text in ticks(axis, Display(times=mode)):
        assert column > end
        end = column + len(text)
        assert end <= width


@given(st.floats(0.002, 1e6))
def test_scales_go_up_and_down_by_less_than_three(per_cell: float) -> None:
    assert per_cell < next_scale(per_cell, 1) < per_cell * 3
    assert per_cell > next_scale(per_cell, -1) > per_cell / 3
    assert per_cell * 0.99 <= next_scale(per_cell, 0) < per_cell * 2


def test_zooming_keeps_the_time_in_focus_in_its_cell() -> None:
    axis = fitting(NOW, NOW + 600, 60)
    focus = NOW + 305
    closer = axis.zoomed(1, focus)
    assert closer.per_cell < axis.per_cell
    assert closer.column(focus) == axis.column(focus)


def _moment(past: bool = False, until: int = 99) -> Moment:
    """split (10 s), then train: 20 s in the queue, an attempt that fails, one that runs."""
    declared = tuple(
        e.StepDeclared(name, kind)
        for name, kind in (("split", "Processing"), ("train", "Training"), ("late", "Processing"))
    )
    facts: list[tuple[float, e.Fact]] = [
        (0, e.ExecutionCreated("p", "sha", {}, declared)),
        (0, e.StepStarted("split", 1, directory="/a")),
        (2, e.StepExecuting("split", 1, {"pid": 1})),
        (8, e.StepProgressed("split", "uploading outputs", finalising=True)),
        (10, e.StepSucceeded("split")),
        (30, e.StepStarted("train", 1, directory="/b")),
        (31, e.StepExecuting("train", 1, {"pid": 2})),
        (40, e.AttemptFailed("train", 1, "no", "x", 5.0)),
        (50, e.StepStarted("train", 2, directory="/c")),
        (51, e.StepExecuting("train", 2, {"pid": 3})),
    ]
    events = [
        e.Event(number, "x", NOW + at, "runner", fact)
        for number, (at, fact) in enumerate(facts[:until], 1)
    ]
    state, _ = apply(None, *events)
    assert state is not None
    graph = Graph(
        tuple(GraphNode(one.name, one.type) for one in declared),
        (GraphEdge("split", "train", "reference"), GraphEdge("train", "late", "reference")),
    )
    now = events[-1].at if past else NOW + 100
    return Moment(state.execution, state.steps, now, LOOK, events, graph, past=past)


def test_each_phase_comes_from_the_events() -> None:
    chart = Chart(_moment())
    assert chart.bars("split") == (
        Bar(Phase.STARTING, NOW, NOW + 2, 1),
        Bar(Phase.RUNNING, NOW + 2, NOW + 8, 1),
        Bar(Phase.FINALISING, NOW + 8, NOW + 10, 1),
    )
    assert chart.bars("train") == (
        Bar(Phase.QUEUED, NOW + 10, NOW + 30, 1),
        Bar(Phase.STARTING, NOW + 30, NOW + 31, 1),
        Bar(Phase.RUNNING, NOW + 31, NOW + 40, 1, "Failed"),
        Bar(Phase.QUEUED, NOW + 40, NOW + 50, 2),
        Bar(Phase.STARTING, NOW + 50, NOW + 51, 2),
        Bar(Phase.RUNNING, NOW + 51, NOW + 100, 2),
    )
    assert chart.bars("late") == ()
    assert chart.critical == {"split", "train"}
    assert chart.doing(NOW + 35) == {Phase.RUNNING: ["train"]}


def test_a_moment_of_the_past_ends_where_it_is() -> None:
    chart = Chart(_moment(past=True, until=7))
    assert chart.end == NOW + 31
    assert chart.bars("train")[-1].phase is Phase.STARTING


def test_the_end_of_a_job_is_as_exact_as_its_description() -> None:
    moment = _moment(until=3)
    ended = e.StepSucceeded("split", {"ProcessingEndTime": NOW + 6.5})
    state, _ = apply(None, *moment.events, e.Event(4, "x", NOW + 10, "runner", ended))
    assert state is not None
    assert state.steps["split"].attempts[-1].finalising_at == NOW + 6.5


def test_rows_are_as_wide_as_the_pane_and_differ_by_character() -> None:
    chart = Chart(_moment())
    for width in (60, 80, 116, 200):
        layout = timeline.Layout(width, list(chart.moment.steps))
        axis = fitting(chart.begin, chart.end, layout.bars)
        for name, step in chart.moment.steps.items():
            mark = Span("> ")
            line = timeline.row(chart, step, axis, layout, mark=mark, cursor=NOW + 5)
            assert length(line) == width, name
        assert length(timeline.axis_line(axis, layout, LOOK)) == width


def test_a_failed_attempt_ends_in_its_glyph() -> None:
    chart = Chart(_moment())
    axis = fitting(NOW, NOW + 100, 50)
    line = text_of(timeline.bar_line(chart, chart.moment.steps["train"], axis, LOOK, None))
    assert line == " " * 5 + "·" * 10 + "░" + "█" * 3 + "✖" + "·" * 5 + "░" + "█" * 24
