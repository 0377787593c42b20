"""Which edges are drawn, how layers and orders come about, the critical path, and exports."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipetui.dag.critical import critical_path, time_to_start
from pipetui.dag.detail import Level
from pipetui.dag.export import to_dot, to_mermaid
from pipetui.dag.fold import Grade, fold, groups, ladder
from pipetui.dag.graph import Dag, DagEdge, DagNode, EdgeKind, drawable
from pipetui.dag.layers import cut
from pipetui.dag.layout import lay_out
from pipetui.dag.order import arrange, crossings
from tests.unit.dag.definitions import layered
from tests.unit.dag.test_pictures import dags


def chain(*names: str) -> Dag:
    return Dag(tuple(map(DagNode, names)), tuple(DagEdge(a, b) for a, b in pairwise(names)))


def fan(count: int, stages: tuple[str, ...] = ("train",)) -> Dag:
    """source -> stage-i -> ... -> collect, `count` times side by side."""
    rows = [["source", *(f"{stage}-{i}" for stage in stages), "collect"] for i in range(count)]
    names = dict.fromkeys(name for row in rows for name in row)
    edges = dict.fromkeys(DagEdge(a, b) for row in rows for a, b in pairwise(row))
    return drawable(Dag(tuple(map(DagNode, names)), tuple(edges)))


def reachable(dag: Dag) -> set[tuple[str, str]]:
    after: dict[str, set[str]] = {node.name: set() for node in dag.nodes}
    for edge in dag.edges:
        after[edge.source].add(edge.target)
    found = set()
    for start in after:
        todo = [start]
        while todo:
            for name in after[todo.pop()]:
                if (start, name) not in found:
                    found.add((start, name))
                    todo.append(name)
    return found


def test_an_edge_implied_by_a_longer_path_is_not_drawn() -> None:
    dag = chain("a", "b", "c")
    assert drawable(Dag(dag.nodes, (*dag.edges, DagEdge("a", "c")))) == dag


def test_a_branch_edge_is_kept_beside_a_path_that_is_not_in_the_branch() -> None:
    nodes = tuple(map(DagNode, ["check", "note", "register"]))
    branch = DagEdge("check", "register", EdgeKind.BRANCH_IF)
    edges = (branch, DagEdge("check", "note"), DagEdge("note", "register"))
    assert branch in drawable(Dag(nodes, edges)).edges


def test_the_first_step_of_a_branch_stands_for_the_steps_behind_it() -> None:
    nodes = tuple(map(DagNode, ["check", "create", "transform"]))
    first = DagEdge("check", "create", EdgeKind.BRANCH_IF)
    behind = DagEdge("check", "transform", EdgeKind.BRANCH_IF)
    edges = (first, behind, DagEdge("create", "transform"))
    assert set(drawable(Dag(nodes, edges)).edges) == {first, DagEdge("create", "transform")}


@given(dags())
def test_reduction_keeps_what_comes_after_what(dag: Dag) -> None:
    names = {node.name for node in dag.nodes}
    forward = Dag(
        dag.nodes,
        tuple(
            edge
            for edge in dag.edges
            if {edge.source, edge.target} <= names
            and [n.name for n in dag.nodes].index(edge.source)
            < [n.name for n in dag.nodes].index(edge.target)
        ),
    )
    assert reachable(drawable(forward)) == reachable(forward)


@given(dags())
def test_what_is_drawn_runs_forward_through_the_nodes(dag: Dag) -> None:
    drawn = drawable(dag)
    rank = {node.name: index for index, node in enumerate(drawn.nodes)}
    assert all(rank[edge.source] < rank[edge.target] for edge in drawn.edges)
    assert set(rank) == {node.name for node in dag.nodes}


def test_the_digest_tells_graphs_apart_and_knows_equal_ones() -> None:
    assert chain("a", "b").digest() == chain("a", "b").digest()
    assert len({chain(*names).digest() for names in ("ab", "ba", "abc", "a")}) == 4


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 99))
def test_layers_join_neighbours_only_and_keep_to_the_cap(count: int, cap: int, seed: int) -> None:
    dag = layered(count, width=4, seed=seed)
    number = {node.name: index for index, node in enumerate(dag.nodes)}
    edges = sorted({(number[e.source], number[e.target]) for e in dag.edges})
    graph = cut(count, edges, cap)
    at = {item: index for index, layer in enumerate(graph.layers) for item in layer}
    for item, targets in enumerate(graph.down):
        assert all(at[target] == at[item] + 1 for target in targets)
    for layer in graph.layers:
        assert sum(item < count for item in layer) <= cap
    assert {(run[0], run[-1]) for run in graph.chains.values()} == set(edges)
    before = crossings(graph, graph.layers)
    members = [set(layer) for layer in graph.layers]
    arrange(graph)
    assert [set(layer) for layer in graph.layers] == members
    first = cut(count, edges, cap)
    arrange(first)
    assert first.layers == graph.layers
    assert crossings(graph, graph.layers) <= before


def test_sweeps_untangle_what_can_be_drawn_without_crossings() -> None:
    graph = cut(6, [(0, 5), (1, 4), (2, 3)], 9)
    assert crossings(graph, graph.layers) == 3
    arrange(graph)
    assert crossings(graph, graph.layers) == 0


def test_a_fan_out_folds_to_one_counted_node() -> None:
    dag = fan(5)
    (group,) = groups(dag)
    folded = fold(dag, [group], [group.key])
    assert folded.members == {"train[0..4]": tuple(f"train-{i}" for i in range(5))}
    assert [(n.name, n.count) for n in folded.dag.nodes] == [
        ("source", 1),
        ("train[0..4]", 5),
        ("collect", 1),
    ]
    assert [(e.source, e.target) for e in folded.dag.edges] == [
        ("source", "train[0..4]"),
        ("train[0..4]", "collect"),
    ]


def test_parallel_chains_of_one_shape_fold_stage_by_stage() -> None:
    titles = [group.title for group in groups(fan(4, ("prepare", "train")))]
    assert titles == ["prepare[0..3]", "train[0..3]"]


def test_a_numbered_chain_folds_last_of_all() -> None:
    (group,) = groups(chain("step-1", "step-2", "step-3", "step-4"))
    assert (group.title, group.grade) == ("step[1..4]", Grade.FAMILY)


def test_layers_of_one_name_fold_by_depth_first_and_then_to_one_node() -> None:
    names = [f"layer-{depth}-{spot}" for depth in range(3) for spot in range(4)]
    edges = [
        DagEdge(f"layer-{depth}-{spot}", f"layer-{depth + 1}-{(spot * 3 + step) % 4}")
        for depth in range(2)
        for spot in range(4)
        for step in range(1 + spot % 2)
    ]
    found = groups(drawable(Dag(tuple(map(DagNode, names)), tuple(edges))))
    assert [group.title for group in found] == [
        "layer-0[0..3]",
        "layer-1[0..3]",
        "layer-2[0..3]",
        "layer[12]",
    ]


def test_a_family_that_another_step_runs_through_does_not_fold() -> None:
    dag = chain("part-1", "part-2", "check", "part-3")
    assert groups(dag) == ()


def test_a_step_with_one_more_dependent_stays_out_of_the_fold() -> None:
    dag = fan(5)
    dag = Dag((*dag.nodes, DagNode("report")), (*dag.edges, DagEdge("train-2", "report")))
    twins, kin = groups(dag)
    assert (twins.title, twins.grade) == ("train[4]", Grade.TWINS)
    assert "train-2" not in twins.members
    assert (kin.title, kin.grade) == ("train[0..4]", Grade.KIN)


def test_each_rung_of_the_ladder_folds_more_than_the_one_before() -> None:
    dag = fan(5)
    dag = Dag((*dag.nodes, DagNode("report")), (*dag.edges, DagEdge("train-2", "report")))
    rungs = ladder(groups(dag))
    assert rungs == [frozenset(), {"twins:train-0"}, {"twins:train-0", "kin:train-0"}]
    counts = [len(fold(dag, groups(dag), keys).dag.nodes) for keys in rungs]
    assert counts == [8, 5, 4]


def test_folding_begins_where_the_whole_does_not_fit_and_stops_where_it_does() -> None:
    dag = fan(20)
    assert lay_out(dag, width=80, height=40).folded == frozenset()
    folded = lay_out(dag, width=80, height=12)
    assert folded.folded == {"twins:train-0"}
    assert folded.level is Level.DETAIL
    assert list(folded.boxes) == ["source", "train[0..19]", "collect"]


@given(dags(), st.data())
def test_a_graph_with_any_groups_folded_has_no_cycle_and_every_step(
    dag: Dag, data: st.DataObject
) -> None:
    plain = drawable(dag)
    found = groups(plain)
    keys = data.draw(st.sets(st.sampled_from([group.key for group in found] or [""])))
    folded = fold(plain, found, keys)
    names = [node.name for node in folded.dag.nodes]
    shown = {step for name in names for step in folded.members.get(name, (name,))}
    assert shown == {node.name for node in plain.nodes}
    assert len(reachable(drawable(folded.dag))) == len(reachable(folded.dag))
    assert all(a != b for a, b in reachable(folded.dag))


def test_the_critical_path_is_the_longest_by_time_not_by_steps() -> None:
    dag = Dag(
        tuple(map(DagNode, "abcd")),
        (DagEdge("a", "b"), DagEdge("b", "d"), DagEdge("a", "c"), DagEdge("c", "d")),
    )
    assert critical_path(dag, {"a": 1, "b": 2, "c": 5, "d": 1}) == ("a", "c", "d")
    assert critical_path(dag, {}) == ()


@given(dags(), st.data())
def test_no_edge_leads_from_the_critical_path_to_a_longer_one(
    dag: Dag, data: st.DataObject
) -> None:
    drawn = drawable(dag)
    times = {node.name: data.draw(st.integers(0, 9)) for node in drawn.nodes}
    finish: dict[str, int] = {}
    for node in drawn.nodes:
        before = [finish[e.source] for e in drawn.edges if e.target == node.name]
        finish[node.name] = max(before, default=0) + times[node.name]
    path = critical_path(drawn, times)
    assert sum(times[name] for name in path) == max(finish.values(), default=0)
    assert set(pairwise(path)) <= {(e.source, e.target) for e in drawn.edges}


def test_a_waiting_step_starts_when_the_longest_of_what_is_left_before_it_ends() -> None:
    dag = drawable(
        Dag(
            tuple(map(DagNode, "abcde")),
            tuple(DagEdge(a, b) for a, b in ("ab", "bd", "ac", "cd", "de")),
        )
    )
    expected = {"a": 50.0, "b": 10.0, "c": 30.0, "d": 5.0}
    assert time_to_start(dag, "d", expected, {"c": 12.0}, {"a"}) == 18.0
    assert time_to_start(dag, "e", expected, {"c": 12.0}, {"a"}) == 23.0
    assert time_to_start(dag, "e", expected, {"c": 99.0}, {"a", "b"}) == 5.0
    assert time_to_start(dag, "d", {"b": 10.0}, {}, {"a"}) is None


def test_a_fan_too_wide_for_lines_is_a_heat_map_at_any_level() -> None:
    picture = lay_out(fan(1_200), width=200, height=50, level=Level.LINE, folded=())
    assert (picture.level, len(picture.boxes)) == (Level.HEAT, 1_202)


def test_exports_quote_whatever_a_name_holds() -> None:
    dag = Dag(
        (DagNode('a"]\n-->b', "Condition"), DagNode("end", label="rmse <= 6.0")),
        (DagEdge('a"]\n-->b', "end", EdgeKind.BRANCH_IF),),
    )
    assert to_mermaid(dag).splitlines() == [
        "flowchart LR",
        '  n0{"a#34;#93;#183;--#62;b"}',
        '  n1["end: rmse #60;#61; 6.0"]',
        "  n0 -->|if| n1",
    ]
    assert '  n0 [label="a\\"]·-->b", shape=diamond];\n' in to_dot(dag)
    assert '  n0 -> n1 [label="if"];\n' in to_dot(dag)
