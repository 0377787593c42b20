"""What a CreateHyperParameterTuningJob request asks for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.errors import DefinitionError
from engine.tuning.ranges import Categorical, Point, Range, read_ranges

Json = Mapping[str, Any]
OBJECTIVE_HYPERPARAMETER = "_tuning_objective_metric"
_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""Static hyperparameters that Hyperband takes for MaxResource where that is not given."""
_MAX_RESOURCE = 20_000
_PARENTS = 5
_TRAINING = (
    "AlgorithmSpecification",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "EnableNetworkIsolation",
    "Environment",
    "InputDataConfig",
    "OutputDataConfig",
    "RetryStrategy",
    "RoleArn",
    "StoppingCondition",
    "VpcConfig",
)
"""What a training job definition and a training job have in common."""


class Strategy(StrEnum):
    """How the next hyperparameters are chosen."""

    BAYESIAN = "Bayesian"
    GRID = "Grid"
    HYPERBAND = "Hyperband"
    RANDOM = "Random"


NEEDS_OPTUNA = frozenset({Strategy.BAYESIAN, Strategy.HYPERBAND})


@dataclass(frozen=True, slots=True)
class Objective:
    """The metric that is tuned."""

    metric: str
    maximize: bool

    def cost(self, value: float) -> float:
        """A number that is the lower, the better ``value`` is."""
        return -value if self.maximize else value

    @property
    def type(self) -> str:
        """As the service writes it."""
        return "Maximize" if self.maximize else "Minimize"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One training job definition: what its jobs have in common, and what is tuned.

    ``name`` is its DefinitionName; ``definition`` the whole TrainingJobDefinition.
    """

    name: str
    objective: Objective
    ranges: tuple[Range, ...]
    definition: Json

    @property
    def static(self) -> Json:
        """StaticHyperParameters."""
        return self.definition.get("StaticHyperParameters") or {}

    def training_request(self, point: Point, job_name: str) -> dict[str, Any]:
        """The CreateTrainingJob request of a job with these tuned hyperparameters.

        The objective of a built-in algorithm needs no MetricDefinition. Checkpoints are kept apart
        by job, so that no job goes on with another one's.
        """
        given = self.definition
        request = {key: given[key] for key in _TRAINING if given.get(key) is not None}
        specification = dict(request.get("AlgorithmSpecification") or {})
        specification["MetricDefinitions"] = self._metric_definitions()
        request["AlgorithmSpecification"] = specification
        request["ResourceConfig"] = (
            given.get("ResourceConfig") or given.get("HyperParameterTuningResourceConfig") or {}
        )
        request["HyperParameters"] = {
            **self.static,
            **point,
            OBJECTIVE_HYPERPARAMETER: self.objective.metric,
        }
        checkpoints = given.get("CheckpointConfig") or {}
        if checkpoints.get("S3Uri"):
            uri = f"{str(checkpoints['S3Uri']).rstrip('/')}/{job_name}"
            request["CheckpointConfig"] = {**checkpoints, "S3Uri": uri}
        return request

    def _metric_definitions(self) -> list[Json]:
        specification = self.definition.get("AlgorithmSpecification") or {}
        declared = list(specification.get("MetricDefinitions") or ())
        metric = self.objective.metric
        if any(one.get("Name") == metric for one in declared):
            return declared
        kind, _, name = metric.partition(":")
        if kind != "validation" or not name:
            raise DefinitionError(
                f"the objective metric {metric!r} has no regular expression",
                code="tuning-objective-undeclared",
                hint="Declare it in AlgorithmSpecification.MetricDefinitions.",
            )
        regex = rf".*\[[0-9]+\].*#011validation-{name}:(\S+)"
        return [*declared, {"Name": metric, "Regex": regex}]


@dataclass(frozen=True, slots=True)
class Resources:
    """Epochs after which Hyperband may stop a job at the earliest, and stops it at the latest."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Criteria:
    """TuningJobCompletionCriteria: what ends a tuning job before its limits do.

    Args:
        target: a value of the objective that is good enough.
        not_improving: after so many training jobs that are no better than the best.
        on_convergence: when nothing better is to be expected.
    """

    target: float | None = None
    not_improving: int | None = None
    on_convergence: bool = False


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Tuning jobs to learn from, by name; ``identical`` asks for the same data and image."""

    parents: tuple[str, ...]
    identical: bool


@dataclass(frozen=True, slots=True)
class TuningRequest:
    """A tuning job; ``max_jobs`` is None where the search's size is the limit (Grid)."""

    strategy: Strategy
    algorithms: tuple[Algorithm, ...]
    max_jobs: int | None
    max_parallel: int
    max_runtime_s: float | None
    early_stopping: bool
    criteria: Criteria
    resources: Resources | None
    seed: int | None
    warm_start: WarmStart | None

    @property
    def objective(self) -> Objective:
        """By which jobs are ranked; those of all algorithms have the same direction."""
        return self.algorithms[0].objective


