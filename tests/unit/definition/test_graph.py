from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.definition.document import Definition, Trigger
from engine.definition.graph import Edge, EdgeKind, Graph
from engine.definition.loader import examine, load
from engine.errors import DefinitionError
from tests.unit.definition.samples import condition, document, fn, loop, out


def graph(*steps: Any) -> Graph:
    return Graph.of(load(json.dumps(document(*steps))))


def test_dependencies_come_from_references_depends_on_and_branches() -> None:
    equals = {"Type": "Equals", "LeftValue": out("A"), "RightValue": "x"}
    made = graph(
        fn("A"),
        condition("C", [fn("If")], [fn("Else")], Conditions=[equals]),
        fn("Z", {"deep": [{"x": out("If")}]}, DependsOn=["C"], FunctionArn=out("A")),
    )
    assert set(made.edges) == {
        Edge("A", "C", EdgeKind.REFERENCE),
        Edge("C", "If", EdgeKind.BRANCH),
        Edge("C", "Else", EdgeKind.BRANCH),
        Edge("C", "Z", EdgeKind.DEPENDS_ON),
        Edge("If", "Z", EdgeKind.REFERENCE),
        Edge("A", "Z", EdgeKind.REFERENCE),
    }
    assert {edge.source for edge in made.dependencies("Z")} == {"A", "C", "If"}
    assert {edge.target for edge in made.dependents("C")} == {"If", "Else", "Z"}
    assert made.upstream(["Z"]) == {"A", "C", "If"}
    assert made.downstream(["C"]) == {"If", "Else", "Z"}
    assert made.downstream(["C", "If"]) == {"If", "Else", "Z"}


def test_a_step_named_twice_makes_one_edge() -> None:
    assert graph(fn("A"), fn("B", {"x": out("A"), "y": out("A")})).edges == (
        Edge("A", "B", EdgeKind.REFERENCE),
    )


def test_a_reference_follows_the_trigger_of_an_explicit_dependency() -> None:
    on_failure = [{"Step": "A", "Trigger": "Any"}]
    made = graph(fn("A"), fn("B", {"x": out("A")}, DependsOn=on_failure))
    assert {edge.trigger for edge in made.edges} == {Trigger.ANY}


def test_a_foreach_waits_for_what_its_body_needs_from_outside() -> None:
    body = [fn("B1", {"x": out("Outer")}), fn("B2", {"x": out("B1")}, DependsOn=["Early"])]
    made = graph(loop("F", body), fn("After", DependsOn=["F"]), fn("Outer"), fn("Early"))
    assert set(made.dependencies("F")) == {
        Edge("Outer", "F", EdgeKind.REFERENCE),
        Edge("Early", "F", EdgeKind.DEPENDS_ON),
    }
    assert Edge("F", "B1", EdgeKind.FOREACH) in made.edges
    assert Edge("B1", "B2", EdgeKind.REFERENCE) in made.edges
    assert made.order.index("Outer") < made.order.index("F") < made.order.index("B1")


def test_the_order_keeps_the_document_order_where_it_can() -> None:
    assert graph(fn("C"), fn("A"), fn("B")).order == ("C", "A", "B")
    assert graph(fn("C", DependsOn=["B"]), fn("A"), fn("B")).order == ("B", "C", "A")


@pytest.mark.parametrize(
    ("steps", "code", "cycle"),
    [
        ([fn("A", {"x": out("A")})], "reference-cycle", "A -> A"),
        (
            [fn("S"), *(fn(a, {"x": out(b)}) for a, b in ("AC", "BA", "CB"))],
            "reference-cycle",
            "A -> B -> C -> A",
        ),
        ([fn("A", DependsOn=["B"]), fn("B", {"x": out("A")})], "dependency-cycle", "A -> B -> A"),
        (
            [condition("C", [fn("I")], [], DependsOn=["Z"]), fn("Z", DependsOn=["I"])],
            "dependency-cycle",
            "C -> I -> Z -> C",
        ),
        (
            [loop("F", [fn("B", {"x": out("X")})]), fn("X", DependsOn=["F"])],
            "dependency-cycle",
            "F -> X -> F",
        ),
    ],
)
def test_a_cycle_is_named_in_the_direction_of_the_run(
    steps: list[Any], code: str, cycle: str
) -> None:
    found = examine(json.dumps(document(*steps)))
    (error,) = found.errors
    assert error.code == code
    assert error.message.endswith(f": {cycle}.")
    assert found.definition is not None
    with pytest.raises(DefinitionError):
        Graph.of(found.definition)


def test_a_chain_of_thousands_needs_no_recursion() -> None:
    steps = [fn(f"S{index}", DependsOn=[f"S{index + 1}"]) for index in range(5000)]
    made = graph(*steps, fn("S5000"))
    assert made.order == tuple(f"S{index}" for index in range(5000, -1, -1))
    assert len(made.upstream(["S0"])) == 5000
    steps.append(fn("S5000", DependsOn=["S0"]))
    (error,) = examine(json.dumps(document(*steps))).errors
    assert error.code == "dependency-cycle"
    assert len(error.message) < 300


@given(
    st.integers(1, 12).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.sets(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))),
        )
    )
)
def test_an_order_exists_exactly_when_there_is_no_cycle(drawn: tuple[int, set[Any]]) -> None:
    count, pairs = drawn
    raw = document(
        *(
            fn(f"S{i}", DependsOn=[f"S{a}" for a, b in sorted(pairs) if b == i])
            for i in range(count)
        )
    )
    definition = examine(json.dumps(raw)).definition
    assert isinstance(definition, Definition)
    reach = {i: {b for a, b in pairs if a == i} for i in range(count)}
    for _ in range(count):
        reach = {i: on.union(*(reach[j] for j in on)) for i, on in reach.items()}
    cyclic = any(i in on for i, on in reach.items())
    try:
        made = Graph.of(definition)
    except DefinitionError:
        assert cyclic
        return
    assert not cyclic
    assert sorted(made.order) == sorted(definition.steps)
    position = {name: index for index, name in enumerate(made.order)}
    assert all(position[edge.source] < position[edge.target] for edge in made.edges)
    for i in range(count):
        assert made.downstream([f"S{i}"]) == {f"S{j}" for j in reach[i]}
        assert made.upstream([f"S{i}"]) == {f"S{j}" for j in range(count) if i in reach[j]}
