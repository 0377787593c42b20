"""InputFilter and OutputFilter: the developer guide's subset of JSONPath."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.environments.algorithms.serving.filters import FilterError, parse

ROW = ["id", "a", "b", "c"]
DOCUMENT = {"id": 7, "f": {"x": [1, 2, 3], "y y": "z"}, "list": [{"n": 1}, {"n": 2}]}


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("$", ROW, ROW),
        ("$[1:]", ROW, ["a", "b", "c"]),
        ("$[:2]", ROW, ["id", "a"]),
        ("$[1:3]", ROW, ["a", "b"]),
        ("$[:-1]", ROW, ["id", "a", "b"]),
        ("$[0]", ROW, "id"),
        ("$[-1]", ROW, "c"),
        ("$[0,-1]", ROW, ["id", "c"]),
        ("$[ 0 , 2 ]", ROW, ["id", "b"]),
        ("$[*]", ROW, ROW),
        ("$.id", DOCUMENT, 7),
        ("$.f.x", DOCUMENT, [1, 2, 3]),
        ("$['f']['y y']", DOCUMENT, "z"),
        ('$["id"]', DOCUMENT, 7),
        ("$.f.x[0]", DOCUMENT, 1),
        ("$.f.x[1:]", DOCUMENT, [2, 3]),
        ("$['id','list']", DOCUMENT, {"id": 7, "list": DOCUMENT["list"]}),
        ("$.['id']", DOCUMENT, 7),
        ("$.list[*].n", DOCUMENT, [1, 2]),
        ("$.list[0,1].n", DOCUMENT, [1, 2]),
        ("$.f.*", DOCUMENT, [[1, 2, 3], "z"]),
    ],
)
def test_paths_select(path: str, value: Any, expected: Any) -> None:
    assert parse(path).apply(value) == expected


@pytest.mark.parametrize("path", ["", "0", "[1:]", "$[", "$[a]", "$[1:2:3]", "$..a", "$.", "$[']"])
def test_other_texts_are_no_filters(path: str) -> None:
    with pytest.raises(FilterError):
        parse(path)


@pytest.mark.parametrize(
    ("path", "value"),
    [("$[9]", ROW), ("$[0,9]", ROW), ("$.no", DOCUMENT), ("$.id.x", DOCUMENT), ("$.id", ROW),
     ("$[0]", DOCUMENT), ("$['id','no']", DOCUMENT), ("$[1:]", "text")],
)  # fmt: skip
def test_a_path_that_does_not_fit_the_record_is_an_error_that_names_it(
    path: str, value: Any
) -> None:
    with pytest.raises(FilterError) as failure:
        parse(path).apply(value)
    assert path in str(failure.value)


@given(st.lists(st.integers()), st.none() | st.integers(-9, 9), st.none() | st.integers(-9, 9))
def test_slices_are_pythons(row: list[int], start: int | None, end: int | None) -> None:
    first, last = ("" if bound is None else str(bound) for bound in (start, end))
    assert parse(f"$[{first}:{last}]").apply(row) == row[start:end]


@given(st.lists(st.integers(), min_size=1), st.lists(st.integers(-5, 5), min_size=2))
def test_several_indexes_give_those_elements_in_that_order(row: list[int], at: list[int]) -> None:
    assume(all(-len(row) <= index < len(row) for index in at))
    assert parse(f"$[{','.join(map(str, at))}]").apply(row) == [row[index] for index in at]


@given(st.text(max_size=20))
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    try:
        parse(f"${text}")
    except FilterError:
        return
