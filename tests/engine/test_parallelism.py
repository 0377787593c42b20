"""How many steps run at once, changed while they run."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import CommandRejected
from engine.model import events as e
from engine.model.status import ExecutionStatus, StepStatus
from engine.sources.control import LocalControl
from tests.engine.crash import Host, host, until
from tests.engine.embedded import definition

__all__ = ["host"]

pytestmark = pytest.mark.network


def change(host: Host, execution_id: str, limit: int) -> None:
    """Change the limit; the runner has taken note when this returns."""
    asyncio.run(LocalControl(host.home).change_parallelism(execution_id, limit))


def started(host: Host, execution_id: str) -> list[str]:
    """The steps that were started; a step starts in the transaction that made room for it."""
    return [
        event.fact.step
        for event in host.events(execution_id)
        if isinstance(event.fact, e.StepStarted)
    ]


def finish(host: Host, execution_id: str, step: str) -> None:
    """Let the job of a step end; what starts because of it has started when this returns."""
    host.fifo(step).say()
    until(lambda: host.state(execution_id).steps[step].status is StepStatus.SUCCEEDED)


def test_more_room_lets_steps_that_wait_start_at_once(host: Host) -> None:
    document = definition(host.gated("A"), host.gated("B"), host.gated("C"))
    execution_id = host.start(document, max_parallel=1)
    assert host.fifo("up").hear_all(1) == ["A"]
    change(host, execution_id, 3)
    assert host.fifo("up").hear_all(2) == ["B", "C"]
    for name in "ABC":
        host.fifo(name).say()
    state = host.settle(execution_id)
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert state.execution.max_parallel == 3
    [changed] = [
        one for one in host.events(execution_id) if isinstance(one.fact, e.ParallelismChanged)
    ]
    assert "@" in changed.actor


def test_less_room_lets_what_runs_go_on_and_starts_nothing_above_it(host: Host) -> None:
    document = definition(*(host.gated(name) for name in "ABCD"))
    execution_id = host.start(document, max_parallel=3)
    assert host.fifo("up").hear_all(3) == ["A", "B", "C"]
    change(host, execution_id, 1)
    finish(host, execution_id, "A")
    finish(host, execution_id, "B")
    assert sorted(started(host, execution_id)) == ["A", "B", "C"]
    finish(host, execution_id, "C")
    assert host.fifo("up").hear_all(1) == ["D"]
    host.fifo("D").say()
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED


def test_changed_limit_holds_for_the_runner_that_takes_over(host: Host) -> None:
    document = definition(*(host.gated(name) for name in "ABC"))
    execution_id = host.start(document, max_parallel=2)
    assert host.fifo("up").hear_all(2) == ["A", "B"]
    change(host, execution_id, 1)
    host.kill_runner(execution_id)
    host.take_over(execution_id)
    finish(host, execution_id, "A")
    assert sorted(started(host, execution_id)) == ["A", "B"]
    finish(host, execution_id, "B")
    assert host.fifo("up").hear_all(1) == ["C"]
    host.fifo("C").say()
    assert host.settle(execution_id).execution.status is ExecutionStatus.SUCCEEDED


def test_no_room_at_all_and_an_ended_execution_are_refused(host: Host) -> None:
    execution_id = host.start(definition(host.step("A")))
    host.settle(execution_id)
    for limit, code in ((0, "parallelism-invalid"), (2, "parallelism-refused")):
        with pytest.raises(CommandRejected) as refused:
            change(host, execution_id, limit)
        assert refused.value.code == code
