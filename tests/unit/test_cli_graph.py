"""``pipetui graph``: the picture on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipetui.cli import main

HELLO = Path(__file__).resolve().parents[2] / "sample_pipelines" / "hello" / "pipeline.json"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPETUI_HOME", str(tmp_path))


def test_a_definition_is_drawn_as_text_within_the_width(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", str(HELLO), "--width", "40"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("Greet" in line for line in lines) and max(map(len, lines)) <= 40


@pytest.mark.parametrize(
    ("form", "begins"),
    [("svg", "<svg "), ("dot", "digraph "), ("mermaid", "flowchart LR"), ("json", "{")],
)
def test_a_definition_is_written_in_each_form(
    form: str, begins: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["graph", str(HELLO), "--format", form]) == 0
    assert capsys.readouterr().out.startswith(begins)


def test_json_output_is_the_graph_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", str(HELLO), "-o", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [node["name"] for node in document["nodes"]] == ["Greet", "Shout", "Count"]


def test_an_invalid_definition_has_no_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.json"
    file.write_text('{"Version": "2020-12-01", "Steps": [{"Name": "a b", "Type": "Fail"}]}')
    assert main(["graph", str(file)]) == 11
    assert "step-name-invalid" in capsys.readouterr().err


def test_an_execution_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "nowhere"]) != 0
    assert "execution-not-found" in capsys.readouterr().err
