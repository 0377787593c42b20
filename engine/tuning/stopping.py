"""Rules that end a training job, or a tuning job, before its time."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from engine.tuning.request import Criteria, Objective

LEAST_OTHERS = 3
"""Completed training jobs to compare with, before one is stopped early."""
CONVERGED_JOBS = 10
"""Convergence is judged on at least so many training jobs in a row ..."""
CONVERGED_SHARE = 0.01
"""... that made the best objective better by less than this share of all that was seen."""


def falls_behind(
    values: Sequence[float], others: Sequence[Sequence[float]], objective: Objective
) -> bool:
    """The median rule: whether a training job is to be stopped after its latest epoch.

    It is when its objective is worse than the median of the completed jobs' running averages up to
    the same epoch (TrainingJobEarlyStoppingType Auto, as the developer guide describes it).

    Args:
        values: the job's objective after each epoch so far.
        others: the same of completed jobs; those with fewer epochs do not count.
    """
    epoch = len(values)
    averages = [fmean(one[:epoch]) for one in others if len(one) >= epoch > 0]
    if len(averages) < LEAST_OTHERS:
        return False
    return objective.cost(values[-1]) > objective.cost(median(averages))


def jobs_not_improving(values: Sequence[float], objective: Objective) -> int:
    """How many training jobs, in the order of their ends, came after the best one."""
    costs = [objective.cost(value) for value in values]
    return len(costs) - 1 - costs.index(min(costs)) if costs else 0


def converged(values: Sequence[float], objective: Objective, tuned: int) -> bool:
    """Whether nothing much better is to be expected.

    The service does not say how it decides; this is a rule of our own: of the last
    ``max(10, 2 * tuned)`` training jobs none made the best objective better by more than a
    hundredth of the difference between the best and the worst of all.

    Args:
        values: objectives in the order of the jobs' ends.
        tuned: how many hyperparameters are tuned.
    """
    window = max(CONVERGED_JOBS, 2 * tuned)
    if len(values) <= window:
        return False
    costs = [objective.cost(value) for value in values]
    gain = min(costs[:-window]) - min(costs)
    return gain <= CONVERGED_SHARE * (max(costs) - min(costs))


def completion(
    values: Sequence[float], criteria: Criteria, objective: Objective, tuned: int
) -> str:
    """Why a tuning job is complete by its criteria; empty where it is not."""
    if not values:
        return ""
    best = min(values, key=objective.cost)
    if criteria.target is not None and objective.cost(best) <= objective.cost(criteria.target):
        return f"{objective.metric} {best:g} reached the target {criteria.target:g}"
    idle = jobs_not_improving(values, objective)
    if criteria.not_improving is not None and idle >= criteria.not_improving:
        return f"{idle} training jobs in a row were no better than the best"
    if criteria.on_convergence and converged(values, objective, tuned):
        return "the objective has converged"
    return ""
