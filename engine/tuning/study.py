"""The searches that Optuna does: Bayesian (tree-structured Parzen estimator) and Hyperband."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from engine.errors import PlanError
from engine.tuning.ranges import Categorical, Point, Range, Scaling
from engine.tuning.request import Algorithm, Resources
from engine.tuning.search import Observation, draw, spread

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial

STARTUP_JOBS = 5
"""Training jobs that are spread over the ranges before there is something to learn from."""


def require_optuna() -> None:
    """Check that Optuna is there, without the half second that importing it takes.

    Errors: ``PlanError`` (``optuna-missing``).
    """
    if find_spec("optuna") is None:
        raise PlanError(
            "Strategy Bayesian and Hyperband need Optuna, which is not installed",
            code="optuna-missing",
            hint="Install it with: pip install 'pipetui[tuning]'. Random and Grid do without.",
        )


class StudySearch:
    """A study in memory, which sees integers as they are and real numbers as shares of ranges.

    The sampler of each job has a seed made of the search's and of how many came before, so that a
    study that was told the same proposes the same.

    Args:
        resources: epochs for Hyperband; None for Bayesian.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        seed: str,
        observations: Sequence[Observation] = (),
        resources: Resources | None = None,
    ) -> None:
        require_optuna()
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._optuna = optuna
        self._ranges = {one.name: one for one in algorithm.ranges}
        self._seed = seed
        self._resources = resources
        pruner: BasePruner = optuna.pruners.NopPruner()
        if resources:
            pruner = optuna.pruners.HyperbandPruner(resources.least, resources.most)
        self._study = optuna.create_study(
            study_name=seed,
            direction="maximize" if algorithm.objective.maximize else "minimize",
            pruner=pruner,
        )
        self._distributions: dict[str, BaseDistribution] = {
            one.name: self._distribution(one) for one in algorithm.ranges
        }
        self._trials: dict[int, Trial] = {}
        for point, value in observations:
            params = self._params(point)
            if params is not None:
                self._study.add_trial(
                    optuna.create_trial(
                        params=params, distributions=self._distributions, value=value
                    )
                )

    def propose(self, number: int) -> Point | None:
        """See ``Search.propose``."""
        count = len(self._study.get_trials(deepcopy=False))
        if count < STARTUP_JOBS:
            self._study.enqueue_trial(self._spread(count))
        self._study.sampler = self._sampler(count)
        trial = self._study.ask(self._distributions)
        self._trials[number] = trial
        return {name: self._text(one, trial.params[name]) for name, one in self._ranges.items()}

    def recall(self, number: int, point: Point) -> None:
        """See ``Search.recall``."""
        self._study.enqueue_trial(self._params(point) or {})
        self._trials[number] = self._study.ask(self._distributions)

    def report(self, number: int, epoch: int, value: float) -> bool:
        """See ``Search.report``."""
        trial = self._trials[number]
        if epoch in self._values(trial):
            return False
        trial.report(value, epoch)
        if self._resources is None:
            return False
        return epoch >= self._resources.most or trial.should_prune()

    def settle(self, number: int, value: float | None, *, stopped: bool = False) -> None:
        """See ``Search.settle``."""
        state = self._optuna.trial.TrialState
        trial = self._trials.pop(number)
        if value is None:
            self._study.tell(trial, state=state.FAIL)
        elif stopped and self._values(trial):
            self._study.tell(trial, state=state.PRUNED)
        else:
            self._study.tell(trial, value)

    def _values(self, trial: Trial) -> dict[int, float]:
        """What was reported of a job so far, by epoch."""
        found: dict[int, float] = self._study.get_trials(deepcopy=False)[
            trial.number
        ].intermediate_values
        return found

    def _spread(self, count: int) -> dict[str, Any]:
        """The next of the first points."""
        shares = {name: spread(self._seed, STARTUP_JOBS, count, name) for name in self._ranges}
        point = {name: one.at(shares[name]) for name, one in self._ranges.items()}
        return self._params(point) or {}

    def _sampler(self, count: int) -> BaseSampler:
        seed = int(draw(self._seed, count) * 2**32)
        sampler: BaseSampler = self._optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=STARTUP_JOBS,
            multivariate=True,
            constant_liar=True,
        )
        return sampler

    def _distribution(self, one: Range) -> Any:
        distributions = self._optuna.distributions
        if isinstance(one, Categorical):
            return distributions.CategoricalDistribution(one.values)
        if one.integer:
            log = one.scaling is Scaling.LOGARITHMIC
            return distributions.IntDistribution(int(one.low), int(one.high), log=log)
        return distributions.FloatDistribution(0.0, 1.0)

    def _params(self, point: Point) -> dict[str, Any] | None:
        """A point in the study's terms; None where a value lies outside of its range."""
        found: dict[str, Any] = {}
        for name, one in self._ranges.items():
            text = point.get(name, "")
            if isinstance(one, Categorical):
                found[name] = text if text in one.values else None
            else:
                share = one.share(text)
                found[name] = int(float(text)) if one.integer and share is not None else share
        return None if None in found.values() else found

    @staticmethod
    def _text(one: Range, value: Any) -> str:
        if isinstance(one, Categorical):
            return str(value)
        return str(value) if one.integer else one.at(value)
