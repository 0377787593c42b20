"""The tuning sample, trained for real: what each strategy finds in it at the same budget.

Its training script runs in its image's environment, in one process for all training jobs, so that
hundreds of them take less than a minute; a run of the whole pipeline shows that this is the same.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest

from engine.environments import Environments, resolve
from engine.model.status import ExecutionStatus, StepStatus
from engine.tuning.ranges import Point
from engine.tuning.request import TuningRequest, read_request
from engine.tuning.search import open_search
from engine.tuning.stopping import falls_behind
from tests.engine.embedded import Embedded
from tests.environments import shared_environments, shared_folder

pytestmark = pytest.mark.environments

SAMPLE = Path(__file__).parents[2] / "sample_pipelines" / "tuning"
DOCUMENT = json.loads((SAMPLE / "pipeline.json").read_text())
TUNE = DOCUMENT["Steps"][0]["Arguments"]
IMAGE = TUNE["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"]
OBJECTIVE = "FinalHyperParameterTuningJobObjectiveMetric"
SEEDS = range(1, 9)
EPOCHS = int(TUNE["TrainingJobDefinition"]["StaticHyperParameters"]["epochs"])

# trains as main() does for each line, a list of arguments; answers with the loss of each epoch
CHILD = """
import json, sys
sys.path.insert(0, sys.argv[1])
import train
data = train.load()
for line in sys.stdin:
    given = train.arguments(json.loads(line))
    found = train.losses(train.network(given), data, given.epochs)
    print(json.dumps([float(f"{loss:.5f}") for loss in found]), flush=True)
"""

Tried = list[tuple[Point, list[float]]]
"""The training jobs of a search: hyperparameters, and the loss after each epoch."""


def resolved(value: Any, given: dict[str, Any]) -> Any:
    """An expression of the sample with its parameters filled in."""
    if isinstance(value, dict):
        if set(value) == {"Get"} and value["Get"].startswith("Parameters."):
            return given[value["Get"].removeprefix("Parameters.")]
        return {key: resolved(inner, given) for key, inner in value.items()}
    return [resolved(inner, given) for inner in value] if isinstance(value, list) else value


def request(**parameters: Any) -> TuningRequest:
    """What the sample's Tune asks for with these parameters."""
    given = {one["Name"]: one["DefaultValue"] for one in DOCUMENT["Parameters"]} | parameters
    return read_request(resolved(TUNE, given))


class Trainer:
    """The sample's training script, kept running in its environment."""

    def __init__(self, python: Path) -> None:
        command = [str(python), "-W", "ignore", "-c", CHILD, str(SAMPLE / "train")]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._known: dict[str, list[float]] = {}

    def losses(self, point: Point) -> list[float]:
        """The validation loss after each epoch with these hyperparameters."""
        assert self._child.stdin and self._child.stdout
        asked = json.dumps([f"--{name}={value}" for name, value in point.items()])
        if asked not in self._known:
            self._child.stdin.write(f"{asked}\n")
            self._child.stdin.flush()
            self._known[asked] = json.loads(self._child.stdout.readline())
            assert len(self._known[asked]) == EPOCHS
        return self._known[asked]

    def close(self) -> None:
        self._child.communicate()

    def tune(self, **parameters: Any) -> Tried:
        """Do what Tune does, one training job at a time; the losses end where a job is stopped."""
        wanted = request(**parameters)
        search = open_search(wanted, wanted.algorithms[0], f"{wanted.seed}/0")
        assert wanted.max_jobs is not None
        tried: Tried = []
        for number in range(1, wanted.max_jobs + 1):
            point = search.propose(number)
            assert point is not None
            seen: list[float] = []
            stopped = False
            for epoch, loss in enumerate(self.losses(point), 1):
                seen.append(loss)
                stopped = search.report(number, epoch, loss)
                if stopped:
                    break
            search.settle(number, seen[-1], stopped=stopped)
            tried.append((point, seen))
        return tried


@pytest.fixture(scope="module")
def trainer() -> Iterator[Trainer]:
    version = (sys.version_info.major, sys.version_info.minor)
    resolution = resolve(IMAGE, python=version)
    built = asyncio.run(Environments(shared_folder(), sys.executable).ensure(resolution))
    started = Trainer(built.python)
    yield started
    started.close()


