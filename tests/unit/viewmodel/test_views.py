"""Rows and texts say of an execution, a step or an artifact what a person has to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from engine.api import Artifact, Event, Graph, GraphEdge, GraphNode
from engine.model import events as e
from engine.model.fold import ExecutionState, fold
from engine.model.status import ExecutionStatus
from engine.storage.preview import Preview, Table
from pipetui.dag.graph import EdgeKind
from pipetui.viewmodel import artifacts, detail, executions, steps
from pipetui.viewmodel.lines import Line, Row, text_of
from pipetui.viewmodel.state import Display, execution_state, step_state

PLAIN = Display(unicode=False)
STEPS = tuple(e.StepDeclared(name, "Training") for name in ("a", "b", "c"))
GRAPH = Graph(
    tuple(GraphNode(name, "Training", parent="b" if name == "c" else "") for name in "abc"),
    (GraphEdge("a", "b", "depends_on"), GraphEdge("b", "c", "if")),
)
END = e.ExecutionEnded


def after(*facts: e.Fact) -> ExecutionState:
    """An execution of three steps after some facts, a second apart."""
    every = (e.ExecutionCreated("p", "sha", {"Rate": 1}, STEPS), *facts)
    state = fold(
        Event(n + 1, "abcdefgh", 100.0 + n, "ana@host", fact) for n, fact in enumerate(every)
    )
    assert state is not None
    return state


def cells(row: Row) -> list[str]:
    """The texts of a row."""
    return [text_of(cell) for cell in row.cells]


def texts(lines: Sequence[Line]) -> str:
    """The texts of lines."""
    return "\n".join(text_of(line) for line in lines)


RUNS = (e.StepStarted("a", 1), e.StepExecuting("a", 1))
ASKS = (*RUNS, e.CallbackRequested("a", "tok"))
FAILS = (*RUNS, e.StepFailed("a", "AlgorithmError: boom\nexit code 1"))


@pytest.mark.parametrize(
    ("facts", "matters"),
    [
        ((), "executing"),
        (RUNS, "> a"),
        (ASKS, "? waits for you"),
        ((*ASKS, e.StopRequested()), "? stopping: answer A or X to finish"),
        (FAILS, "x a: boom"),
        ((e.StepReused("a", "other"), END(ExecutionStatus.SUCCEEDED)), "& 1 reused"),
        ((e.StepReused("a", "other", cached=True), END(ExecutionStatus.SUCCEEDED)), "= 1 cached"),
        ((END(ExecutionStatus.STOPPED, "by hand"),), "by hand"),
    ],
)
def test_the_most_urgent_thing_matters(facts: tuple[e.Fact, ...], matters: str) -> None:
    execution = after(*facts).execution
    row = executions.row(execution, now=200.0, display=PLAIN, running="a")
    assert cells(row)[-1].strip() == matters


@pytest.mark.parametrize(
    ("counts", "ended", "whole", "short"),
    [
        ({"done": 2}, False, "2 of 9 done", "2 of 9"),
        ({"done": 3, "failed": 1}, False, "3 of 9 done, 1 failed", "3 of 9, 1 failed"),
        ({"done": 9}, True, "9 succeeded", "9 succeeded"),
        ({"done": 9, "skipped": 2}, True, "7 succeeded, 2 not run", "7 succeeded"),
        ({"done": 7, "skipped": 2, "failed": 1}, True,
         "4 succeeded, 1 failed, 4 not run", "4 succeeded, 1 failed"),
        ({"done": 3, "stopped": 1}, True,
         "2 succeeded, 1 stopped, 6 not run", "2 succeeded, 1 stopped"),
    ],
)  # fmt: skip
def test_the_steps_of_an_execution_are_counted_by_how_they_ended(
    counts: dict[str, int], ended: bool, whole: str, short: str
) -> None:
    known: dict[str, Any] = {f"steps_{name}": number for name, number in counts.items()}
    execution = replace(after().execution, steps_total=9, ended_at=9.0 if ended else None, **known)
    assert executions.tally(execution) == whole
    assert executions.tally(execution, short=True) == short


def test_the_bar_of_a_failed_execution_is_not_full() -> None:
    execution = replace(
        after().execution, steps_total=9, steps_done=9, steps_failed=1, ended_at=9.0,
        status=ExecutionStatus.FAILED,
    )  # fmt: skip
    row = executions.row(execution, now=200.0, display=PLAIN)
    assert cells(row)[6] == "########.x"


def test_a_row_finds_its_execution_by_name_id_status_and_error() -> None:
    search = executions.row(after(*FAILS).execution, now=200.0, display=PLAIN).search
    assert all(text in search for text in ("p", "abcdefgh", "executing", "boom"))


def test_an_execution_that_only_waits_for_answers_says_so() -> None:
    assert execution_state(after(*ASKS).execution).word == "waits for you"


def test_a_stop_that_needs_an_answer_says_so() -> None:
    state = after(*ASKS, e.StopRequested())
    _, right = steps.header(state.execution, now=200.0, display=PLAIN)
    assert "stopping: answer A or X to finish" in text_of(right)
    row = steps.row(
        state.steps["a"], state.steps, steps.Shape(), now=200.0, display=PLAIN, stopping=True
    )
    assert cells(row)[-1] == "stopping: A or X"


@pytest.mark.parametrize(
    ("facts", "word", "note"),
    [
        ((), "waiting", "waits for its turn (parallelism)"),
        (RUNS, "executing", ""),
        (
            (*RUNS, e.StepProgressed("a", "Building environment")),
            "executing",
            "Building environment",
        ),
        (ASKS, "waits for you", "press A or X"),
        (FAILS, "failed", "boom"),
        ((e.StepReused("a", "othersid", cached=True),), "cached", "cached from othe"),
        ((e.StepReused("a", "othersid"),), "reused", "reused from othe"),
        ((e.StepSkipped("a", "else of x"),), "skipped", "else of x"),
        (
            (*RUNS, e.AttemptLost("a", 1, "host restarted")),
            "retrying",
            "attempt 1 was lost: host restarted",
        ),
        (
            (*RUNS, e.StepSucceeded("a", metadata={"Condition": {"Outcome": "False"}})),
            "succeeded",
            "False: else",
        ),
    ],
)
def test_each_state_of_a_step_has_its_word_and_its_note(
    facts: tuple[e.Fact, ...], word: str, note: str
) -> None:
    known = after(*facts).steps
    row = steps.row(known["a"], known, steps.Shape(GRAPH), now=200.0, display=PLAIN)
    assert cells(row)[3] == word == step_state(known["a"]).word
    assert cells(row)[-1] == note


def test_a_waiting_step_names_what_it_waits_for_and_its_branch() -> None:
    known = after().steps
    notes = [
        cells(steps.row(step, known, steps.Shape(GRAPH), now=200.0, display=PLAIN))[-1]
        for step in known.values()
    ]
    assert notes[1:] == ["after a", "if of b"]


def test_steps_of_a_branch_are_indented() -> None:
    known = after().steps
    row = steps.row(known["c"], known, steps.Shape(GRAPH), now=200.0, display=PLAIN)
    assert cells(row)[1] == "  c"


def test_parents_that_form_a_ring_do_not_hang() -> None:
    ring = Graph((GraphNode("a", "x", parent="b"), GraphNode("b", "x", parent="a")), ())
    assert set(steps.Shape(ring).depth) == {"a", "b"}


def test_failed_steps_are_walked_around_both_ends() -> None:
    failed = after(*FAILS, e.StepStarted("c", 1), e.StepFailed("c", "x")).steps
    every = list(failed.values())
    assert [steps.next_failed(every, name) for name in ("", "a", "b", "c")] == ["a", "c", "c", "a"]
    assert [steps.next_failed(every, name, -1) for name in "abc"] == ["c", "a", "a"]
    assert steps.next_failed(list(after().steps.values()), "a") == ""


def test_the_graph_keeps_branches_and_dependencies_apart() -> None:
    kinds = {(edge.source, edge.target): edge.kind for edge in steps.dag(GRAPH).edges}
    assert kinds == {("a", "b"): EdgeKind.DEPENDS_ON, ("b", "c"): EdgeKind.BRANCH_IF}


@pytest.mark.parametrize("order", list(executions.Order))
def test_every_order_keeps_every_execution(order: executions.Order) -> None:
    found = [after(*facts).execution for facts in ((), FAILS, ASKS)]
    assert len(executions.ordered(found, order, 200.0)) == 3


def test_totals_count_waiting_steps_and_model_packages_together() -> None:
    found = [after(*facts).execution for facts in (RUNS, ASKS, FAILS)]
    line = executions.totals(found, packages=2)
    assert text_of(line) == "2 running · 3 waiting"


def test_the_detail_has_a_section_for_what_is_known_and_hides_secrets() -> None:
    arguments = {"Environment": {"DB_PASSWORD": "hunter2", "LEVEL": "info"}, "Empty": []}
    step = after(e.StepStarted("a", 1, arguments), e.StepFailed("a", "boom")).steps["a"]
    lines = detail.step_lines(
        step,
        artifacts=[Artifact("input", "data", "s3://b/k", exists=False)],
        raw={"Environment": {"Get": "Parameters.X"}},
        now=200.0,
        width=80,
        display=PLAIN,
    )
    text = texts(lines)
    assert "hunter2" not in text
    assert all(word in text for word in ("ATTEMPTS", "INPUTS", "not there", "AS WRITTEN", "info"))
    assert text_of(lines[detail.section(lines, detail.ARGUMENTS)]).strip() == "ARGUMENTS"
    assert detail.section(lines, "NOTHING") == 0


def test_the_detail_says_what_stands_in_and_why_the_cache_missed_to_the_last_word() -> None:
    stand_in = "PipeTUI's own search over models, not SageMaker Autopilot; its report is another"
    why = "cache: changed since abcdefghijkl: Environment.Mode: 'a' -> 'b'; Environment.Rate: 1"
    made = e.ExecutionCreated("p", "sha", {}, (e.StepDeclared("a", "AutoML", stand_in=stand_in),))
    facts = (made, e.StepStarted("a", 1, {}, reason=why))
    state = fold(Event(n + 1, "abcdefgh", 100.0, "ana@host", one) for n, one in enumerate(facts))
    assert state is not None
    lines = detail.step_lines(
        state.steps["a"], artifacts=(), raw=None, now=200.0, width=40, display=PLAIN
    )
    facts_shown = texts(lines).partition("ATTEMPTS")[0].splitlines()
    assert max(map(len, facts_shown)) <= 40
    text = " ".join(texts(lines).split())
    assert f"locally {stand_in}" in text
    assert f"plan run: {why}" in text


def test_deeply_nested_json_is_shown_without_end() -> None:
    value: object = "end"
    for _ in range(200):
        value = {"k": value}
    assert len(detail.json_lines(value)) < 100


def test_a_table_preview_lines_its_numbers_up_on_the_right() -> None:
    table = Table(("name", "score"), (("a", "1"), ("b", "12.5"), ("long", "")))
    lines = artifacts.preview_lines(Preview("csv", "x", table=table, truncated=True))
    rows = [text_of(line) for line in lines[2:6]]
    assert rows == [" name  score", " a         1", " b      12.5", " long       "]
    assert "more is not shown" in texts(lines)


def test_a_folder_with_one_file_opens() -> None:
    one = Artifact("output", "report", "s3://b/report", "/b/report", files=1, folder=True)
    assert artifacts.of_artifact(one).folder
    assert not artifacts.of_artifact(Artifact("model", "model", "s3://b/m.tar.gz")).folder


def test_only_files_of_an_archive_can_be_opened() -> None:
    table = Table(("name", "kind", "bytes"), (("d", "folder", "0"), ("d/f", "file", "3")))
    archive = artifacts.Item("s3://b/a.tar", "a.tar")
    found = artifacts.of_members(archive, Preview("archive", "a", table=table))
    assert [(item.member, item.depth, item.size) for item in found] == [("d/f", 1, 3)]
    assert artifacts.of_members(archive, Preview("text", "a")) == []
