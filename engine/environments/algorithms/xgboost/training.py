"""One training job of the built-in algorithm, from configuration files to the model file."""

from __future__ import annotations

import inspect
import logging
import os
import pickle
import re
import signal
import sys
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

import xgboost  # type: ignore[import-not-found,unused-ignore]

from ..job import Tree
from . import channels, crossvalidation, hyperparameters, metrics, observers, preflight
from .data import load
from .errors import AlgorithmError, UserError, training_error

MODEL = "xgboost-model"
_MAJOR, _MINOR = re.findall(r"\d+", xgboost.__version__)[:2]
VERSION = (int(_MAJOR), int(_MINOR))
# from here on callbacks are objects, the best round is kept, models are saved by the library
_MODERN = (1, 3)

logger = logging.getLogger(__name__)


def main(tree: Tree) -> int:
    """Run the job of a tree; returns its exit code."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr,attr-defined,unused-ignore]
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.INFO,
        format="[%(asctime)s:%(levelname)s] %(message)s",
        datefmt="%Y-%m-%d:%H:%M:%S",
    )
    try:
        run(tree)
    except Exception as error:
        # the reason first: only the start of this file reaches the job's description
        reason = f"framework error: \n{type(error).__name__}: {error}"
        if isinstance(error, UserError):
            logger.error(reason)
        else:
            logger.exception(reason)
            reason += f"\n{traceback.format_exc()}"
        tree.write_failure(reason)
        return 1
    return 0


def run(tree: Tree) -> None:
    """Train and save.

    Raises:
        UserError: hyperparameters, channels or data are wrong.
        AlgorithmError: the library failed.
    """
    logger.info("Running XGBoost %s in algorithm mode", xgboost.__version__)
    values = hyperparameters.validate(tree.read_config("hyperparameters.json"), VERSION)
    given = channels.read_channels(tree.read_config("inputdataconfig.json"), tree.input / "data")
    if not _trains_here(tree.read_config("resourceconfig.json"), given):
        return
    files = {name: channel.files() for name, channel in given.items()}
    for name, found in files.items():
        if not found:
            word = "training" if name == "train" else name
            raise UserError(f"No data in {word} channel path {given[name].path}")
    _preflight(given, files)
    weights = bool(values.pop("csv_weights", 0))
    data_format = given["train"].format
    matrices = {name: load(found, data_format, weights) for name, found in files.items()}
    logger.info("Train matrix has %d rows and %d columns", *_shape(matrices["train"]))
    if "validation" in matrices:
        logger.info("Validation matrix has %d rows", matrices["validation"].num_row())
    settings = Settings.take_from(values, "validation" in matrices)
    checkpoints = tree.read_config("checkpointconfig.json").get("LocalPath")
    trainer = Trainer(settings, values, tree.model, Path(checkpoints) if checkpoints else None)
    try:
        if settings.folds:
            together = [file for found in files.values() for file in found]
            whole = load(together, data_format, weights)
            boosters = crossvalidation.run(trainer, whole, tree.output_data)
        else:
            boosters = {MODEL: trainer.train(matrices, MODEL)}
    except (UserError, AlgorithmError):
        raise
    except Exception as error:
        raise training_error(error) from error
    tree.model.mkdir(parents=True, exist_ok=True)
    for name, booster in boosters.items():
        save(booster, tree.model / name)


@dataclass(frozen=True)
class Settings:
    """The hyperparameters that are about the job, taken from those for the library."""

    rounds: int
    metrics: tuple[str, ...]
    stop_after: int
    stop_metric: str
    save_always: bool
    folds: int
    repeats: int
    objective: str

    @classmethod
    def take_from(cls, values: dict[str, Any], has_validation: bool) -> Settings:
        """Move them out of the validated hyperparameters; what is left is the library's.

        Stopping early needs a validation channel and a metric: the one that is tuned for, else
        the last that is listed.
        """
        tuned = values.pop("_tuning_objective_metric", "").replace("validation:", "")
        chosen = values.pop("eval_metric", [])
        stop_metric = tuned or (chosen[-1] if chosen else "")
        if tuned and chosen:
            chosen = sorted({tuned, *chosen})
        elif tuned:
            chosen = [tuned]
        rounds_without_gain = values.pop("early_stopping_rounds", 0)
        for name in ("updater", "monotone_constraints", "interaction_constraints"):
            if name in values:
                value = values[name]
                values[name] = ",".join(value) if name == "updater" else str(value)
        values.pop("use_dask_gpu_training", None)
        return cls(
            rounds=values.pop("num_round"),
            metrics=tuple(chosen),
            stop_after=rounds_without_gain if has_validation and stop_metric else 0,
            stop_metric=stop_metric,
            save_always=values.pop("save_model_on_termination", "false") == "true",
            folds=values.pop("_kfold", 0),
            repeats=values.pop("_num_cv_round", 1),
            objective=values.get("objective", "reg:squarederror"),
        )


class Trainer:
    """Calls the library, whatever its version.

    Args:
        parameters: hyperparameters for the library itself.
        model_folder: where models go.
        checkpoints: folder for the last rounds' models, or None.
    """

    def __init__(
        self,
        settings: Settings,
        parameters: Mapping[str, Any],
        model_folder: Path,
        checkpoints: Path | None,
    ) -> None:
        self.settings = settings
        self._model_folder = model_folder
        self._checkpoints = checkpoints
        computed = metrics.computed_here(settings.metrics)
        own = [name for name in settings.metrics if name not in computed]
        self._printed = [*own, *computed]
        self._parameters = {**parameters, **({"eval_metric": own} if own else {})}
        self._options: dict[str, Any] = {"verbose_eval": False}
        if computed:
            # only the older argument hands over raw margins, and only from 1.2 on
            warnings.filterwarnings("ignore", message="`feval` is deprecated")
            older = "feval" in inspect.signature(xgboost.train).parameters
            evaluate = metrics.evaluation(computed, settings.objective, older and VERSION >= (1, 2))
            self._options["feval" if older else "custom_metric"] = evaluate

    def train(
        self, matrices: Mapping[str, Any], model_name: str, scores: dict[str, Any] | None = None
    ) -> Any:
        """A booster trained on ``matrices["train"]``; all of them are scored each round.

        Args:
            model_name: file name of the model, and of its checkpoints' folder where it is one of
                several.
            scores: filled with the scores of every round.
        """
        folder = self._checkpoints
        if folder is not None and model_name != MODEL:
            folder = folder / model_name
        done, earlier = _resume(folder)
        callbacks = [
            observers.as_callback(observer, done)
            for observer in self._observers(folder, model_name)
        ]
        options = dict(self._options)
        if self.settings.stop_after:
            self._stop_early(options, callbacks)
        return xgboost.train(
            dict(self._parameters),
            matrices["train"],
            num_boost_round=self.settings.rounds - done,
            evals=[(matrix, name) for name, matrix in matrices.items()],
            evals_result=scores if scores is not None else {},
            callbacks=callbacks,
            xgb_model=earlier,
            **options,
        )

    def _observers(self, checkpoints: Path | None, model_name: str) -> list[observers.Observer]:
        found: list[observers.Observer] = [observers.print_scores]
        if checkpoints is not None:
            found.append(observers.SaveCheckpoint(checkpoints))
        if self.settings.save_always:
            found.append(observers.SaveModel(self._model_folder / model_name))
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        return found

    def _stop_early(self, options: dict[str, Any], callbacks: list[Any]) -> None:
        if VERSION < _MODERN:
            # this library watches whatever it prints last
            options["early_stopping_rounds"] = self.settings.stop_after
            options["maximize"] = metrics.maximises(self._printed[-1])
            return
        stop = xgboost.callback.EarlyStopping(
            rounds=self.settings.stop_after,
            metric_name=self.settings.stop_metric,
            data_name="validation",
            maximize=metrics.maximises(self.settings.stop_metric),
            save_best=True,
        )
        callbacks.append(stop)


def save(booster: Any, file: Path) -> None:
    """Write a model as the image of this version does: a pickle up to 1.2, then the library's."""
    if VERSION < _MODERN:
        with file.open("wb") as stream:
            pickle.dump(booster, stream, protocol=4 if VERSION >= (1, 2) else 3)
    else:
        observers.save_model(booster, file)


