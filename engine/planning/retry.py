"""Whether and when a failed attempt runs again: RetryPolicies (section 3.6, pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.definition.document import RetryPolicy


class ExceptionType(StrEnum):
    """The classes of failure that a policy can name."""

    SERVICE_FAULT = "Step.SERVICE_FAULT"
    THROTTLING = "Step.THROTTLING"
    JOB_INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
    CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"
    RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"
    USER_CODE = "Local.USER_CODE"
    """Ours: the user's code failed. No policy of the service covers that."""


LONGEST_DELAY_S = 14_400 * 60
"""No retry waits for longer: ten days, the most that ExpireAfterMin can say."""

_ALIASES = {"SageMaker.JOB_CAPACITY_ERROR": ExceptionType.CAPACITY_ERROR}
"""Spellings of older documentation."""

DEFAULT_POLICIES = (
    RetryPolicy(exception_types=(ExceptionType.SERVICE_FAULT, ExceptionType.THROTTLING)),
)
"""What holds where a step has no policy: these two are always retried; a policy replaces it."""

_NO_INTERNAL_ERROR = frozenset({"Tuning", "AutoML"})
"""Types that do not retry JOB_INTERNAL_ERROR."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Run again after ``delay_s`` seconds."""

    delay_s: float
    policy: RetryPolicy


_CLASSES = {
    "internal-error": ExceptionType.SERVICE_FAULT,
    "job-not-started": ExceptionType.SERVICE_FAULT,
    "job-directory-unusable": ExceptionType.SERVICE_FAULT,
    "disk-full": ExceptionType.RESOURCE_LIMIT,
    "environment-locked": ExceptionType.THROTTLING,
    "algorithm-error": ExceptionType.USER_CODE,
    "lambda-failed": ExceptionType.USER_CODE,
}
"""Codes of failures on this host -> the class of the service they stand for."""


def failure_class(code: str) -> ExceptionType | None:
    """The class that a failure's code belongs to; None for one that no policy covers."""
    return _CLASSES.get(code)


def user_code_policies(attempts: int) -> tuple[RetryPolicy, ...]:
    """The policy for failures of the user's code that the configuration asks for; ours alone."""
    if not attempts:
        return ()
    return (RetryPolicy((ExceptionType.USER_CODE,), max_attempts=attempts),)


def local_only(policies: Iterable[RetryPolicy], configured: int) -> str:
    """Says what retries of a step the service would not make; empty where there are none.

    Args:
        policies: of the step.
        configured: how often the configuration lets failed user code run again.
    """
    own = next((one for one in policies if ExceptionType.USER_CODE in one.exception_types), None)
    if own is None and not configured:
        return ""
    times = configured if own is None else own.max_attempts
    often = "" if times is None else f" up to {times} time{'' if times == 1 else 's'}"
    by = "RetryPolicies" if own is not None else "jobs.retry_user_code"
    return f"LOCAL ONLY: {ExceptionType.USER_CODE} runs it again{often} ({by}); SageMaker does not"


def next_retry(
    policies: Sequence[RetryPolicy],
    step_type: str,
    failure: ExceptionType | None,
    *,
    tried: int,
    since_start_s: float,
) -> Retry | None:
    """The retry that a failure earns; None where it earns none.

    Args:
        failure: the class of the failure; None for one that no policy names.
        tried: how often a retry was made by this failure's policy so far; see ``tried_by``.
        since_start_s: seconds since the step's first attempt started.

    The first policy whose list contains the class decides. The delay before retry ``n`` is
    ``IntervalSeconds * BackoffRate ** (n - 1)``, and ten days at most.
    """
    if failure is None or (
        failure is ExceptionType.JOB_INTERNAL_ERROR and step_type in _NO_INTERNAL_ERROR
    ):
        return None
    policy = _policy_for(policies, failure)
    if policy is None:
        return None
    if policy.max_attempts is not None and tried >= policy.max_attempts:
        return None
    delay = _delay_s(policy, tried)
    limit_min = policy.expire_after_min
    if limit_min is not None and since_start_s + delay > limit_min * 60:
        return None
    return Retry(delay, policy)


def _delay_s(policy: RetryPolicy, tried: int) -> float:
    try:
        return min(policy.interval_s * policy.backoff_rate**tried, LONGEST_DELAY_S)
    except OverflowError:
        return LONGEST_DELAY_S if policy.interval_s else 0.0


def tried_by(policies: Sequence[RetryPolicy], failure: str | None, retried: Iterable[str]) -> int:
    """How many earlier failures were retried by the policy that decides about this one.

    Args:
        retried: the classes of the failures that were retried.
    """
    policy = _policy_for(policies, failure) if failure else None
    return sum(_names(policy, one) for one in retried) if policy else 0


def _policy_for(policies: Sequence[RetryPolicy], failure: str) -> RetryPolicy | None:
    return next((one for one in policies or DEFAULT_POLICIES if _names(one, failure)), None)


def _names(policy: RetryPolicy, failure: str) -> bool:
    return any(_ALIASES.get(one, one) == failure for one in policy.exception_types)
