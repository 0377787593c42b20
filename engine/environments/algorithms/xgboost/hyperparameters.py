"""The algorithm's hyperparameters: their kinds and ranges, and the errors for those outside.

Names, ranges and texts are those of the sagemaker-xgboost image; which exist depends on its
version, read from the library's.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence, Tuple

from . import metrics
from .errors import UserError

Version = Tuple[int, int]
"""Major and minor number of the library."""


@dataclass(frozen=True)
class Interval:
    """A range of numbers, written as mathematics writes it: ``(0, 1]``."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = self.low is None or (value > self.low if self.low_open else value >= self.low)
        below = self.high is None or (value < self.high if self.high_open else value <= self.high)
        return above and below

    def __str__(self) -> str:
        low = "(-inf" if self.low is None else f"{'(' if self.low_open else '['}{self.low}"
        high = "+inf)" if self.high is None else f"{self.high}{')' if self.high_open else ']'}"
        return f"{low}, {high}"


@dataclass(frozen=True)
class Rule:
    """One hyperparameter.

    Attributes:
        parse: text to value; raises ValueError for text it does not understand.
        allowed: an interval, or the words there are.
        each: applies ``allowed`` to every element, for lists.
        since, before: versions of the image that know it.
    """

    name: str
    parse: Callable[[str], Any]
    allowed: Interval | Sequence[Any]
    each: Callable[[Any], Sequence[Any]] | None = None
    since: Version = (0, 0)
    before: Version = (99, 0)

    def check(self, value: Any) -> None:
        """Raise UserError for a value outside the range."""
        if self.each is None:
            if value not in self.allowed:
                raise UserError(f"Hyperparameter {self.name}: {value} is not in {self.allowed}")
        elif any(element not in self.allowed for element in self.each(value)):
            raise UserError(
                f"Hyperparameter {self.name}: value {value} not in range {self.allowed}"
            )


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except SyntaxError as error:
        raise ValueError(text) from error


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _flatten(nested: Any) -> list[Any]:
    return [element for group in nested for element in group]


_UNIT = Interval(0, 1)
_SHARE = Interval(0, 1, low_open=True)
_FROM_0 = Interval(0)
_FROM_1 = Interval(1)
_FROM_2 = Interval(2)
_SWITCH = ["true", "false"]

_TREE_UPDATERS = [
    "grow_colmaker",
    "distcol",
    "grow_histmaker",
    "grow_skmaker",
    "sync",
    "refresh",
    "prune",
]
_LINEAR_UPDATERS = ["shotgun", "coord_descent"]
_OBJECTIVES = [
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "count:poisson",
    "multi:softmax",
    "multi:softprob",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
    "reg:linear",
    "reg:squarederror",
    "reg:logistic",
    "reg:gamma",
    "reg:squaredlogerror",
    "reg:tweedie",
    "survival:cox",
]
_OBJECTIVES_1_2 = [*_OBJECTIVES, "reg:pseudohubererror", "survival:aft"]
_OBJECTIVES_1_7 = [*_OBJECTIVES_1_2, "reg:absoluteerror"]
_METHODS = ["auto", "exact", "approx", "hist"]
_TUNING_METRICS = [f"validation:{name}" for name in metrics.NAMES]

_RULES = (
    Rule("num_round", int, _FROM_1),
    Rule("csv_weights", int, _UNIT),
    Rule("early_stopping_rounds", int, _FROM_1),
    Rule("booster", str, ["gbtree", "gblinear", "dart"]),
    Rule("silent", int, _UNIT, before=(1, 2)),
    Rule("verbosity", int, Interval(0, 3)),
    Rule("nthread", int, _FROM_1),
    Rule("eta", float, _UNIT),
    Rule("gamma", float, _FROM_0),
    Rule("max_depth", int, _FROM_0),
    Rule("min_child_weight", float, _FROM_0),
    Rule("max_delta_step", float, _FROM_0),
    Rule("subsample", float, _SHARE),
    Rule("colsample_bytree", float, _SHARE),
    Rule("colsample_bylevel", float, _SHARE),
    Rule("colsample_bynode", float, _SHARE),
    Rule("lambda", float, _FROM_0),
    Rule("alpha", float, _FROM_0),
    Rule("tree_method", str, _METHODS, before=(1, 2)),
    Rule("tree_method", str, [*_METHODS, "gpu_hist"], since=(1, 2)),
    Rule("sketch_eps", float, Interval(0, 1, low_open=True, high_open=True)),
    Rule("scale_pos_weight", float, Interval(0, low_open=True)),
    Rule("updater", _words, [*_TREE_UPDATERS, *_LINEAR_UPDATERS], each=list),
    Rule("dsplit", str, ["row", "col"]),
    Rule("refresh_leaf", int, _UNIT),
    Rule("process_type", str, ["default", "update"]),
    Rule("grow_policy", str, ["depthwise", "lossguide"]),
    Rule("max_leaves", int, _FROM_0),
    Rule("max_bin", int, _FROM_0),
    Rule("predictor", str, ["auto", "cpu_predictor", "gpu_predictor"]),
    Rule("monotone_constraints", _literal, [-1, 0, 1], each=list),
    Rule("interaction_constraints", _literal, _FROM_1, each=_flatten),
    Rule("sample_type", str, ["uniform", "weighted"]),
    Rule("normalize_type", str, ["tree", "forest"]),
    Rule("rate_drop", float, _UNIT),
    Rule("one_drop", int, _UNIT),
    Rule("skip_drop", float, _UNIT),
    Rule("lambda_bias", float, _UNIT),
    Rule("tweedie_variance_power", float, Interval(1, 2, low_open=True, high_open=True)),
    Rule("objective", str, _OBJECTIVES, before=(1, 2)),
    Rule("objective", str, _OBJECTIVES_1_2, since=(1, 2), before=(1, 7)),
    Rule("objective", str, _OBJECTIVES_1_7, since=(1, 7)),
    Rule("num_class", int, _FROM_2),
    Rule("base_score", float, _FROM_0),
    Rule("_kfold", int, _FROM_2, since=(1, 2)),
    Rule("_num_cv_round", int, _FROM_1, since=(1, 2)),
    Rule("_tuning_objective_metric", str, _TUNING_METRICS),
    Rule("eval_metric", _words, metrics.NAMES, each=lambda names: names),
    Rule("seed", int, Interval(-(2**31), 2**31 - 1, low_open=True, high_open=True)),
    Rule("num_parallel_tree", int, _FROM_1),
    Rule("save_model_on_termination", str, _SWITCH),
    Rule("aft_loss_distribution", str, ["normal", "logistic", "extreme"], since=(1, 2)),
    Rule("aft_loss_distribution_scale", float, _FROM_0, since=(1, 2)),
    Rule("deterministic_histogram", str, _SWITCH, since=(1, 2)),
    Rule("single_precision_histogram", str, _SWITCH, since=(1, 2), before=(1, 7)),
    Rule("sampling_method", str, ["uniform", "gradient_based"], since=(1, 3)),
    Rule("prob_buffer_row", float, Interval(1.0, low_open=True), since=(1, 3)),
    Rule("use_dask_gpu_training", str, _SWITCH, since=(1, 5)),
)

