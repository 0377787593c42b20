"""Searches: repeatable, complete, and Bayesian better than random at an equal budget."""

from __future__ import annotations

import math
import subprocess
import sys
from statistics import fmean
from typing import Any

import pytest

from engine.tuning.ranges import Point
from engine.tuning.request import TuningRequest, read_request
from engine.tuning.search import Observation, Search, draw, open_search

BUDGET, SEEDS = 24, range(20)


def request(strategy: str, ranges: dict[str, Any] | None = None, **config: Any) -> TuningRequest:
    """A request to minimize ``loss`` over ``hilly``'s hyperparameters."""
    return read_request(
        {
            "HyperParameterTuningJobConfig": {
                "Strategy": strategy,
                "ResourceLimits": {
                    "MaxNumberOfTrainingJobs": BUDGET, "MaxParallelTrainingJobs": 2
                },
                "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
                "ParameterRanges": ranges or {
                    "ContinuousParameterRanges": [
                        {"Name": "rate", "MinValue": "0.0001", "MaxValue": "1",
                         "ScalingType": "Logarithmic"},
                        {"Name": "dropout", "MinValue": "0", "MaxValue": "0.9"},
                    ],
                    "IntegerParameterRanges": [
                        {"Name": "depth", "MinValue": "1", "MaxValue": "16"}
                    ],
                    "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b", "c"]}],
                },
                **config,
            },
            "TrainingJobDefinition": {},
        }
    )  # fmt: skip


def search(strategy: str, seed: str, known: tuple[Observation, ...] = (), **config: Any) -> Search:
    wanted = request(strategy, **config)
    return open_search(wanted, wanted.algorithms[0], seed, known)


def hilly(point: Point) -> float:
    """An objective with its minimum, 0, at rate 0.01, dropout 0.3, depth 7 and kind a."""
    return (
        (math.log10(float(point["rate"])) + 2) ** 2 / 2
        + (float(point["dropout"]) - 0.3) ** 2 * 4
        + ((int(point["depth"]) - 7) / 6) ** 2
        + {"a": 0.0, "b": 0.15, "c": 0.3}[point["kind"]]
    )


def proposed(found: Search, numbers: range) -> list[Point]:
    """What a search proposes when it is told each objective at once."""
    points = []
    for number in numbers:
        point = found.propose(number)
        assert point is not None
        points.append(point)
        found.settle(number, hilly(point))
    return points


def best(strategy: str, seed: int) -> float:
    return min(map(hilly, proposed(search(strategy, f"{seed}"), range(BUDGET))))


def test_bayesian_finds_a_better_objective_than_random_at_equal_budget() -> None:
    pytest.importorskip("optuna")
    bayesian = [best("Bayesian", seed) for seed in SEEDS]
    random = [best("Random", seed) for seed in SEEDS]
    assert fmean(bayesian) < fmean(random) * 0.7
    assert sum(b < r for b, r in zip(bayesian, random, strict=True)) > 0.7 * len(SEEDS)


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_a_seed_gives_the_same_points_again(strategy: str) -> None:
    if strategy == "Bayesian":
        pytest.importorskip("optuna")
    first, again, other = (proposed(search(strategy, s), range(10)) for s in ("1", "1", "2"))
    assert first == again != other


def test_a_search_that_is_told_what_happened_goes_on_as_it_would_have() -> None:
    pytest.importorskip("optuna")
    whole = proposed(search("Bayesian", "s"), range(12))
    again = search("Bayesian", "s")
    for number, point in enumerate(whole[:8]):
        again.recall(number, point)
        again.settle(number, hilly(point))
    rest = proposed(again, range(8, 12))
    assert [one["kind"] for one in rest] == [one["kind"] for one in whole[8:]]
    for one, other in zip(rest, whole[8:], strict=True):
        assert float(one["rate"]) == pytest.approx(float(other["rate"]))


def test_bayesian_starts_near_what_earlier_jobs_found() -> None:
    pytest.importorskip("optuna")
    known = tuple((one, hilly(one)) for one in proposed(search("Bayesian", "p"), range(40)))
    warm = fmean(map(hilly, proposed(search("Bayesian", "w", known), range(5))))
    cold = fmean(map(hilly, proposed(search("Bayesian", "w"), range(5))))
    assert warm < cold / 2


def test_observations_outside_of_the_ranges_are_left_out() -> None:
    pytest.importorskip("optuna")
    far: Observation = ({"rate": "9", "dropout": "0", "depth": "1", "kind": "a"}, 0.0)
    assert proposed(search("Bayesian", "s", (far,)), range(3)) == proposed(
        search("Bayesian", "s"), range(3)
    )


def test_hyperband_stops_jobs_that_are_worse_at_a_rung_and_all_at_the_last_epoch() -> None:
    pytest.importorskip("optuna")
    epochs = {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 9}}
    found = search("Hyperband", "s", StrategyConfig=epochs)
    reached = {}
    for number in range(48):
        assert found.propose(number) is not None
        loss = float((number * 5) % 48)
        epoch = next(e for e in range(1, 10) if found.report(number, e, loss))
        found.settle(number, loss, stopped=True)
        reached[loss] = epoch
    assert reached[0.0] == 9
    assert min(reached.values()) < 9
    assert fmean(reached[loss] for loss in range(12)) > fmean(
        reached[loss] for loss in range(36, 48)
    )


def test_an_epoch_that_is_reported_again_changes_nothing() -> None:
    pytest.importorskip("optuna")
    found = search("Bayesian", "s")
    found.propose(1)
    assert not found.report(1, 1, 0.5)
    assert not found.report(1, 1, 9.9)
    found.settle(1, 0.5, stopped=True)


def test_grid_goes_on_behind_what_was_recalled_and_ends() -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "a", "Values": ["1", "2"]},
                                             {"Name": "b", "Values": ["x", "y"]}]}  # fmt: skip
    found = search("Grid", "s", ranges=ranges)
    found.recall(1, {"a": "1", "b": "x"})
    assert [found.propose(n) for n in range(2, 6)] == [
        {"a": "1", "b": "y"}, {"a": "2", "b": "x"}, {"a": "2", "b": "y"}, None
    ]  # fmt: skip


def test_draws_are_even_and_below_one() -> None:
    found = [draw("s", n) for n in range(2000)]
    assert all(0 <= one < 1 for one in found)
    assert fmean(found) == pytest.approx(0.5, abs=0.03)


def test_optuna_is_asked_for_only_by_the_strategies_that_need_it() -> None:
    """Run where Optuna cannot be imported."""
    program = (
        "import sys; sys.modules['optuna'] = None\n"
        "from tests.unit.tuning.test_search import search\n"
        "assert search('Random', 's').propose(1)\n"
        "try: search('Bayesian', 's')\n"
        "except Exception as problem: print(problem.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "optuna-missing", done.stderr
