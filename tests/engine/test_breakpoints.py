"""Breakpoints: a step is held before it starts, until somebody lets it go on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from engine.errors import CommandRejected
from engine.model import events as e
from engine.model.commands import ChangeBreakpoint, StopExecution
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.sources.aws_shapes import StatusChanges, list_steps
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.test_foreach import loop

FORK = definition(
    processing("A", "true"),
    processing("B", "true", DependsOn=["A"]),
    processing("C", "true", DependsOn=["A"]),
    processing("D", "true", DependsOn=["B"]),
)
SUCCEEDED = StepStatus.SUCCEEDED


async def reached(
    embedded: Embedded, execution_id: str, when: Callable[[ExecutionState], bool]
) -> ExecutionState:
    """The state as soon as it is so; each look waits for the store."""
    store = await embedded.store()
    try:
        async with asyncio.timeout(60):
            while True:
                state = await store.state(execution_id)
                if when(state):
                    return state
    finally:
        await store.close()


async def held(
    embedded: Embedded, step: str = "B", **request: Any
) -> tuple[str, asyncio.Task[ExecutionState], ExecutionState]:
    """An execution whose other branch has ended, with the step held."""
    execution_id = await embedded.create(FORK, breakpoints=(step,), **request)
    running = asyncio.create_task(embedded.go_on(execution_id))
    state = await reached(
        embedded, execution_id, lambda one: one.steps[step].held and "C" in ended(one)
    )
    return execution_id, running, state


def ended(state: ExecutionState) -> set[str]:
    return {name for name, step in state.steps.items() if step.status is SUCCEEDED}


async def test_a_held_step_waits_while_other_branches_go_on(embedded: Embedded) -> None:
    execution_id, running, state = await held(embedded)
    assert ended(state) == {"A", "C"}
    assert state.steps["B"].status is StepStatus.WAITING
    assert (state.execution.status, state.execution.steps_held) == (ExecutionStatus.EXECUTING, 1)
    await embedded.send(execution_id, ChangeBreakpoint("B", False))
    state = await running
    assert ended(state) == {"A", "B", "C", "D"}
    assert (state.steps["B"].held, state.execution.steps_held) == (False, 0)


async def test_the_service_is_told_no_status_that_it_does_not_know(embedded: Embedded) -> None:
    execution_id, running, state = await held(embedded)
    listed = list_steps(state.execution, [state.steps["B"]])["PipelineExecutionSteps"][0]
    assert (listed["StepStatus"], listed["Local"]["Held"]) == ("Waiting", True)
    changes = StatusChanges()
    told = [one for event in await embedded.events(execution_id) for one in changes.take(event)]
    assert not any(one["detail"].get("stepName") == "B" for one in told)
    await embedded.send(execution_id, StopExecution())
    await running


async def test_a_stop_ends_an_execution_in_which_a_step_is_held(embedded: Embedded) -> None:
    execution_id, running, _ = await held(embedded)
    await embedded.send(execution_id, StopExecution("enough"))
    state = await running
    assert state.execution.status is ExecutionStatus.STOPPED
    assert {state.steps[name].status for name in "BD"} == {StepStatus.BLOCKED}
    assert not state.steps["B"].held


async def test_the_runner_that_takes_over_holds_the_step_and_says_so_once(
    embedded: Embedded,
) -> None:
    execution_id, running, _ = await held(embedded)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    again = asyncio.create_task(embedded.go_on(execution_id))
    await reached(embedded, execution_id, lambda one: one.execution.epoch == 2)
    await embedded.send(execution_id, ChangeBreakpoint("D", True))
    state = await reached(embedded, execution_id, lambda one: one.steps["D"].breakpoint)
    assert state.steps["B"].held
    await embedded.send(execution_id, ChangeBreakpoint("B", False))
    await reached(embedded, execution_id, lambda one: one.steps["D"].held)
    await embedded.send(execution_id, ChangeBreakpoint("D", False))
    assert (await again).execution.status is ExecutionStatus.SUCCEEDED
    facts = [one.fact for one in await embedded.events(execution_id)]
    assert [one.step for one in facts if isinstance(one, e.StepHeld)] == ["B", "D"]


async def test_a_breakpoint_that_is_left_holds_the_step_in_a_retry_too(embedded: Embedded) -> None:
    execution_id, running, _ = await held(embedded)
    await embedded.send(execution_id, StopExecution())
    await running
    again = asyncio.create_task(embedded.retry(execution_id))
    await reached(embedded, execution_id, lambda one: one.steps["B"].held)
    await embedded.send(execution_id, ChangeBreakpoint("B", False))
    assert ended(await again) == {"A", "B", "C", "D"}


async def test_a_step_that_has_started_is_not_held(embedded: Embedded) -> None:
    execution_id, running, _ = await held(embedded)
    await embedded.send(execution_id, ChangeBreakpoint("A", True))
    await embedded.send(execution_id, ChangeBreakpoint("B", False))
    state = await running
    assert not state.steps["A"].breakpoint
    facts = [one.fact for one in await embedded.events(execution_id)]
    assert not any(isinstance(one, e.BreakpointSet) for one in facts)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"breakpoints": ("Z",)}, "breakpoint-unknown-step"),
        ({"breakpoints": ("B",), "selection": ("A",)}, "breakpoint-refused"),
    ],
)
async def test_a_start_with_a_breakpoint_that_cannot_be_is_refused(
    embedded: Embedded, request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(CommandRejected) as caught:
        await embedded.create(FORK, **request_)
    assert caught.value.code == code
    assert caught.value.hint


async def test_a_step_of_an_iteration_is_held_by_its_own_name(embedded: Embedded) -> None:
    gate = embedded.folder / "gate"
    os.mkfifo(gate)
    document = definition(loop(processing("S", f"cat {gate}"), items=["x", "y"], at_once=1))
    execution_id = await embedded.create(document)
    running = asyncio.create_task(embedded.go_on(execution_id))
    await reached(
        embedded, execution_id, lambda one: "S-0" in one.steps and one.steps["S-0"].running
    )
    await embedded.send(execution_id, ChangeBreakpoint("S-1", True))
    await reached(embedded, execution_id, lambda one: one.steps["S-1"].breakpoint)
    await asyncio.to_thread(gate.write_text, "go")
    state = await reached(embedded, execution_id, lambda one: one.steps["S-1"].held)
    assert state.steps["S-0"].status is SUCCEEDED
    await embedded.send(execution_id, ChangeBreakpoint("S-1", False))
    await asyncio.to_thread(gate.write_text, "go")
    assert (await running).execution.status is ExecutionStatus.SUCCEEDED