_ALIASES = {
    "learning_rate": "eta",
    "min_split_loss": "gamma",
    "reg_lambda": "lambda",
    "reg_alpha": "alpha",
}


def validate(given: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """The hyperparameters as values.

    Args:
        given: the job's hyperparameters, texts.
        version: ``(major, minor)`` of the library.

    Raises:
        UserError: one is missing, unknown, unreadable or out of range, or does not go with another.
    """
    rules = {rule.name: rule for rule in _RULES if rule.since <= version < rule.before}
    named = {_ALIASES.get(name, name): value for name, value in given.items()}
    if "num_round" not in named:
        raise UserError("Missing required hyperparameter: num_round")
    values: dict[str, Any] = {}
    for name, text in named.items():
        if name not in rules:
            raise UserError(f"Extraneous hyperparameter found: {name}")
        try:
            values[name] = rules[name].parse(str(text))
        except ValueError as error:
            raise UserError(
                f"Hyperparameter {name}: could not parse value (caused by ValueError)"
            ) from error
    for name, value in values.items():
        if name == "eval_metric":
            _check_metrics(rules[name], value, version)
        else:
            rules[name].check(value)
    _check_together(values)
    return values


def _check_metrics(rule: Rule, names: Sequence[str], version: Version) -> None:
    plain = []
    for name in names:
        metric, at, threshold = name.partition("@")
        if not at:
            plain.append(name)
            continue
        if metric not in ("error", "ndcg", "map"):
            raise UserError(
                f"Metric '{name}' is not supported. Parameter 'eval_metric' with customized"
                " threshold should be one of these options: 'error', 'ndcg', 'map'."
            )
        try:
            float(threshold.rstrip("-"))
        except ValueError as error:
            raise UserError(f"Threshold value 't' in '{metric}@t' expects float input.") from error
    rule.check(plain)
    if version < (1, 3) and set(plain) & set(metrics.SINCE_1_3):
        raise UserError(f"Hyperparameter {rule.name}: value {plain} not in range {rule.allowed}")


def _check_together(values: Mapping[str, Any]) -> None:
    """Rules that concern two hyperparameters at once."""
    objective = values.get("objective", "reg:squarederror")
    if objective in ("multi:softmax", "multi:softprob") and "num_class" not in values:
        raise UserError("Require input for parameter 'num_class' for multi-classification")
    chosen = values.get("eval_metric", ())
    if "auc" in chosen and not objective.startswith(("binary:", "rank:")):
        raise UserError("Metric 'auc' can only be applied for classification and ranking problems.")
    if "aft-nloglik" in chosen and objective != "survival:aft":
        raise UserError("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")
    method = values.get("tree_method")
    if "monotone_constraints" in values and method not in ("exact", "hist"):
        raise UserError(
            "monotone_constraints can be used only when the tree_method parameter is set to "
            "either 'exact' or 'hist'."
        )
    if "interaction_constraints" in values and method not in ("exact", "hist", "approx"):
        raise UserError(
            "interaction_constraints can be used only when the tree_method parameter is set to "
            "either 'exact', 'hist' or 'approx'."
        )
    if "updater" in values:
        _check_updater(values)


def _check_updater(values: Mapping[str, Any]) -> None:
    chosen = values["updater"]
    if values.get("booster") == "gblinear":
        if len(chosen) != 1 or chosen[0] not in _LINEAR_UPDATERS:
            raise UserError(
                "Linear updater should be one of these options: 'shotgun', 'coord_descent'."
            )
    elif values.get("process_type") == "update":
        if not set(chosen) <= {"refresh", "prune"}:
            raise UserError(
                "process_type 'update' can only be used with updater 'refresh' and 'prune'"
            )
    elif not set(chosen) <= set(_TREE_UPDATERS):
        raise UserError(
            "Tree updater should be selected from these options: 'grow_colmaker', 'distcol',"
            " 'grow_histmaker', 'grow_skmaker', 'sync', 'refresh', 'prune'."
        )
    elif sum(name in ("grow_colmaker", "distcol", "grow_histmaker") for name in chosen) > 1:
        raise UserError(
            "Only one tree grow plugin can be selected. Choose one from the following:"
            " 'grow_colmaker', 'distcol', 'grow_histmaker', 'grow_skmaker'"
        )
