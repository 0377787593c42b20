"""Two executions compared: what is new by nature is equal, everything else is told once."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.comparison.contents import Content, compare_contents
from engine.comparison.executions import (
    Area,
    FilesDifference,
    Side,
    compare_executions,
    neutral,
)
from engine.comparison.trees import Change, FileEntry, compare_trees
from engine.model import events as e
from engine.model.fold import fold
from engine.model.status import ExecutionStatus

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


def _side(
    execution_id: str,
    *,
    parameters: dict[str, Any] | None = None,
    arguments: Any = None,
    environment: dict[str, Any] | None = None,
    metric: float = 0.5,
    seconds: float = 10.0,
    definition: Any = None,
    fails: bool = False,
) -> Side:
    end: e.Fact = e.StepSucceeded(
        "Train", {"FinalMetricDataList": [{"MetricName": "auc", "Value": metric}]}
    )
    facts: list[tuple[float, e.Fact]] = [
        (0.0, e.ExecutionCreated("p", f"sha-{definition}", parameters or {},
                                 (e.StepDeclared("Train", "Training"),))),
        (1.0, e.StepStarted("Train", 1, arguments)),
        (1.0, e.StepExecuting("Train", 1, environment=environment or {})),
        (1.0 + seconds, e.StepFailed("Train", "it broke") if fails else end),
        (20.0, e.ExecutionEnded(ExecutionStatus.FAILED if fails else ExecutionStatus.SUCCEEDED)),
    ]  # fmt: skip
    state = fold(
        e.Event(n + 1, execution_id, at, "runner", fact) for n, (at, fact) in enumerate(facts)
    )
    assert state is not None
    return Side(state.execution, state.steps, definition)


@given(JSON, st.floats(0, 1), st.lists(JSON, max_size=2))
def test_an_execution_is_the_same_as_itself(arguments: Any, metric: float, written: Any) -> None:
    side = _side("aaaa", arguments=arguments, metric=metric, definition=written)
    found = compare_executions(side, side, {})
    assert found.differences == ()
    assert found.same == tuple(Area)


def test_names_that_are_new_in_every_execution_do_not_differ() -> None:
    sides = [
        _side(
            one,
            arguments={
                "S3OutputPath": f"s3://b/p/{one}/Train/output",
                "Job": f"pipelines-{one}-Train-{random}",
                "At": at,
            },
        )
        for one, random, at in (
            ("a1b2c3d4e5f6", "xYz0123456", "2026-11-22T10:00:00.123Z"),
            ("f6e5d4c3b2a1", "QqQ9876543", "2026-11-23T11:22:33.000Z"),
        )
    ]
    assert compare_executions(*sides).differences == ()


def test_each_kind_of_difference_is_told_in_its_area() -> None:
    before = _side("aaaa", parameters={"eta": 0.1}, arguments={"E": {"LOG": "info"}},
                   environment={"image": "xgboost 1.5-1"},
                   definition={"Steps": [{"Name": "Train", "Type": "Training"}]})  # fmt: skip
    now = _side("bbbb", parameters={"eta": 0.2}, arguments={"E": {"LOG": "debug"}}, metric=0.6,
                environment={"image": "xgboost 1.7-1"}, seconds=15.0,
                definition={"Steps": [{"Name": "Train", "Type": "Tuning"}]})  # fmt: skip
    found = compare_executions(before, now).differences
    assert {one.area: (one.name, one.before, one.now) for one in found} == {
        Area.PARAMETERS: ("eta", "0.1", "0.2"),
        Area.DEFINITION: ("Steps.Train.Type", '"Training"', '"Tuning"'),
        Area.ENVIRONMENT: ("image", '"xgboost 1.5-1"', '"xgboost 1.7-1"'),
        Area.ARGUMENTS: ("E.LOG", '"info"', '"debug"'),
        Area.METRICS: ("auc", "0.5", "0.6"),
        Area.DURATION: ("seconds", "10.0", "15.0"),
    }
    assert [one.area for one in found] == sorted((one.area for one in found), key=list(Area).index)


def test_a_step_put_in_front_of_others_is_one_difference_of_the_definition() -> None:
    steps = [{"Name": "A", "Type": "X"}, {"Name": "B", "Type": "X"}]
    before = _side("aaaa", definition={"Steps": steps})
    now = _side("bbbb", definition={"Steps": [{"Name": "New", "Type": "X"}, *steps]})
    found = compare_executions(before, now).differences
    assert [(one.name, one.change) for one in found] == [("Steps.New", Change.ADDED)]


def test_a_metric_that_grew_says_by_how_much() -> None:
    found = compare_executions(_side("a", metric=0.5), _side("b", metric=0.6)).differences
    assert [round(one.delta or 0, 3) for one in found] == [0.2]


def test_a_step_that_fails_now_differs_in_its_status_and_the_execution_with_it() -> None:
    found = compare_executions(_side("a"), _side("b", fails=True)).differences
    told = [(one.step, one.before, one.now) for one in found if one.area is Area.STATUS]
    assert told == [("", "Succeeded", "Failed"), ("Train", "Succeeded", "Failed")]


def test_files_are_code_or_inputs_and_bring_how_their_contents_differ() -> None:
    tree = compare_trees([FileEntry("a.csv", 4, "1")], [FileEntry("a.csv", 6, "2")])
    content = compare_contents("a.csv", Content(b"x\n1\n", 4), Content(b"x,y\n1,2\n", 8))
    files = [FilesDifference("input", "data", tree, {"a.csv": content})]
    found = compare_executions(_side("a"), _side("b"), {"Train": files}).differences
    assert [(one.area, one.name, one.content) for one in found] == [
        (Area.INPUTS, "data/a.csv", content)
    ]


@given(JSON)
def test_a_value_without_such_names_stays_as_it_is(value: Any) -> None:
    assert neutral(neutral(value, ()), ()) == neutral(value, ())
