"""The cause of a failure on this host stands beside the service's FailureReason."""

from __future__ import annotations

import json
from pathlib import Path

from engine.jobs.base import Exit, Job
from engine.model import codec
from engine.model import events as e
from engine.model.views import ExecutionView, StepView
from engine.observers.junit import report
from engine.runner.causes import read_cause, tail_of
from engine.sources.aws_shapes import StatusChanges, describe_execution, list_steps
from tests.engine.embedded import Embedded, definition, processing

REASON = "AlgorithmError: See job logs for more information, exit code 1"
CAUSE = "KeyError: 'label' (train.py:1), exit code 1"


def raising(embedded: Embedded) -> str:
    """A script that fails by a Python exception."""
    code = embedded.folder / "train.py"
    code.write_text("{}['label']\n")
    return f"exec python3 {code}"


async def test_a_failed_step_tells_the_cause_and_keeps_the_services_reason(
    embedded: Embedded,
) -> None:
    document = definition(processing("Good", "true"), processing("Train", raising(embedded)))
    state = await embedded.run(document, max_parallel=1)
    step = state.steps["Train"]
    assert (step.failure_reason, step.failure_cause) == (REASON, CAUSE)
    assert step.failure == f"AlgorithmError: {CAUSE}"
    assert step.attempts[-1].failure_cause == CAUSE
    assert (state.execution.first_failure, state.execution.first_cause) == (REASON, CAUSE)
    assert state.steps["Good"].failure_cause == ""


async def test_the_events_of_eventbridge_have_the_services_members_only(embedded: Embedded) -> None:
    state = await embedded.run(definition(processing("Train", raising(embedded))))
    changes = StatusChanges()
    told = [
        one for event in await embedded.events(state.execution.id) for one in changes.take(event)
    ]
    (failed,) = (one for one in told if one["detail"].get("currentStepStatus") == "Failed")
    assert failed["detail"]["failureReason"] == REASON
    assert "KeyError" not in json.dumps(told)


async def test_the_report_of_a_failed_step_says_the_cause_first(embedded: Embedded) -> None:
    state = await embedded.run(definition(processing("Train", raising(embedded))))
    described = describe_execution(state.execution)
    shown = report(described | list_steps(state.execution, state.steps.values()))
    failure = shown.find(".//failure")
    assert failure is not None
    assert failure.get("message") == f"AlgorithmError: {CAUSE}"
    assert REASON in (failure.text or "")


async def test_an_attempt_that_runs_again_says_why_the_last_one_failed(embedded: Embedded) -> None:
    (embedded.folder / "pipetui.toml").write_text("[jobs]\nretry_user_code = 1\n")
    state = await embedded.run(definition(processing("Train", raising(embedded))))
    events = [one.fact for one in await embedded.events(state.execution.id)]
    assert [one.cause for one in events if isinstance(one, e.AttemptFailed)] == [CAUSE]
    assert [one.failure_cause for one in state.steps["Train"].attempts] == [CAUSE, CAUSE]


async def test_what_is_refused_before_a_job_runs_has_no_other_cause(embedded: Embedded) -> None:
    step = processing("Train", "true", inputs={"i": "s3://bucket/none"})
    state = await embedded.run(definition(step))
    assert state.steps["Train"].failure_cause == ""
    assert state.steps["Train"].failure == state.steps["Train"].failure_reason != ""


def test_the_end_of_a_huge_log_is_read_from_a_whole_line_on(tmp_path: Path) -> None:
    log = tmp_path / "job.log"
    log.write_text("first line\nsecond line\nlast line\n")
    assert tail_of(log, 15) == "last line\n"
    (tmp_path / "link").symlink_to(log)
    assert tail_of(tmp_path / "link") == tail_of(tmp_path / "none") == tail_of(tmp_path) == ""


def test_views_and_facts_from_before_causes_and_breakpoints_are_read() -> None:
    fact = codec.decode_fact("StepFailed", b'{"step": "Train", "reason": "boom"}')
    assert fact == e.StepFailed("Train", "boom")
    view = codec.decode(b'{"execution_id": "x", "index": 0, "name": "T", "type": "P"}', StepView)
    assert (view.failure_cause, view.breakpoint, view.held) == ("", False, False)
    text = b'{"id": "x", "pipeline": "p", "status": "Failed", "created_at": 1.0}'
    whole = codec.decode(text, ExecutionView)
    assert (whole.first_cause, whole.steps_held) == ("", 0)


def test_a_cause_tells_no_secret_among_the_jobs_variables(tmp_path: Path) -> None:
    given = {"DB_PASSWORD": "hunter2-and-more", "LEVEL": "info-level"}
    (tmp_path / "job.log").write_text("ValueError: hunter2-and-more at info-level is wrong\n")
    told = read_cause(Job("e/s/1", str(tmp_path), ("true",), given), Exit(1))
    assert told == "ValueError: ****** at info-level is wrong, exit code 1"
