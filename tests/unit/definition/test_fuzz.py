"""Whatever comes in, a definition or definition errors come out, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.definition.graph import Graph
from engine.definition.loader import Examination, examine, examine_bytes
from engine.definition.parameters import bind
from engine.errors import DefinitionError, PipetuiError
from tests.unit.definition.samples import INVALID, REAL

DOCUMENTS = [json.loads(file.read_text()) for file in (*REAL, *INVALID)]
TEXTS = [file.read_bytes() for file in (*REAL, *INVALID)]
KEYS = sorted({key for text in TEXTS for key in text.decode().split('"')[1::2] if key.isalnum()})

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=12)
    | st.sampled_from(["Condition", "ForEach", "Fail", "Lambda", "A", "Steps.A.b", "Parameters.P"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=6)
    ),
    max_leaves=30,
)


def check(found: Examination) -> None:
    """The promises of ``examine``, whatever it was given."""
    for error in (*found.errors, *found.warnings):
        assert isinstance(error, DefinitionError)
        assert error.code and error.hint and error.path.startswith("$")
        assert (error.message + error.hint).isprintable()
        assert error.line is None or error.line >= 1
    if found.definition is None:
        assert found.errors
    elif found.valid:
        assert sorted(Graph.of(found.definition).order) == sorted(found.definition.steps)
        json.dumps(found.definition.raw, allow_nan=False, ensure_ascii=False).encode()
        try:
            bind(found.definition.parameters, {})
        except PipetuiError as error:
            assert error.code == "parameter-missing"


def containers(value: Any) -> list[Any]:
    found, waiting = [], [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict | list) and node:
            found.append(node)
            waiting.extend(node.values() if isinstance(node, dict) else node)
    return found


@given(st.binary(max_size=200))
def test_arbitrary_bytes(data: bytes) -> None:
    check(examine_bytes(data))


@given(st.text(st.characters(codec=None), max_size=200), st.sampled_from(["json", "yaml", None]))
def test_arbitrary_text(text: str, kind: Any) -> None:
    check(examine(text, format=kind))


@given(JSON, st.lists(JSON, max_size=3), st.lists(JSON, max_size=3))
def test_arbitrary_documents(value: Any, steps: list[Any], parameters: list[Any]) -> None:
    check(examine(json.dumps(value), format="json"))
    check(examine(json.dumps({"Steps": steps, "Parameters": parameters})))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_real_definitions_with_values_replaced_removed_or_swapped(data: st.DataObject) -> None:
    value = copy.deepcopy(data.draw(st.sampled_from(DOCUMENTS)))
    for _ in range(data.draw(st.integers(1, 4))):
        places = containers(value)
        if not places:
            break
        node = places[data.draw(st.integers(0, len(places) - 1))]
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        match data.draw(st.sampled_from(["replace", "remove", "copy", "rename"])):
            case "replace":
                node[key] = data.draw(JSON)
            case "remove":
                del node[key]
            case "copy":
                node[key] = copy.deepcopy(data.draw(st.sampled_from(places)))
            case "rename" if isinstance(node, dict):
                node[data.draw(st.sampled_from(KEYS))] = node.pop(key)
    check(examine(json.dumps(value)))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_real_definitions_with_bytes_cut_and_changed(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(TEXTS))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    changed = text[:start] + data.draw(st.binary(max_size=4)) + text[end:]
    check(examine_bytes(changed, format="json"))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_yaml_with_characters_cut_and_changed(data: st.DataObject) -> None:
    text = "Version: 2020-12-01\nSteps:\n- &a {Name: A, Type: Fail}\n- Name: B\n  DependsOn: [A]\n"
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 10)))
    middle = data.draw(st.text("*&!<|>-:?[]{},#'\" \n\t%@`~1aA", max_size=6))
    check(examine(text[:start] + middle + text[end:], format="yaml"))
