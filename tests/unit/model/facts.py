"""Strategies for facts: every kind about an execution, with any content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_args

from hypothesis import strategies as st

from engine.model.events import (
    Event,
    ExecutionCreated,
    Fact,
    IterationContext,
    ModelApprovalChanged,
    ModelPackageCreated,
    PipelineCreated,
    PipelineDeleted,
    PipelineUpdated,
    PipelineVersionUpdated,
    StepDeclared,
)
from engine.model.status import ExecutionStatus

STEPS = ("Prepare", "Train", "Evaluate")
CREATED = ExecutionCreated(
    "abalone", "0" * 64, {"depth": 5}, tuple(StepDeclared(name, "Processing") for name in STEPS)
)

_names = st.sampled_from((*STEPS, "Unknown"))
_count = st.integers(0, 5)
_text = st.text(max_size=8)
_json: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_text, inner, max_size=2),
    max_leaves=4,
)
_child = st.builds(
    StepDeclared,
    _names.map("{}-0".format),
    st.just("Processing"),
    iteration=st.builds(IterationContext, _names, _count, _json),
)
_object = st.dictionaries(_text, _json, max_size=2)
_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "step": _names,
    "steps": st.lists(_names, max_size=4).map(tuple),
    "children": st.lists(_child, max_size=3).map(tuple),
    "attempt": st.integers(1, 5),
    "max_parallel": _count,
    "pid": _count,
    "epoch": _count,
    "status": st.sampled_from(ExecutionStatus),
    "success": st.booleans(),
    "cached": st.booleans(),
    "finalising": st.booleans(),
    "arguments": _json,
    "data": _json,
    "kind": st.just("FactOfTomorrow"),
    "delay_s": st.floats(0, 43_200),
    **dict.fromkeys(("metadata", "properties", "handle", "environment"), _object),
    **dict.fromkeys(("inputs", "outputs", "cache_key"), _object),
}
_OTHERS = (
    ExecutionCreated,
    ModelPackageCreated,
    ModelApprovalChanged,
    PipelineCreated,
    PipelineUpdated,
    PipelineVersionUpdated,
    PipelineDeleted,
)


def _of_kind(kind: type) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{one.name: _FIELDS.get(one.name, _text) for one in fields(kind)})


FACTS: st.SearchStrategy[Fact] = st.one_of(
    *(_of_kind(kind) for kind in get_args(Fact) if kind not in _OTHERS)
)


def numbered(facts: Sequence[Fact], execution_id: str = "run") -> list[Event]:
    """Events of one execution, a second apart."""
    return [
        Event(seq, execution_id, float(seq), "ann@host", fact)
        for seq, fact in enumerate(facts, start=1)
    ]
