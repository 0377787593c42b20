"""Definitions that a Python file makes, in an interpreter of the user's own."""

from __future__ import annotations

import json
import os
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

import engine.api as api
from engine.errors import ConfigError, DefinitionError
from engine.runner.python_file import make_pipeline
from tests.engine.embedded import Embedded, definition

ARGUMENTS = {"Conditions": [], "IfSteps": [], "ElseSteps": []}
DOCUMENT = definition({"Name": "Decide", "Type": "Condition", "Arguments": ARGUMENTS})
PIPELINE = f"""
class Pipeline:
    name = "Made-Here"
    def definition(self):
        print("while it is made")
        return {json.dumps(DOCUMENT)!r}
"""


def write(folder: Path, text: str, name: str = "made.py") -> str:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def refusal(folder: Path, text: str) -> DefinitionError:
    with pytest.raises(DefinitionError) as refused:
        make_pipeline(write(folder, text), sys.executable)
    assert refused.value.code == "pipeline-not-made"
    return refused.value


async def test_pipeline_objects_run_under_their_own_name(embedded: Embedded) -> None:
    text = (
        f"print('noise')\n{PIPELINE}\ndef get_pipeline(region, role=None):\n    return Pipeline()\n"
    )
    state = await embedded.run(write(embedded.folder, text), python=sys.executable)
    assert state.execution.pipeline == "Made-Here"
    assert list(state.steps) == ["Decide"]
    assert state.execution.pipeline_version == 1
    again = await embedded.run(
        write(embedded.folder, text + "# changed\n"), python=sys.executable, pipeline="Mine"
    )
    assert again.execution.pipeline == "Mine"


@pytest.mark.parametrize("made", [repr(DOCUMENT), repr(json.dumps(DOCUMENT))])
def test_a_dict_and_json_text_are_definitions_too(tmp_path: Path, made: str) -> None:
    pipeline = make_pipeline(
        write(tmp_path, f"def get_pipeline(): return {made}\n"), sys.executable
    )
    assert (json.loads(pipeline.text), pipeline.name) == (DOCUMENT, "")


def test_it_runs_in_its_folder_and_sees_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, f"DOCUMENT = {DOCUMENT!r}\n", "neighbour.py")
    text = (
        "from __future__ import annotations\nimport os, dataclasses\n"
        "from neighbour import DOCUMENT\n"
        "@dataclasses.dataclass\nclass Thing:\n    name: str = ''\n"
        "def get_pipeline(region, role, default_bucket, sagemaker_session):\n"
        "    assert os.path.samefile(os.getcwd(), os.path.dirname(__file__))\n"
        "    assert region and role and default_bucket and sagemaker_session is None\n"
        "    assert __name__ != '__main__'\n"
        "    return DOCUMENT\n"
    )
    assert json.loads(make_pipeline(write(tmp_path, text), sys.executable).text) == DOCUMENT


def test_the_interpreter_is_the_users_not_ours(tmp_path: Path) -> None:
    venv.create(tmp_path / "theirs", with_pip=False)
    python = str(tmp_path / "theirs" / "bin" / "python")
    text = (
        "import sys, importlib.util\n"
        "def get_pipeline():\n"
        "    assert importlib.util.find_spec('msgspec') is None\n"
        f"    assert sys.prefix == {str(tmp_path / 'theirs')!r}, sys.prefix\n"
        f"    return {DOCUMENT!r}\n"
    )
    assert make_pipeline(write(tmp_path, text), python).text


async def test_the_configuration_beside_the_file_names_the_interpreter(
    embedded: Embedded,
) -> None:
    wrong = embedded.folder / "pipetui.toml"
    wrong.write_text('[run]\npython = "/nowhere/python"\n', encoding="utf-8")
    file = write(embedded.folder, f"def get_pipeline(): return {DOCUMENT!r}\n")
    with pytest.raises(ConfigError, match="/nowhere/python") as refused:
        await embedded.run(file)
    assert refused.value.code == "python-not-found"
    wrong.write_text(f'[run]\npython = "{sys.executable}"\n', encoding="utf-8")
    assert (await embedded.run(file)).execution.pipeline == "made"


def test_an_exception_is_told_with_its_place_in_the_users_file(tmp_path: Path) -> None:
    text = "def inner():\n    raise ValueError('no bucket')\n\ndef get_pipeline():\n    inner()\n"
    problem = refusal(tmp_path, text)
    assert f"{tmp_path}/made.py:2: " in problem.message
    assert problem.message.endswith("ValueError: no bucket")
    assert problem.line == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def get_pipeline(:\n", "SyntaxError"),
        ("pass\n", "no function get_pipeline"),
        ("def get_pipeline(thing): pass\n", "wants thing"),
        ("def get_pipeline(): return 7\n", "gave back a int"),
        ("import sys\nsys.exit(3)\n", "SystemExit: 3"),
        ("import os\nos._exit(3)\n", "exit code 3"),
        ("import os\nos.write(2, b'last words\\n')\nos.abort()\n", "last words"),
    ],
)
def test_whatever_goes_wrong_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    assert words in refusal(tmp_path, text).message


def test_what_a_definition_breaks_has_a_path_and_no_line_of_the_file(tmp_path: Path) -> None:
    broken: dict[str, Any] = definition(
        {"Name": "A", "Type": "Condition", "Arguments": {"Conditions": 3}}
    )
    file = write(tmp_path, f"def get_pipeline(): return {broken!r}\n")
    home = api.Home(tmp_path / "home")
    errors, _ = api.examine_file(home, file, sys.executable)
    assert errors
    assert {one.line for one in errors} == {None}
    assert all(one.path for one in errors)


def test_an_interpreter_that_cannot_run_is_told(tmp_path: Path) -> None:
    useless = tmp_path / "python"
    useless.write_text("no program", encoding="utf-8")
    os.chmod(useless, 0o700)
    with pytest.raises(DefinitionError, match="does not run"):
        make_pipeline(write(tmp_path, "pass\n"), str(useless))
