"""RetryPolicies: what runs again, how often, and what never does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from engine.model.commands import StopExecution
from engine.model.events import AttemptFailed
from engine.model.fold import apply
from engine.model.status import ExecutionStatus, StepStatus
from tests.engine.embedded import Embedded, definition, processing


def attempts(state: Any, step: str = "Work") -> list[StepStatus]:
    return [one.status for one in state.steps[step].attempts]


def put_in_the_way(folder: Path) -> None:
    """A file where a folder would be made."""
    folder.parent.mkdir(exist_ok=True)
    folder.touch()


async def first_retry(
    embedded: Embedded, execution_id: str, running: asyncio.Task[Any]
) -> AttemptFailed:
    """Wait until an attempt failed that runs again."""
    while True:
        ended = running.done()
        for event in await embedded.events(execution_id):
            if isinstance(event.fact, AttemptFailed):
                return event.fact
        assert not ended, "nothing ran again"


async def test_failures_of_the_users_code_are_covered_by_no_policy_of_the_service(
    embedded: Embedded,
) -> None:
    policy = {"ExceptionType": ["Step.SERVICE_FAULT", "SageMaker.JOB_INTERNAL_ERROR"],
              "MaxAttempts": 3, "IntervalSeconds": 1}  # fmt: skip
    state = await embedded.run(definition(processing("Work", "exit 1", RetryPolicies=[policy])))
    assert attempts(state) == [StepStatus.FAILED]


async def test_the_configuration_can_have_user_code_run_again(embedded: Embedded) -> None:
    (embedded.folder / "pipetui.toml").write_text("[jobs]\nretry_user_code = 1\n")
    flag = embedded.folder / "second"
    state = await embedded.run(
        definition(processing("Work", f"test -e {flag} && exit 0; touch {flag}; exit 1"))
    )
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    assert attempts(state) == [StepStatus.FAILED, StepStatus.SUCCEEDED]
    (failed,) = [
        event.fact
        for event in await embedded.events(state.execution.id)
        if isinstance(event.fact, AttemptFailed)
    ]
    assert (failed.attempt, failed.delay_s, failed.code) == (1, 1.0, "algorithm-error")
    assert failed.exception == "Local.USER_CODE"


async def test_a_policy_of_ours_is_marked_on_the_step_that_waits(embedded: Embedded) -> None:
    policy = {"ExceptionType": ["Local.USER_CODE"], "IntervalSeconds": 1, "MaxAttempts": 1}
    ended = await embedded.run(definition(processing("Work", "exit 1", RetryPolicies=[policy])))
    reasons, state = set(), None
    for event in await embedded.events(ended.execution.id):
        state, _ = apply(state, event)
        assert state is not None
        reasons.add(state.steps["Work"].reason)
    assert any("runs again after 1 s by Local.USER_CODE" in reason for reason in reasons)


async def test_what_the_configuration_adds_replaces_no_default(embedded: Embedded) -> None:
    (embedded.folder / "pipetui.toml").write_text("[jobs]\nretry_user_code = 1\n")
    execution_id = await embedded.create(definition(processing("Work", "true")))
    put_in_the_way(embedded.home.execution(execution_id) / "steps")
    running = asyncio.create_task(embedded.go_on(execution_id))
    failed = await first_retry(embedded, execution_id, running)
    await embedded.send(execution_id, StopExecution())
    await running
    assert failed.exception == "Step.SERVICE_FAULT"


async def test_a_step_that_fails_every_time_fails_after_the_last_attempt(
    embedded: Embedded,
) -> None:
    (embedded.folder / "pipetui.toml").write_text("[jobs]\nretry_user_code = 1\n")
    state = await embedded.run(definition(processing("Work", "exit 7")))
    assert attempts(state) == [StepStatus.FAILED, StepStatus.FAILED]
    assert state.steps["Work"].failure_reason.endswith("exit code 7")


async def test_a_stop_ends_the_wait_for_the_next_attempt(embedded: Embedded) -> None:
    policy = {"ExceptionType": ["Local.USER_CODE"], "IntervalSeconds": 43200, "MaxAttempts": 2}
    execution_id = await embedded.create(
        definition(processing("Work", "exit 1", RetryPolicies=[policy]))
    )
    running = asyncio.create_task(embedded.go_on(execution_id))
    await first_retry(embedded, execution_id, running)
    await embedded.send(execution_id, StopExecution())
    state = await running
    assert state.execution.status is ExecutionStatus.STOPPED
    assert state.steps["Work"].status is StepStatus.BLOCKED
