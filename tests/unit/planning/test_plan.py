"""Plans: what would run, and the seven rules of selective execution (section 3.5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.definition.document import Definition, Dependency, Step, Trigger
from engine.definition.graph import Graph
from engine.errors import CommandRejected, PlanError
from engine.model.events import StepReused
from engine.model.fold import ExecutionState
from engine.model.status import EXECUTION_ENDED, ExecutionStatus, StepAction, StepStatus
from engine.model.views import ExecutionView
from engine.planning.plan import Plan, make_plan
from tests.unit.planning.pipelines import any_pipeline, ended, pipeline, step

CHAIN = pipeline(step("A"), step("B", "A"), step("C", "B"), step("D", "C"))
BRANCHED = pipeline(
    step("Check", type="Condition"),
    step("Yes", parent="Check", branch=True),
    step("No", parent="Check", branch=False),
    step("After", "Yes"),
)


def plan(definition: Definition, *selection: str, **keys: Any) -> Plan:
    keys = {"refuse": lambda step: None, "stand_in": lambda step: ""} | keys
    return make_plan(definition, Graph.of(definition), selection=selection, **keys)


def source(
    definition: Definition,
    status: ExecutionStatus = ExecutionStatus.SUCCEEDED,
    pipeline_name: str = "abalone",
    **statuses: StepStatus,
) -> ExecutionState:
    """An execution of a definition; a step that is not named succeeded."""
    return ExecutionState(
        ExecutionView("old", pipeline_name, status, 1.0), ended(definition, statuses)
    )


def actions(made: Plan) -> dict[str, str]:
    return {one.name: one.action.value for one in made.steps}


def refusal(definition: Definition, *selection: str, **keys: Any) -> CommandRejected:
    with pytest.raises(CommandRejected) as problem:
        plan(definition, *selection, **keys)
    assert problem.value.hint
    return problem.value


# Without a selection


def test_without_a_selection_every_step_runs_and_says_what_it_waits_for() -> None:
    many = pipeline(
        *(step(name) for name in "ABCDE"), step("Z", *"ABCDE"), *BRANCHED.steps.values()
    )
    reasons = {one.name: one.reason for one in plan(many).steps}
    assert set(actions(plan(many)).values()) == {"run"}
    assert reasons["A"] == "waits for nothing"
    assert reasons["Z"] == "after A, B, C and 2 more"
    assert (reasons["Yes"], reasons["No"]) == ("if Check is True", "if Check is False")


def test_the_plan_lists_the_steps_in_the_order_of_the_definition() -> None:
    backwards = pipeline(*reversed(list(CHAIN.steps.values())))
    assert [one.name for one in plan(backwards).steps] == ["D", "C", "B", "A"]


def test_every_step_that_cannot_run_here_is_told_at_once() -> None:
    def refuse(one: Step) -> PlanError | None:
        return PlanError(one.name) if one.name in "BD" else None

    assert [problem.message for problem in plan(CHAIN, refuse=refuse).refused] == ["B", "D"]
    chosen = plan(CHAIN, "D", refuse=refuse, source=source(CHAIN))
    assert [problem.message for problem in chosen.refused] == ["D"]


def test_the_plan_says_what_stands_in_for_a_service() -> None:
    made = plan(pipeline(step("A")), stand_in=lambda one: f"stand-in of {one.name}")
    assert made.steps[0].stand_in == "stand-in of A"


# The seven rules


def test_rule_1_every_step_on_a_path_between_two_selected_ones_is_selected() -> None:
    problem = refusal(CHAIN, "A", "D", source=source(CHAIN))
    assert problem.code == "selection-not-closed"
    assert "B, C" in problem.message
    through_branch = refusal(BRANCHED, "Check", "After", source=source(BRANCHED))
    assert "Yes" in through_branch.message


@given(any_pipeline(), st.data())
def test_rule_1_holds_for_exactly_the_selections_without_a_gap(
    definition: Definition, data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from(list(definition.steps)), min_size=1, unique=True))
    graph = Graph.of(definition)
    gap = any(
        name not in names
        and graph.upstream([name]) & set(names)
        and graph.downstream([name]) & set(names)
        for name in definition.steps
    )
    if gap:
        assert refusal(definition, *names, source=source(definition)).code == "selection-not-closed"
    else:
        plan(definition, *names, source=source(definition))


def test_rule_2_results_upstream_of_the_selection_are_copied_from_the_source() -> None:
    made = plan(CHAIN, "C", source=source(CHAIN))
    assert actions(made) == {"A": "reused", "B": "reused", "C": "run", "D": "skipped"}
    assert made.reused == (
        StepReused("A", "old", {"from": "A"}),
        StepReused("B", "old", {"from": "B"}),
    )
    assert made.steps[0].reason == "result of old"


def test_rule_3_what_is_downstream_of_the_selection_does_not_run() -> None:
    made = plan(CHAIN, "A")
    assert actions(made) == {"A": "run", "B": "skipped", "C": "skipped", "D": "skipped"}
    assert made.steps[3].reason == "not selected"


def test_rule_4_a_needed_result_needs_a_source() -> None:
    problem = refusal(CHAIN, "B")
    assert problem.code == "source-missing"
    assert "B needs the result of A" in problem.message


@pytest.mark.parametrize("status", ExecutionStatus)
def test_rule_4_the_source_has_ended(status: ExecutionStatus) -> None:
    if status in EXECUTION_ENDED:
        plan(CHAIN, "B", source=source(CHAIN, status))
    else:
        assert refusal(CHAIN, "B", source=source(CHAIN, status)).code == "source-not-ended"


def test_rule_4_the_source_ran_the_same_pipeline() -> None:
    plan(CHAIN, "B", source=source(CHAIN), pipeline="abalone")
    problem = refusal(CHAIN, "B", source=source(CHAIN, pipeline_name="churn"), pipeline="abalone")
    assert problem.code == "source-of-other-pipeline"


@pytest.mark.parametrize("status", [one for one in StepStatus if one is not StepStatus.SUCCEEDED])
def test_rule_4_a_needed_step_succeeded_in_the_source(status: StepStatus) -> None:
    problem = refusal(CHAIN, "B", source=source(CHAIN, A=status))
    assert problem.code == "source-step-not-succeeded"
    assert "Run again from A" in problem.hint


def test_rule_4_a_needed_step_is_in_the_source() -> None:
    older = pipeline(step("B"))
    assert refusal(CHAIN, "B", source=source(older)).code == "source-step-not-succeeded"


def test_rule_4_a_step_that_no_selected_one_needs_itself_may_have_failed() -> None:
    made = plan(CHAIN, "C", source=source(CHAIN, ExecutionStatus.FAILED, A=StepStatus.FAILED))
    assert actions(made) == {"A": "skipped", "B": "reused", "C": "run", "D": "skipped"}


def test_rule_5_no_source_is_looked_for_where_none_is_named() -> None:
    assert plan(CHAIN, "A").reused == ()


def test_rule_6_nothing_but_results_is_taken_from_the_source() -> None:
    old = source(CHAIN)
    old.steps["B"].metadata["ProcessingJob"] = {"Arn": "arn:b"}
    reused = {one.step: one for one in plan(CHAIN, "C", source=old).reused}
    assert reused["B"] == StepReused("B", "old", {"from": "B"}, {"ProcessingJob": {"Arn": "arn:b"}})


def test_rule_7_unknown_steps_are_refused_by_name() -> None:
    problem = refusal(CHAIN, "B", "Nope")
    assert problem.code == "selection-unknown-step"
    assert "Nope" in problem.message
    assert "A, B, C, D" in problem.hint


def test_rule_7_a_branch_step_takes_the_outcome_of_a_condition_that_is_not_selected() -> None:
    made = plan(BRANCHED, "Yes", source=source(BRANCHED))
    assert actions(made) == {"Check": "reused", "Yes": "run", "No": "skipped", "After": "skipped"}
    assert made.reused[0].metadata == {"Condition": {"Outcome": "True"}}


def test_rule_7_the_branches_of_a_selected_condition_are_not_selected_with_it() -> None:
    assert actions(plan(BRANCHED, "Check")) == {
        "Check": "run",
        "Yes": "skipped",
        "No": "skipped",
        "After": "skipped",
    }


# Reuse of reuse


def test_a_result_reused_again_names_the_execution_that_made_it() -> None:
    old = source(CHAIN)
    old.steps["A"] = replace(old.steps["A"], source_execution="oldest", action=StepAction.REUSED)
    made = plan(CHAIN, "C", source=old)
    assert [(one.step, one.source_execution) for one in made.reused] == [
        ("A", "oldest"),
        ("B", "old"),
    ]
    assert made.steps[0].reason == "result of oldest"


@given(any_pipeline(), st.data())
def test_the_same_selection_gives_the_same_plan_whatever_the_order_of_its_names(
    definition: Definition, data: st.DataObject
) -> None:
    names = data.draw(st.lists(st.sampled_from(list(definition.steps)), min_size=1, unique=True))
    try:
        made = plan(definition, *names, source=source(definition))
    except CommandRejected:
        assume(False)
    assert plan(definition, *reversed(names), source=source(definition)) == made
    order = Graph.of(definition).order
    assert [one.step for one in made.reused] == sorted(
        (one.step for one in made.reused), key=order.index
    )


def test_a_step_that_waits_for_a_failure_still_needs_its_source() -> None:
    cleaning = pipeline(step("A"), step("Clean", Dependency("A", Trigger.FAILED)))
    assert refusal(cleaning, "Clean").code == "source-missing"
