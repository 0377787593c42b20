"""RetryPolicies, row by row (section 3.6 of the pipelines reference)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.document import RetryPolicy
from engine.planning.retry import (
    ExceptionType,
    failure_class,
    local_only,
    next_retry,
    tried_by,
)

FAULT = ExceptionType.SERVICE_FAULT


def policy(*types: str, **more: float) -> RetryPolicy:
    return RetryPolicy(types or (FAULT,), **more)  # type: ignore[arg-type]


def test_service_faults_and_throttling_are_retried_without_any_policy() -> None:
    for failure in (FAULT, ExceptionType.THROTTLING):
        retry = next_retry((), "Processing", failure, tried=0, since_start_s=0)
        assert retry is not None and retry.delay_s == 1
    assert (
        next_retry((), "Training", ExceptionType.CAPACITY_ERROR, tried=0, since_start_s=0) is None
    )


def test_a_policy_replaces_the_default() -> None:
    only = policy(ExceptionType.CAPACITY_ERROR)
    assert next_retry((only,), "Training", FAULT, tried=0, since_start_s=0) is None


@given(st.integers(1, 100), st.floats(0, 4), st.integers(0, 4))
def test_the_delay_grows_by_the_backoff_rate(interval: int, rate: float, tried: int) -> None:
    retry = next_retry((policy(interval_s=interval, backoff_rate=rate),), "Processing", FAULT,
                       tried=tried, since_start_s=0)  # fmt: skip
    assert retry is not None
    assert retry.delay_s == interval * rate**tried


@pytest.mark.parametrize("interval", [0, 1])
@pytest.mark.parametrize("rate", [1e10, 1e200])
def test_no_delay_is_longer_than_ten_days(interval: int, rate: float) -> None:
    retry = next_retry((policy(interval_s=interval, backoff_rate=rate),), "Processing", FAULT,
                       tried=3, since_start_s=0)  # fmt: skip
    assert retry is not None
    assert retry.delay_s == interval * 864_000


def test_attempts_end_and_zero_means_never() -> None:
    twice, never = policy(max_attempts=2), policy(max_attempts=0)
    assert next_retry((twice,), "Processing", FAULT, tried=1, since_start_s=0) is not None
    assert next_retry((twice,), "Processing", FAULT, tried=2, since_start_s=0) is None
    assert next_retry((never,), "Processing", FAULT, tried=0, since_start_s=0) is None


def test_each_policy_counts_the_retries_that_it_made() -> None:
    throttled, capacity = ExceptionType.THROTTLING, ExceptionType.CAPACITY_ERROR
    policies = (policy(FAULT, throttled), policy("SageMaker.JOB_CAPACITY_ERROR"))
    retried = [FAULT, throttled, capacity]
    assert [tried_by(policies, one, retried) for one in (FAULT, throttled, capacity)] == [2, 2, 1]
    assert tried_by(policies, ExceptionType.USER_CODE, retried) == 0
    assert tried_by((), FAULT, [throttled, capacity]) == 1


def test_expire_after_counts_from_the_first_attempt() -> None:
    hour = RetryPolicy((FAULT,), interval_s=60, max_attempts=None, expire_after_min=60)
    assert next_retry((hour,), "Processing", FAULT, tried=0, since_start_s=3540) is not None
    assert next_retry((hour,), "Processing", FAULT, tried=0, since_start_s=3541) is None


def test_the_first_policy_that_names_the_class_decides() -> None:
    first, second = policy(max_attempts=0), policy(max_attempts=9)
    assert next_retry((first, second), "Processing", FAULT, tried=0, since_start_s=0) is None


@pytest.mark.parametrize("step_type", ["Tuning", "AutoML"])
def test_tuning_and_automl_do_not_retry_internal_errors(step_type: str) -> None:
    internal = ExceptionType.JOB_INTERNAL_ERROR
    given = (policy(internal),)
    assert next_retry(given, step_type, internal, tried=0, since_start_s=0) is None
    assert next_retry(given, "Training", internal, tried=0, since_start_s=0) is not None


def test_the_older_spelling_of_capacity_errors_is_known() -> None:
    old = policy("SageMaker.JOB_CAPACITY_ERROR")
    failure = ExceptionType.CAPACITY_ERROR
    assert next_retry((old,), "Training", failure, tried=0, since_start_s=0) is not None


def test_a_failure_that_no_class_covers_is_never_retried() -> None:
    assert failure_class("fail-step") is None
    assert next_retry((policy(),), "Processing", None, tried=0, since_start_s=0) is None


@pytest.mark.parametrize(
    ("policies", "configured", "told"),
    [
        ((), 0, ""),
        ((RetryPolicy(("Step.THROTTLING",), max_attempts=2),), 0, ""),
        ((), 2, "up to 2 times (jobs.retry_user_code)"),
        ((RetryPolicy(("Local.USER_CODE",), max_attempts=1),), 0, "up to 1 time (RetryPolicies)"),
    ],
)
def test_what_only_runs_again_here_is_said_to_be_local_only(
    policies: tuple[RetryPolicy, ...], configured: int, told: str
) -> None:
    said = local_only(policies, configured)
    assert said == "" if not told else ("LOCAL ONLY: Local.USER_CODE" in said and told in said)
