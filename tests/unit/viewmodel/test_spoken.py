"""Sentences that stand alone."""

from __future__ import annotations

from dataclasses import replace

from engine.api import ExecutionView, StepView
from engine.model.status import ExecutionStatus, StepStatus
from engine.model.views import AttemptView
from pipetui.viewmodel import spoken

NOW = 1_000.0
RUNNING = ExecutionView(
    id="k3f9aaaa", pipeline="churn", status=ExecutionStatus.EXECUTING, created_at=NOW - 63,
    steps_total=9, steps_done=2, steps_running=1,
)  # fmt: skip
FIRST = AttemptView(1, StepStatus.FAILED, NOW - 20)
STEP = StepView("k3f9aaaa", 0, "train", "Training")


def test_times_are_said_in_words() -> None:
    said = [spoken.span(seconds) for seconds in (0.2, 1, 63, 3600, 7384)]
    assert said == [
        "less than a second", "1 second", "1 minute 3 seconds", "1 hour", "2 hours 3 minutes",
    ]  # fmt: skip


def test_an_execution_is_one_sentence() -> None:
    assert spoken.execution_sentence(RUNNING, NOW) == (
        "churn/k3f9 executing for 1 minute 3 seconds: 2 of 9 steps done, 1 running."
    )


def test_a_failure_is_told_with_its_reason() -> None:
    failed = replace(
        RUNNING, status=ExecutionStatus.FAILED, ended_at=NOW - 3, steps_running=0, steps_failed=1,
        first_failed="train", first_failure="AlgorithmError: no rows\nmore",
    )  # fmt: skip
    assert spoken.execution_sentence(failed, NOW) == (
        "churn/k3f9 failed after 1 minute: 1 succeeded, 1 failed, 7 not run, of 9 steps."
        " train: no rows."
    )


def test_a_step_is_one_sentence() -> None:
    assert spoken.step_sentence(STEP, NOW) == "train, Training, waiting."
    failed = replace(
        STEP, status=StepStatus.FAILED, started_at=NOW - 10, ended_at=NOW - 6,
        failure_reason="ValueError: no rows", attempts=(FIRST, replace(FIRST, number=2)),
    )  # fmt: skip
    assert spoken.step_sentence(failed, NOW) == (
        "train, Training, failed, attempt 2 after 4 seconds: ValueError: no rows."
    )


def test_only_another_word_is_news_of_a_step() -> None:
    running = replace(STEP, status=StepStatus.EXECUTING, started_at=NOW - 1)
    assert spoken.step_news({"train": "waiting"}, [running], NOW) == [
        "train, Training, executing for 1 second."
    ]
    assert spoken.step_news({"train": "executing"}, [running], NOW) == []


def test_an_end_and_a_question_are_news_and_nothing_else() -> None:
    ended = replace(RUNNING, status=ExecutionStatus.SUCCEEDED, ended_at=NOW)
    asks = replace(RUNNING, steps_waiting_for_answer=1)
    assert len(spoken.news([RUNNING], [ended], NOW)) == 1
    assert "1 waiting for your answer" in spoken.news([RUNNING], [asks], NOW)[0]
    assert spoken.news([RUNNING], [replace(RUNNING, steps_done=3)], NOW) == []
    assert spoken.news([], [ended], NOW) == []
    assert spoken.news([ended], [ended], NOW) == []
