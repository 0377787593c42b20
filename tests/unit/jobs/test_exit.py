from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs.base import Exit, exit_from_status


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (Exit(code=0), "exit code 0"),
        (Exit(code=3), "exit code 3"),
        (Exit(code=127), "exit code 127 (the command was not found)"),
        (Exit(signal=9), "killed by SIGKILL (perhaps out of memory)"),
        (Exit(signal=9, oom=True), "killed by SIGKILL (out of memory)"),
        (Exit(signal=11), "killed by SIGSEGV"),
        (Exit(signal=9, stopped=True), "stopped, killed by SIGKILL"),
        (Exit(code=0, stopped=True), "stopped, exit code 0"),
        (Exit(code=1, note="see below"), "exit code 1; see below"),
    ],
)
def test_an_end_in_words(end: Exit, words: str) -> None:
    assert end.describe() == words


def test_a_lost_job_says_that_its_end_is_unknown() -> None:
    assert "unknown" in Exit(lost=True).describe()


@pytest.mark.parametrize(
    "end",
    [Exit(), Exit(code=1), Exit(signal=9), Exit(code=0, lost=True), Exit(code=0, stopped=True)],
)
def test_only_a_clean_end_is_ok(end: Exit) -> None:
    assert Exit(code=0).ok
    assert not end.ok


@given(st.integers(0, 255))
def test_a_status_is_either_a_code_or_a_signal_and_zero_only_means_success(status: int) -> None:
    end = exit_from_status(status)
    assert (end.code is None) != (end.signal is None)
    assert end.ok is (status == 0)
    assert end.describe()


def test_status_255_is_a_code_as_no_signal_has_the_number_127() -> None:
    assert exit_from_status(255) == Exit(code=255)
    assert exit_from_status(137) == Exit(signal=9)