def read_request(arguments: Json) -> TuningRequest:
    """The request in a step's arguments.

    Errors: ``DefinitionError`` with a code that begins with ``tuning-``.
    """
    config: Json = arguments.get("HyperParameterTuningJobConfig") or {}
    if arguments.get("Autotune"):
        raise _wrong("Autotune leaves ranges and limits to the service", "Remove Autotune.")
    strategy = _choice(Strategy, "Strategy", config.get("Strategy"))
    several = arguments.get("TrainingJobDefinitions")
    definitions = several or [arguments.get("TrainingJobDefinition") or {}]
    algorithms = tuple(_algorithm(config, one) for one in definitions)
    if len({one.objective.maximize for one in algorithms}) > 1:
        raise _wrong(
            "one TuningObjective is to be minimized and another one maximized",
            "Jobs of several algorithms compete, so the objectives need the same Type.",
        )
    names = [one.name for one in algorithms]
    if several and len(set(names)) < len(names):
        raise _wrong("two training job definitions have the same DefinitionName", "Rename one.")
    limits: Json = config.get("ResourceLimits") or {}
    grid = strategy is Strategy.GRID
    if grid and any(not isinstance(one, Categorical) for a in algorithms for one in a.ranges):
        raise _wrong(
            "Strategy Grid tries every combination, and a numeric range has no end of them",
            "Use CategoricalParameterRanges only, or another Strategy.",
        )
    early_stopping = config.get("TrainingJobEarlyStoppingType") == "Auto"
    if early_stopping and strategy is Strategy.HYPERBAND:
        raise _wrong(
            "Strategy Hyperband stops jobs by itself", "Set TrainingJobEarlyStoppingType to Off."
        )
    warm_start = _warm_start(arguments.get("WarmStartConfig"))
    if warm_start and len(algorithms) > 1:
        raise _wrong("a warm start needs a single TrainingJobDefinition", "Tune them one by one.")
    seed = config.get("RandomSeed")
    return TuningRequest(
        strategy,
        algorithms,
        None if grid else _count(limits, "MaxNumberOfTrainingJobs"),
        _count(limits, "MaxParallelTrainingJobs"),
        float(_count(limits, "MaxRuntimeInSeconds")) if limits.get("MaxRuntimeInSeconds") else None,
        early_stopping,
        _criteria(config.get("TuningJobCompletionCriteria") or {}),
        _resources(config, algorithms) if strategy is Strategy.HYPERBAND else None,
        None if seed is None else int(_number("RandomSeed", seed)),
        warm_start,
    )


def _algorithm(config: Json, definition: Json) -> Algorithm:
    objective: Json = (
        definition.get("TuningObjective") or config.get("HyperParameterTuningJobObjective") or {}
    )
    kind, metric = objective.get("Type"), objective.get("MetricName")
    if kind not in ("Maximize", "Minimize") or not metric:
        raise _wrong(
            "the objective needs a Type (Minimize or Maximize) and a MetricName",
            "Set HyperParameterTuningJobObjective, or TuningObjective of each definition.",
        )
    ranges = read_ranges(
        definition.get("HyperParameterRanges") or config.get("ParameterRanges") or {}
    )
    found = Algorithm(
        str(definition.get("DefinitionName") or ""),
        Objective(str(metric), kind == "Maximize"),
        ranges,
        definition,
    )
    if twice := {one.name for one in ranges} & set(found.static):
        raise _wrong(
            f"{', '.join(sorted(twice))} is both static and tuned",
            "Take it out of StaticHyperParameters or out of the ranges.",
        )
    return found


def _criteria(given: Json) -> Criteria:
    target = given.get("TargetObjectiveMetricValue")
    patience: Json = given.get("BestObjectiveNotImproving") or {}
    convergence: Json = given.get("ConvergenceDetected") or {}
    return Criteria(
        None if target is None else _number("TargetObjectiveMetricValue", target),
        _count(patience, "MaxNumberOfTrainingJobsNotImproving") if patience else None,
        convergence.get("CompleteOnConvergence") == "Enabled",
    )


def _resources(config: Json, algorithms: tuple[Algorithm, ...]) -> Resources:
    given: Json = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
    most = given.get("MaxResource")
    if most is None:
        static = [one.static.get(name) for one in algorithms for name in _EPOCHS]
        most = next((value for value in static if value is not None), None)
    if most is None:
        raise _wrong(
            "Strategy Hyperband needs to know how many epochs a job has",
            "Set MaxResource in HyperbandStrategyConfig, or a static hyperparameter epochs.",
        )
    least, most = (
        int(_number("MinResource", given.get("MinResource") or 1)),
        int(_number("MaxResource", str(most).strip('"'))),
    )
    if not 1 <= least <= most <= _MAX_RESOURCE:
        raise _wrong(
            f"MinResource {least} and MaxResource {most} are no limits",
            f"They are epochs with 1 <= MinResource <= MaxResource <= {_MAX_RESOURCE}.",
        )
    return Resources(least, most)


def _warm_start(given: Json | None) -> WarmStart | None:
    if not given:
        return None
    parents = tuple(
        str(one.get("HyperParameterTuningJobName") or "")
        for one in given.get("ParentHyperParameterTuningJobs") or ()
    )
    kind = given.get("WarmStartType")
    if not 1 <= len(parents) <= _PARENTS or not all(parents):
        raise _wrong(f"a warm start needs 1 to {_PARENTS} parents, by name", "Name tuning jobs.")
    if kind not in ("IdenticalDataAndAlgorithm", "TransferLearning"):
        raise _wrong(
            f"WarmStartType cannot be {kind!r}", "Use IdenticalDataAndAlgorithm, TransferLearning."
        )
    return WarmStart(parents, kind == "IdenticalDataAndAlgorithm")


def _choice(choices: type[Strategy], name: str, value: Any) -> Strategy:
    try:
        return choices(value)
    except ValueError:
        raise _wrong(f"{name} cannot be {value!r}", f"One of {', '.join(choices)}.") from None


def _count(given: Json, name: str) -> int:
    value = _number(name, given.get(name))
    if value < 1 or value != int(value):
        raise _wrong(f"{name} cannot be {given.get(name)!r}", f"{name} is a number, 1 or more.")
    return int(value)


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise _wrong(f"{name} cannot be {value!r}", f"{name} is a number.")
    return number


def _wrong(what: str, hint: str) -> DefinitionError:
    return DefinitionError(what, code="tuning-request-invalid", hint=hint)
