from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments import Grade, Override, resolve
from engine.environments.catalog import content_key
from engine.environments.pins import TABLE, Row

ECR = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
PYTHONS = [(3, 11), (3, 12), (3, 13)]
ROWS = [row for rows in TABLE.values() for row in rows]


@pytest.mark.parametrize(
    ("reference", "python", "grade"),
    [
        ("sagemaker-scikit-learn:1.2-1-cpu-py3", (3, 11), Grade.EXACT),
        ("sagemaker-scikit-learn:1.2-1-cpu-py3", (3, 12), Grade.CLOSEST),
        ("sagemaker-scikit-learn:1.0-1-cpu-py3", (3, 11), Grade.CLOSEST),
        ("sagemaker-scikit-learn:0.23-1-cpu-py3", (3, 11), Grade.FAR),
        ("sagemaker-scikit-learn:0.23-1-cpu-py3", (3, 8), Grade.EXACT),
        ("sagemaker-scikit-learn:1.4-2", (3, 12), Grade.EXACT),
        ("sagemaker-scikit-learn:1.4-2", (3, 13), Grade.CLOSEST),
        ("sagemaker-scikit-learn:1.9-0", (3, 11), Grade.SAME_MINOR),
        ("sagemaker-xgboost:1.0-1-cpu-py3", (3, 11), Grade.SAME_MINOR),
        ("sagemaker-xgboost:1.5-1", (3, 12), Grade.FAR),
        ("sagemaker-xgboost:1.7-1", (3, 9), Grade.EXACT),
        ("sagemaker-xgboost:3.0-5", (3, 11), Grade.EXACT),
        ("sagemaker-xgboost:3.2-0", (3, 13), Grade.EXACT),
        ("pytorch-training:2.1.0-cpu-py310", (3, 11), Grade.SAME_MINOR),
        ("pytorch-training:1.9.0-cpu-py38", (3, 11), Grade.FAR),
        ("tensorflow-training:2.18.0-cpu-py310", (3, 11), Grade.SAME_MINOR),
        ("tensorflow-training:2.8.0-cpu-py39", (3, 11), Grade.FAR),
        ("sagemaker-base-python-310:1.0", (3, 11), Grade.CLOSEST),
        ("sagemaker-distribution-prod:2.4.0-cpu", (3, 11), Grade.SAME_MINOR),
    ],
)
def test_an_image_is_graded_by_its_libraries(
    reference: str, python: tuple[int, int], grade: Grade
) -> None:
    resolution = resolve(f"{ECR}/{reference}", python=python)
    assert (resolution.grade, resolution.kind) == (grade, "venv")


def test_pins_are_those_of_the_image() -> None:
    resolution = resolve(f"{ECR}/sagemaker-xgboost:1.7-1", python=(3, 11))
    assert "xgboost==1.7.4" in resolution.requirements
    assert "numpy==1.24.1" in resolution.requirements
    assert resolution.algorithm == "xgboost"


def test_a_rebuilt_image_has_the_pins_of_its_version() -> None:
    first = resolve(f"{ECR}/sagemaker-xgboost:1.7-1", python=(3, 11))
    rebuilt = resolve(f"{ECR}/sagemaker-xgboost:1.7-1-1", python=(3, 11))
    assert rebuilt.key == first.key


def test_a_scikit_learn_image_has_no_algorithm_of_its_own() -> None:
    assert resolve(f"{ECR}/sagemaker-scikit-learn:1.2-1", python=(3, 11)).algorithm is None


def test_newer_pandas_than_the_image_has_is_remarked_on() -> None:
    old = resolve(f"{ECR}/sagemaker-scikit-learn:0.23-1", python=(3, 12))
    exact = resolve(f"{ECR}/sagemaker-scikit-learn:1.4-2", python=(3, 12))
    assert any("True/False" in note for note in old.notes)
    assert exact.notes == ()


def test_differences_are_named_with_both_versions() -> None:
    resolution = resolve(f"{ECR}/sagemaker-xgboost:1.0-1", python=(3, 11))
    assert "xgboost 1.0.2 (image: 1.0.0)" in resolution.notes[-1]


@pytest.mark.parametrize(
    "reference",
    [
        "linear-learner:1",
        "sagemaker-model-monitor-analyzer",
        "sagemaker-clarify-processing:1.0",
        "sagemaker-data-wrangler-container:3.x",
        "sagemaker-sparkml-serving:3.3",
    ],
)
def test_what_is_closed_source_is_refused_with_a_reason(reference: str) -> None:
    resolution = resolve(f"{ECR}/{reference}", python=(3, 11))
    assert (resolution.kind, resolution.grade) == ("refused", Grade.NOT_RUNNABLE)
    assert len(resolution.notes) == 1


@pytest.mark.parametrize(
    "uri", ["python:3.11", f"{ECR}/sagemaker-xgboost", f"{ECR}/sagemaker-xgboost:9.9-9"]
)
def test_an_unknown_image_never_gets_pins(uri: str) -> None:
    on_host = resolve(uri, python=(3, 11))
    refused = resolve(uri, python=(3, 11), unknown="refused")
    assert (on_host.kind, on_host.grade) == ("host", Grade.UNMATCHED)
    assert refused.kind == "refused"
    assert on_host.requirements == ()
    assert on_host.notes


def test_the_users_table_comes_first() -> None:
    overrides = {
        "*/linear-learner:*": Override(requirements=("scikit-learn==1.5.2",)),
        "*/sagemaker-xgboost:*": Override(python="/usr/bin/python3"),
        "*": Override(python="/never"),
    }
    built = resolve(f"{ECR}/linear-learner:1", python=(3, 11), overrides=overrides)
    host = resolve(f"{ECR}/sagemaker-xgboost:1.7-1", python=(3, 11), overrides=overrides)
    assert (built.kind, built.requirements) == ("venv", ("scikit-learn==1.5.2",))
    assert (host.kind, host.python) == ("host", "/usr/bin/python3")
    assert host.algorithm == "xgboost"
    assert {built.grade, host.grade} == {Grade.CONFIGURED}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.lead} {row.versions[0]}")
@pytest.mark.parametrize("python", PYTHONS)
def test_every_row_pins_its_main_library_and_numpy(row: Row, python: tuple[int, int]) -> None:
    pins = row.pins[max(minor for minor in [*row.pins, min(row.pins)] if minor <= python)]
    names = {re.split(r"[=<]", pin)[0].removesuffix("-cpu") for pin in pins}
    assert {row.lead, "numpy"} <= names
    assert len(names) == len(pins)
    assert row.lead in row.inside


@given(st.lists(st.text(min_size=1)), st.randoms())
def test_the_key_does_not_depend_on_order(requirements: list[str], random: object) -> None:
    shuffled = sorted(requirements, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert content_key(requirements, (3, 11)) == content_key(shuffled, (3, 11))


def test_the_key_depends_on_the_python_and_on_every_requirement() -> None:
    keys = {
        content_key(("a==1",), (3, 11)),
        content_key(("a==1",), (3, 12)),
        content_key(("a==2",), (3, 11)),
        content_key(("a==1", "b==1"), (3, 11)),
    }
    assert len(keys) == 4
