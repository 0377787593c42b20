from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.xgboost.errors import (
    AlgorithmError,
    UserError,
    training_error,
)
from engine.environments.algorithms.xgboost.hyperparameters import Interval, validate

ROUNDS = {"num_round": "5"}


def error(given: dict[str, str], version: tuple[int, int] = (1, 7)) -> str:
    with pytest.raises(UserError) as failure:
        validate(given, version)
    return str(failure.value)


def test_texts_become_values() -> None:
    values = validate(
        {
            "num_round": "50",
            "eta": "0.2",
            "eval_metric": "rmse, mae",
            "tree_method": "hist",
            "monotone_constraints": "(1, 0, -1)",
            "interaction_constraints": "[[1, 2], [3]]",
        },
        (1, 7),
    )
    assert values["num_round"] == 50
    assert values["eta"] == 0.2
    assert values["eval_metric"] == ["rmse", "mae"]
    assert values["monotone_constraints"] == (1, 0, -1)
    assert values["interaction_constraints"] == [[1, 2], [3]]


def test_aliases_are_the_librarys() -> None:
    values = validate({**ROUNDS, "learning_rate": "0.1", "reg_alpha": "2"}, (1, 7))
    assert (values["eta"], values["alpha"]) == (0.1, 2.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Missing required hyperparameter: num_round"),
        ({**ROUNDS, "etta": "1"}, "Extraneous hyperparameter found: etta"),
        (
            {"num_round": "many"},
            "Hyperparameter num_round: could not parse value (caused by ValueError)",
        ),
        ({**ROUNDS, "eta": "1.5"}, "Hyperparameter eta: 1.5 is not in [0, 1]"),
        ({**ROUNDS, "subsample": "0"}, "Hyperparameter subsample: 0.0 is not in (0, 1]"),
        ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
        (
            {**ROUNDS, "booster": "tree"},
            "Hyperparameter booster: tree is not in ['gbtree', 'gblinear', 'dart']",
        ),
        (
            {**ROUNDS, "objective": "multi:softmax"},
            "Require input for parameter 'num_class' for multi-classification",
        ),
        (
            {**ROUNDS, "eval_metric": "auc"},
            "Metric 'auc' can only be applied for classification and ranking problems.",
        ),
        (
            {**ROUNDS, "eval_metric": "error@x"},
            "Threshold value 't' in 'error@t' expects float input.",
        ),
        (
            {**ROUNDS, "monotone_constraints": "(1,)"},
            "monotone_constraints can be used only when the tree_method parameter is set to "
            "either 'exact' or 'hist'.",
        ),
        (
            {**ROUNDS, "process_type": "update", "updater": "grow_colmaker"},
            "process_type 'update' can only be used with updater 'refresh' and 'prune'",
        ),
    ],
)
def test_errors_have_the_images_words(given: dict[str, str], message: str) -> None:
    assert error(given) == message


def test_a_metric_with_a_threshold_is_allowed() -> None:
    given = {**ROUNDS, "objective": "rank:ndcg", "eval_metric": "ndcg@5,map@3-,error@0.4"}
    assert len(validate(given, (1, 7))["eval_metric"]) == 3


@pytest.mark.parametrize(
    ("name", "value", "known", "unknown"),
    [
        ("silent", "1", (1, 0), (1, 2)),
        ("tree_method", "gpu_hist", (1, 2), (1, 0)),
        ("sampling_method", "uniform", (1, 3), (1, 2)),
        ("objective", "reg:absoluteerror", (1, 7), (1, 5)),
        ("objective", "survival:aft", (1, 2), (1, 0)),
        ("single_precision_histogram", "true", (1, 5), (1, 7)),
        ("_kfold", "3", (1, 2), (1, 0)),
        ("eval_metric", "recall", (1, 3), (1, 2)),
    ],
)
def test_what_exists_depends_on_the_version(
    name: str, value: str, known: tuple[int, int], unknown: tuple[int, int]
) -> None:
    assert name in validate({**ROUNDS, name: value}, known)
    assert name in error({**ROUNDS, name: value}, unknown)


@given(st.floats(allow_nan=False), st.floats(0, 10), st.floats(11, 20), st.booleans())
def test_an_interval_holds_what_lies_between(
    value: float, low: float, high: float, low_open: bool
) -> None:
    interval = Interval(low, high, low_open=low_open)
    assert (value in interval) == (
        (low < value or (low == value and not low_open)) and value <= high
    )


@given(st.dictionaries(st.text(), st.text()))
def test_any_hyperparameters_are_validated_or_refused_in_words(given: dict[str, str]) -> None:
    try:
        values = validate({**ROUNDS, **given}, (3, 0))
    except UserError as failure:
        assert str(failure)
    else:
        assert values["num_round"] >= 1


def test_the_librarys_remarks_on_data_are_the_users_errors() -> None:
    about_data = training_error(
        ValueError(
            "x.cu:106: label must be in [0,1] for logistic regression\nStack trace:\n [bt] 0x0"
        )
    )
    other = training_error(ValueError("out of memory"))
    assert isinstance(about_data, UserError)
    assert "Stack trace" not in str(about_data)
    assert isinstance(other, AlgorithmError)
    assert str(other) == "XGB train call failed with exception:\n out of memory"