def _resume(checkpoints: Path | None) -> tuple[int, str | None]:
    """How many rounds an earlier attempt has done, and its last model."""
    found = observers.find_checkpoints(checkpoints) if checkpoints is not None else []
    if not found:
        return 0, None
    number, file = found[-1]
    logger.info("Checkpoint loaded from %s", file)
    logger.info("Resuming from iteration %d", number + 1)
    return number + 1, str(file)


def _trains_here(resources: Mapping[str, Any], given: Mapping[str, channels.Channel]) -> bool:
    """Whether this host trains. Of several the first one does, alone, on whole channels."""
    hosts = sorted(resources.get("hosts") or ["algo-1"])
    if len(hosts) == 1:
        logger.info("Single node training.")
        return True
    if any(channel.sharded for channel in given.values()):
        raise UserError(
            "Distributed training on sharded channels is not possible here; use one instance or"
            " S3DataDistributionType FullyReplicated."
        )
    logger.warning("%d hosts are given; only %s trains.", len(hosts), hosts[0])
    return bool(resources.get("current_host") == hosts[0])


def _preflight(given: Mapping[str, channels.Channel], files: Mapping[str, list[Path]]) -> None:
    mode = preflight.mode_from_environment()
    if given["train"].format != channels.CSV or mode == "off":
        return
    delimiter = channels.delimiter_of(files["train"][0])
    found = [
        finding
        for name, some in files.items()
        for finding in preflight.check(name, some, delimiter)
    ]
    preflight.report(found, mode)


def _shape(matrix: Any) -> tuple[int, int]:
    return matrix.num_row(), matrix.num_col()