@pytest.fixture(scope="module")
def random(trainer: Trainer) -> list[Tried]:
    """The sample's search with its own strategy and budget, for each seed."""
    return [trainer.tune(Strategy="Random", Seed=seed) for seed in SEEDS]


def best(tried: Tried) -> float:
    return min(losses[-1] for _, losses in tried)


def epochs(tried: Tried) -> int:
    return sum(len(losses) for _, losses in tried)


def test_bayesian_finds_a_better_loss_than_random_at_the_samples_own_budget(
    trainer: Trainer, random: list[Tried]
) -> None:
    pytest.importorskip("optuna")
    bayesian = [trainer.tune(Strategy="Bayesian", Seed=seed) for seed in SEEDS]
    assert {len(tried) for tried in bayesian + random} == {request().max_jobs}
    found, drawn = [best(tried) for tried in bayesian], [best(tried) for tried in random]
    assert fmean(found) < fmean(drawn) * 0.8
    assert median(found) < median(drawn) * 0.8
    assert sum(one < other for one, other in zip(found, drawn, strict=True)) > 0.7 * len(SEEDS)


def test_hyperband_finds_a_better_loss_than_random_in_fewer_epochs(
    trainer: Trainer, random: list[Tried]
) -> None:
    pytest.importorskip("optuna")
    hyperband = [trainer.tune(Strategy="Hyperband", Seed=seed) for seed in SEEDS]
    assert fmean(map(epochs, hyperband)) < fmean(map(epochs, random)) * 0.8
    assert fmean(map(best, hyperband)) < fmean(map(best, random)) * 0.9


def stopped_early(tried: Tried) -> Tried:
    """The same training jobs one after the other under TrainingJobEarlyStoppingType Auto."""
    objective = request().objective
    kept: Tried = []
    for point, losses in tried:
        completed = [one for _, one in kept if len(one) == EPOCHS]
        behind = (n for n in range(1, EPOCHS) if falls_behind(losses[:n], completed, objective))
        kept.append((point, losses[: next(behind, EPOCHS)]))
    return kept


def test_early_stopping_saves_half_the_epochs_and_mostly_keeps_the_best_job(
    random: list[Tried],
) -> None:
    kept = [stopped_early(tried) for tried in random]
    same = [best(one) == best(other) for one, other in zip(kept, random, strict=True)]
    assert sum(same) > len(SEEDS) / 2
    assert fmean(map(epochs, kept)) < fmean(map(epochs, random)) / 2


async def test_a_run_of_the_sample_tries_and_finds_the_same(
    embedded: Embedded, trainer: Trainer
) -> None:
    pytest.importorskip("optuna")
    parameters = {"Strategy": "Bayesian", "Seed": 1, "Jobs": 12, "Parallel": 1}
    shared_environments(embedded.home)
    state = await embedded.run(str(SAMPLE / "pipeline.json"), parameters)
    reasons = {step.name: step.failure_reason for step in state.steps.values()}
    assert state.execution.status is ExecutionStatus.SUCCEEDED, reasons

    jobs = state.steps["Tune"].properties["TrainingJobSummaries"]
    ran = [(job["TunedHyperParameters"], job[OBJECTIVE]["Value"]) for job in jobs]
    expected = [(point, losses[-1]) for point, losses in trainer.tune(**parameters)]
    assert ran == sorted(expected, key=lambda one: one[1])
    assert f"loss of {ran[0][1]}" in embedded.log(state.steps["Report"])


async def test_a_winner_that_hyperband_stopped_has_left_its_model(embedded: Embedded) -> None:
    pytest.importorskip("optuna")
    parameters = {"Strategy": "Hyperband", "Jobs": 6, "SecondsPerEpoch": 0.1}
    shared_environments(embedded.home)
    state = await embedded.run(str(SAMPLE / "pipeline.json"), parameters)
    tune, report = state.steps["Tune"], state.steps["Report"]
    assert report.status is StepStatus.SUCCEEDED, report.failure_reason + embedded.log(report)
    assert tune.properties["TrainingJobStatusCounters"]["Stopped"] > 0
    loss = json.loads(embedded.log(report).splitlines()[-1])["validation_loss"]
    best_job = tune.properties["BestTrainingJob"]
    assert best_job[OBJECTIVE]["Value"] == pytest.approx(loss, abs=1e-5)
