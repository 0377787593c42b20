"""The search: its limits, its failures, and the ensemble's weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.environments.algorithms.automl.candidates import Proposal
from engine.environments.algorithms.automl.problem import AutoMLError, Problem
from engine.environments.algorithms.automl.search import (
    Budget,
    Candidate,
    TimeUp,
    limited,
    search,
    weigh,
)

PROPOSALS = [Proposal(number, "linear", {"regularization": number}) for number in range(1, 6)]


def succeed(proposal: Proposal) -> Candidate:
    return Candidate(proposal.number, proposal.family, proposal.settings, proposal.number / 10)


class Clock:
    """Seconds that go on by one each time they are asked for."""

    def __init__(self) -> None:
        self._ticks: Iterator[int] = iter(range(1000))

    def __call__(self) -> float:
        return float(next(self._ticks))


def test_each_candidate_is_a_line_of_the_log_with_its_metric() -> None:
    said: list[str] = []
    found = search(PROPOSALS[:2], Budget(None, None, lambda: 0.0), succeed, said.append)
    assert [one.score for one in found] == [0.1, 0.2]
    assert said == [
        "candidate 1 linear (regularization=1): 0.1 in 0.0 s",
        "candidate 2 linear (regularization=2): 0.2 in 0.0 s",
    ]


def test_no_candidate_starts_when_the_jobs_time_is_over() -> None:
    said: list[str] = []
    found = search(PROPOSALS, Budget(12, None, Clock()), succeed, said.append)
    assert 0 < len(found) < len(PROPOSALS)
    assert said[-1] == "MaxAutoMLJobRuntimeInSeconds is over: no other candidate starts"


def test_a_job_without_time_for_one_candidate_fails() -> None:
    with pytest.raises(AutoMLError, match=r"None of 0 candidates.*no time"):
        search(PROPOSALS, Budget(0, None, lambda: 0.0), succeed, lambda line: None)


def test_a_candidate_that_fails_is_kept_with_its_reason_and_the_others_go_on() -> None:
    def attempt(proposal: Proposal) -> Candidate:
        if proposal.number == 1:
            raise ValueError("no such thing")
        if proposal.number == 2:
            raise TimeUp
        return succeed(proposal)

    found = search(PROPOSALS[:3], Budget(None, None), attempt, lambda line: None)
    assert [one.reason for one in found] == [
        "ValueError: no such thing",
        "its time was over",
        "",
    ]
    with pytest.raises(AutoMLError, match=r"None of 2 candidates.*no such thing"):
        search(PROPOSALS[:2], Budget(None, None), attempt, lambda line: None)


@pytest.mark.parametrize(
    ("job", "candidate", "limit"),
    [(None, None, None), (50, None, 48), (None, 7, 7), (50, 7, 7), (50, 90, 48)],
)
def test_a_candidate_has_the_smaller_of_both_limits(
    job: float | None, candidate: float | None, limit: float | None
) -> None:
    budget = Budget(job, candidate, iter([0.0, 2.0]).__next__)
    assert budget.next() == limit


def test_work_is_interrupted_when_its_time_is_over_even_if_it_catches_everything() -> None:
    def stubborn() -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:
                continue

    with pytest.raises(TimeUp), limited(0.001):
        stubborn()


MSE = Problem("Regression", "MSE", ())
columns = arrays.arrays(float, (4, 6), elements=st.integers(-9, 9).map(float))


@given(columns, arrays.arrays(float, 6, elements=st.integers(-9, 9).map(float)))
def test_the_ensemble_is_never_worse_than_its_best_member(
    predictions: np.ndarray, truth: np.ndarray
) -> None:
    def score(one: np.ndarray) -> float:
        return float(((one - truth) ** 2).mean())

    counts = weigh(list(predictions), score, MSE.better)
    mean = np.average(predictions, axis=0, weights=counts)
    assert score(mean) <= min(score(one) for one in predictions) + 1e-9


def test_models_that_err_on_either_side_are_averaged() -> None:
    truth = np.array([1.0, 2.0, 3.0])
    counts = weigh(
        [truth + 1, truth - 1, truth + 50],
        lambda one: float(((one - truth) ** 2).mean()),
        MSE.better,
    )
    assert counts[0] == counts[1] > 0 and counts[2] == 0
