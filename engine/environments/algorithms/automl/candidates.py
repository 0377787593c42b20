"""The candidates: which models are tried in which order. Pure.

The first round tries each family as it is; later rounds draw its hyperparameters. A draw depends on
the seed and the candidate's number alone.
"""

from __future__ import annotations

import importlib.util
import math
import random
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Sequence

from .problem import AutoMLError

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Proposal:
    """A model to be tried."""

    number: int
    family: str
    settings: Settings


@dataclass(frozen=True)
class Family:
    """A kind of model.

    Attributes:
        stands_for: the service's names of the algorithms whose place it takes.
        usual: hyperparameters of the first round.
        draw: those of a later round.
    """

    name: str
    stands_for: Sequence[str]
    usual: Settings
    draw: Callable[[random.Random], Settings]


def _forest(chance: random.Random) -> Settings:
    return {
        "n_estimators": chance.choice((100, 200, 400)),
        "min_samples_leaf": chance.choice((1, 2, 4, 8)),
        "max_features": chance.choice(("sqrt", 0.5, 1.0)),
    }


def _boosting(chance: random.Random) -> Settings:
    return {
        "max_iter": chance.choice((100, 200, 400)),
        "learning_rate": _logarithmic(chance, 0.02, 0.3),
        "max_leaf_nodes": chance.choice((7, 15, 31, 63)),
    }


def _xgboost(chance: random.Random) -> Settings:
    return {
        "n_estimators": chance.choice((100, 200, 400)),
        "learning_rate": _logarithmic(chance, 0.02, 0.3),
        "max_depth": chance.choice((3, 4, 6, 8)),
        "subsample": chance.choice((0.7, 0.85, 1.0)),
    }


def _logarithmic(chance: random.Random, low: float, high: float) -> float:
    """Drawn evenly in the logarithm, to three digits."""
    return float(f"{math.exp(chance.uniform(math.log(low), math.log(high))):.3g}")


_TREES = {"n_estimators": 200}
FAMILIES = (
    Family(
        "linear",
        ("linear-learner",),
        {"regularization": 1.0},
        lambda chance: {"regularization": _logarithmic(chance, 0.001, 100.0)},
    ),
    Family("random-forest", ("randomforest",), _TREES, _forest),
    Family("gradient-boosting", ("lightgbm", "catboost"), {"max_iter": 100}, _boosting),
    Family("xgboost", ("xgboost",), {"n_estimators": 100, "max_depth": 6}, _xgboost),
    Family("extra-trees", ("extra-trees",), _TREES, _forest),
    Family(
        "nearest-neighbors",
        (),
        {"n_neighbors": 5},
        lambda chance: {
            "n_neighbors": chance.choice((3, 7, 11, 15)),
            "weights": chance.choice(("uniform", "distance")),
        },
    ),
)


def families(algorithms: Sequence[str], has_xgboost: bool) -> list[Family]:
    """The families to try, in order.

    Args:
        algorithms: the service's names of those asked for; empty for all.
        has_xgboost: whether the environment has the library.

    Errors: ``AutoMLError`` where none of them is here.
    """
    found = [
        family
        for family in FAMILIES
        if (not algorithms or set(algorithms) & set(family.stands_for))
        and (has_xgboost or family.name != "xgboost")
    ]
    if not found:
        known = sorted(name for family in FAMILIES for name in family.stands_for)
        raise AutoMLError(
            f"None of the algorithms {', '.join(algorithms)} is here; these are:"
            f" {', '.join(known)}."
        )
    return found


def xgboost_is_here() -> bool:
    """Whether the environment has XGBoost."""
    return importlib.util.find_spec("xgboost") is not None


def proposals(tried: Sequence[Family], count: int, seed: int) -> Iterator[Proposal]:
    """``count`` models, the families taking turns."""
    for index in range(count):
        family = tried[index % len(tried)]
        settings = family.usual
        if index >= len(tried):
            settings = family.draw(random.Random(f"{seed}-{index}"))
        yield Proposal(index + 1, family.name, settings)
