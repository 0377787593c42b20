"""Parameters of a notebook: where they go, and how they are written."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.notebook.parameters import ParameterError, inject


def cell(source: str, *tags: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {"tags": list(tags)}, "source": source}


def sources(cells: list[dict[str, Any]], **parameters: Any) -> list[str]:
    return [one["source"] for one in inject(cells, parameters)]


def test_parameters_come_first_after_their_defaults_or_in_place_of_earlier_ones() -> None:
    plain, defaults = cell("1"), cell("a = 0", "parameters")
    injected = cell("a = 9", "injected-parameters")
    ours = "# Parameters\na = 1"
    assert sources([plain], a=1) == [ours, "1"]
    assert sources([plain, defaults, plain], a=1) == ["1", "a = 0", ours, "1"]
    assert sources([plain, defaults, injected], a=1) == ["1", "a = 0", ours]
    assert sources([plain, defaults]) == ["1", "a = 0"]


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(VALUES.filter(lambda value: not _unbounded(value)))
def test_the_cell_gives_the_variable_its_value(value: Any) -> None:
    found: dict[str, Any] = {}
    exec(sources([], x=value)[0], {}, found)
    assert found["x"] == value


def _unbounded(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_unbounded, value.values()))
    if isinstance(value, list):
        return any(map(_unbounded, value))
    return isinstance(value, float) and not math.isfinite(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_a_number_without_end_is_written_as_python(value: float) -> None:
    assert sources([], x=value) == [f'# Parameters\nx = float("{value}")']


def test_parameters_of_a_bash_notebook_are_variables_of_the_shell() -> None:
    [made, _] = inject([cell("echo $a")], {"a": "it's", "n": 3}, "bash")
    assert made["source"] == "# Parameters\na='it'\"'\"'s'\nn=3"
    with pytest.raises(ParameterError, match="cannot be given to a notebook in R"):
        inject([], {"a": 1}, "R")


@pytest.mark.parametrize("name", ["a-b", "1a", "class", "a = 1; b", ""])
def test_a_name_that_is_no_variable_is_refused(name: str) -> None:
    with pytest.raises(ParameterError, match="cannot be the name of a variable"):
        inject([], {name: 1})
