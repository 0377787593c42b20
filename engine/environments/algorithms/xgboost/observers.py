"""What happens after every round of boosting, on library versions with and without callbacks.

Up to 1.2 a callback is a function of an environment; from 1.3 it is an object. An observer knows
neither: it gets the round, the scores and the model.
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path
from typing import Any, Callable, Sequence, Tuple

import xgboost  # type: ignore[import-not-found,unused-ignore]

Scores = Sequence[Tuple[str, float]]
"""``("train-rmse", 1.5)`` and so on, in the order in which they are printed."""
Observer = Callable[[int, Scores, Any], None]
"""Round from 0, its scores, the model so far."""

CHECKPOINT = "xgboost-checkpoint"
_CHECKPOINTS_KEPT = 5


def print_scores(round_number: int, scores: Scores, _model: Any) -> None:
    """Print the line that the metric definitions of the image match."""
    print("\t".join([f"[{round_number}]", *(f"{name}:{value:.5f}" for name, value in scores)]))


class SaveCheckpoint:
    """Keeps the model of the last five rounds as ``xgboost-checkpoint.N``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, round_number: int, _scores: Scores, model: Any) -> None:
        save_model(model, self._folder / f"{CHECKPOINT}.{round_number}")
        for number, file in find_checkpoints(self._folder):
            if number <= round_number - _CHECKPOINTS_KEPT:
                file.unlink()


class SaveModel:
    """Keeps the model so far where the finished one will be, for jobs that may be stopped."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)

    def __call__(self, _round_number: int, _scores: Scores, model: Any) -> None:
        save_model(model, self._file)


def save_model(model: Any, file: Path) -> None:
    """Save in the library's own format, whole or not at all."""
    unfinished = file.with_name(f".{file.name}-new")
    with warnings.catch_warnings():
        # from 3.0 on the library remarks on its default format; the image uses just that
        warnings.simplefilter("ignore", UserWarning)
        model.save_model(str(unfinished))
    os.replace(str(unfinished), str(file))


def find_checkpoints(folder: Path) -> list[tuple[int, Path]]:
    """Checkpoints by round, the newest last."""
    if not folder.is_dir():
        return []
    found = ((re.fullmatch(CHECKPOINT + r"\.(\d+)", file.name), file) for file in folder.iterdir())
    return sorted((int(match[1]), file) for match, file in found if match)


def as_callback(observer: Observer, offset: int) -> Any:
    """An observer as a callback of the installed library.

    Args:
        offset: rounds that an earlier attempt has done; the library counts from 0 again.
    """
    if hasattr(xgboost.callback, "TrainingCallback"):
        return _object_callback(observer, offset)

    def callback(env: Any) -> None:
        observer(offset + env.iteration, env.evaluation_result_list, env.model)

    return callback


def _object_callback(observer: Observer, offset: int) -> Any:
    class Callback(xgboost.callback.TrainingCallback):  # type: ignore[misc,unused-ignore]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            scores = [
                (f"{data}-{metric}", log[-1])
                for data, logs in evals_log.items()
                for metric, log in logs.items()
            ]
            observer(offset + epoch, scores, model)
            return False

    return Callback()
