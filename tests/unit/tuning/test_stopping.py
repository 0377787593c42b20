"""Rules that end a training job or a tuning job early."""

from __future__ import annotations

from engine.tuning.request import Criteria, Objective
from engine.tuning.stopping import completion, converged, falls_behind, jobs_not_improving

LOSS, AUC = Objective("loss", maximize=False), Objective("auc", maximize=True)


def test_median_rule_compares_with_running_averages_up_to_the_same_epoch() -> None:
    others = [(4.0, 2.0, 0.0), (6.0, 4.0, 0.0), (8.0, 6.0, 0.0)]
    assert not falls_behind((9.0, 5.0), others, LOSS)
    assert falls_behind((9.0, 5.1), others, LOSS)
    assert falls_behind((1.0, 4.9), others, AUC)


def test_median_rule_waits_for_three_jobs_that_got_as_far() -> None:
    assert not falls_behind((9.0,), [(1.0,), (1.0,)], LOSS)
    assert falls_behind((9.0,), [(1.0,), (1.0,), (1.0,)], LOSS)
    assert not falls_behind((9.0, 9.0), [(1.0,), (1.0,), (1.0,)], LOSS)
    assert not falls_behind((), [(1.0,)] * 3, LOSS)


def test_jobs_not_improving_are_those_after_the_first_best() -> None:
    assert jobs_not_improving([3, 1, 1, 2], LOSS) == 2
    assert jobs_not_improving([3, 1, 1, 4], AUC) == 0
    assert jobs_not_improving([], LOSS) == 0


def test_target_is_reached_in_the_direction_of_the_objective() -> None:
    assert completion([0.9], Criteria(target=0.9), AUC, 1)
    assert not completion([0.8], Criteria(target=0.9), AUC, 1)
    assert completion([0.8], Criteria(target=0.9), LOSS, 1)
    assert not completion([], Criteria(target=0.9), LOSS, 1)


def test_convergence_needs_a_window_without_a_real_gain() -> None:
    flat = [10.0, 1.0] + [1.0] * 10
    assert converged(flat, LOSS, 2)
    assert not converged(flat[:-1], LOSS, 2)
    assert not converged([*flat[:-1], 0.5], LOSS, 2)
    assert not converged(flat, LOSS, 6)
    assert completion(flat, Criteria(on_convergence=True), LOSS, 2) == "the objective has converged"
    assert not completion(flat, Criteria(), LOSS, 2)
