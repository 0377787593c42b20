"""The graph as an SVG picture, as text, and as source for other tools."""

from __future__ import annotations

import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipetui.dag.cells import ASCII
from pipetui.dag.detail import NodeStatus
from pipetui.dag.export import SUFFIXES, Format, export
from pipetui.dag.graph import Dag, DagEdge, DagNode, EdgeKind
from tests.unit.dag.test_pictures import dags

SVG = "{http://www.w3.org/2000/svg}"
DONE = NodeStatus("+", "succeeded", elapsed="00:06", ended=True)
FAILED = NodeStatus("x", "failed", elapsed="00:04", failed=True, ended=True)
SKIPPED = NodeStatus("-", "skipped", untaken=True, ended=True)
CHECK = Dag(
    (DagNode("check", "Condition"), DagNode("register", "Model"), DagNode("fail", "Fail")),
    (
        DagEdge("check", "register", EdgeKind.BRANCH_IF),
        DagEdge("check", "fail", EdgeKind.BRANCH_ELSE),
    ),
)
STATUSES = {"check": DONE, "register": SKIPPED, "fail": FAILED}


def test_an_svg_shows_each_step_with_its_status_and_each_edge_in_its_kind() -> None:
    root = ET.fromstring(export(CHECK, Format.SVG, statuses=STATUSES, title="churn <1>"))
    assert root.findtext(f"{SVG}title") == "churn <1>"
    assert [group.findtext(f"{SVG}title") for group in root.iter(f"{SVG}g")] == [
        "check succeeded 00:06",
        "register skipped",
        "fail failed 00:04",
    ]
    lines = [line.get("class") for line in root.iter(f"{SVG}polyline")]
    assert sorted(filter(None, lines)) == ["line bad", "line dashed"]
    words = " ".join(text.text or "" for text in root.iter(f"{SVG}text")).split()
    assert {"if", "else", "x", "fail", "failed", "00:04"} <= set(words)
    assert "prefers-color-scheme:dark" in (root.findtext(f"{SVG}style") or "")


def test_a_bare_svg_says_nothing_about_statuses() -> None:
    root = ET.fromstring(export(CHECK, Format.SVG))
    assert "pending" not in {text.text for text in root.iter(f"{SVG}text")}


@given(dags())
@settings(max_examples=40)
def test_an_svg_is_well_formed_and_its_lines_are_orthogonal_whatever_the_names(dag: Dag) -> None:
    root = ET.fromstring(export(dag, Format.SVG, statuses=dict.fromkeys("abc", DONE)))
    for line in root.iter(f"{SVG}polyline"):
        corners = [pair.split(",") for pair in (line.get("points") or "").split()]
        for (x, y), (to_x, to_y) in pairwise(corners):
            assert x == to_x or y == to_y


@given(dags(), st.sampled_from([Format.MERMAID, Format.DOT]))
@settings(max_examples=40)
def test_names_never_break_out_of_their_quotes(dag: Dag, form: Format) -> None:
    lines = export(dag, form, statuses=STATUSES).splitlines()
    assert all(line.count('"') - line.count('\\"') in (0, 2) for line in lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_what_is_written_for_it() -> None:
    odd = Dag((DagNode('a"]\n{-->b'), DagNode("学習 🚀\\")), (DagEdge('a"]\n{-->b', "学習 🚀\\"),))
    for dag in (CHECK, odd, Dag()):
        source = export(dag, Format.DOT, statuses=STATUSES)
        ended = subprocess.run(["dot", "-Tplain"], input=source, text=True, capture_output=True)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.count("\nnode ") == len(dag.nodes)


def test_mermaid_marks_what_failed_and_dots_what_was_not_taken() -> None:
    lines = export(CHECK, Format.MERMAID, statuses=STATUSES).splitlines()
    assert "  n0 -.->|if| n1" in lines and "  n0 -->|else| n2" in lines
    assert "  class n2 failed" in lines and "  class n1 untaken" in lines


def test_json_has_every_step_and_edge_and_the_critical_path() -> None:
    document = json.loads(
        export(CHECK, Format.JSON, statuses=STATUSES, durations={"check": 1, "fail": 2})
    )
    assert [node["name"] for node in document["nodes"]] == ["check", "register", "fail"]
    assert document["nodes"][2]["status"] == "failed"
    assert document["edges"][0] == {"source": "check", "target": "register", "kind": "branch_if"}
    assert document["criticalPath"] == ["check", "fail"]


def test_text_keeps_to_its_width_and_unfolds_when_asked() -> None:
    names = [f"train-{index}" for index in range(30)]
    dag = Dag(
        tuple(map(DagNode, ["split", *names, "join"])),
        tuple(e for name in names for e in (DagEdge("split", name), DagEdge(name, "join"))),
    )
    folded = export(dag, Format.TEXT, width=40)
    assert "train" in folded and max(map(len, folded.splitlines())) <= 40
    everything = export(dag, Format.TEXT, width=40, unfolded=True, glyphs=ASCII)
    assert all(name in everything for name in names) and everything.isascii()


def test_what_is_too_wide_for_lines_is_written_all_the_same() -> None:
    for name in ("train-{}", "{}x"):
        names = [name.format(index) for index in range(1_100)]
        dag = Dag(tuple(map(DagNode, ["split", *names])), tuple(DagEdge("split", n) for n in names))
        for form in (Format.SVG, Format.TEXT):
            assert export(dag, form, unfolded=True)


def test_every_form_has_an_end_of_a_file_name() -> None:
    assert set(SUFFIXES.values()) == set(Format)
