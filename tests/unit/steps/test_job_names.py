"""Names of jobs: what the service would take, the same for whoever works on the attempt."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from engine import ids

JOB_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
EXECUTIONS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=12)
ANY_TEXT = st.text(max_size=80) | st.text(alphabet="ab-_/.", max_size=80)


@given(EXECUTIONS, ANY_TEXT, st.integers(1, 99))
def test_any_step_gives_a_name_the_service_would_take(
    execution: str, step: str, attempt: int
) -> None:
    name = ids.job_name(execution, step, attempt)
    assert JOB_NAME.fullmatch(name)
    assert name.startswith(f"pipelines-{execution}-")
    assert name == ids.job_name(execution, step, attempt)


@given(EXECUTIONS, ANY_TEXT, ANY_TEXT, st.integers(1, 99))
def test_any_prefix_gives_a_name_the_service_would_take(
    execution: str, prefix: str, step: str, attempt: int
) -> None:
    assert JOB_NAME.fullmatch(ids.prefixed_job_name(prefix, execution, step, attempt))


@given(EXECUTIONS, ANY_TEXT, ANY_TEXT)
def test_steps_and_attempts_never_share_a_name(execution: str, one: str, other: str) -> None:
    assert ids.job_name(execution, one, 1) != ids.job_name(execution, one, 2)
    if one != other:
        assert ids.job_name(execution, one, 1) != ids.job_name(execution, other, 1)


def test_tokens_have_ten_letters_and_digits_and_execution_ids_twelve() -> None:
    assert re.fullmatch(r"[a-z0-9]{10}", ids.callback_token("run", "Ask", 1))
    assert ids.callback_token("run", "Ask", 1) != ids.callback_token("run", "Ask", 2)
    assert re.fullmatch(r"[a-z0-9]{12}", ids.execution_id())
    assert ids.execution_id(lambda length: "x" * length) == "x" * 12
