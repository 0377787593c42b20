"""Pipelines with versions and aliases, as runs and the command line make and use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import DefinitionError, NotFound
from engine.model.status import ExecutionStatus, StepAction
from engine.sources.pipelines import LocalPipelines
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.test_cli import Cli, host, new_home

__all__ = ["host"]

pytestmark = pytest.mark.network


def document(step: str = "A", script: str = "true") -> dict[str, Any]:
    return definition(processing(step, script))


def saved(file: str, text: str) -> str:
    Path(file).write_text(text, encoding="utf-8")
    return file


async def test_layout_makes_no_version_and_content_does(embedded: Embedded) -> None:
    file = embedded.write(document(), "abalone.json")
    versions = []
    for text in (
        json.dumps(document()),
        json.dumps(document(), indent=4, sort_keys=True),
        json.dumps(document("B")),
    ):
        state = await embedded.run(saved(file, text))
        versions.append(state.execution.pipeline_version)
    assert versions == [1, 1, 2]


async def test_a_version_runs_as_it_was_whatever_the_file_says_now(embedded: Embedded) -> None:
    first = await embedded.run(embedded.write(document(), "abalone.json"))
    await embedded.run(embedded.write(document("B"), "abalone.json"))
    again = await embedded.run("", pipeline="abalone", version="1")
    assert list(again.steps) == ["A"]
    assert again.execution.pipeline_version == 1
    assert again.execution.definition == first.execution.definition
    assert again.execution.file == first.execution.file
    newest = await embedded.run("", pipeline="Abalone")
    assert (list(newest.steps), newest.execution.pipeline_version) == (["B"], 2)


async def test_selected_steps_of_a_version_reuse_a_run_of_the_pipeline(embedded: Embedded) -> None:
    whole = definition(processing("A", "true"), processing("B", "true", DependsOn=["A"]))
    first = await embedded.run(embedded.write(whole, "abalone.json"))
    second = await embedded.run(
        "",
        pipeline="abalone",
        version="1",
        selection=("B",),
        source_execution=first.execution.id,
    )
    assert second.execution.status is ExecutionStatus.SUCCEEDED
    assert second.steps["A"].action is not StepAction.RUN


async def test_what_is_not_there_cannot_be_started(embedded: Embedded) -> None:
    with pytest.raises(NotFound, match="no pipeline"):
        await embedded.run("", pipeline="abalone", version="1")
    await embedded.run(embedded.write(document(), "abalone.json"))
    with pytest.raises(NotFound, match="no version"):
        await embedded.run("", pipeline="abalone", version="2")


async def test_texts_beyond_the_services_limits_are_refused(embedded: Embedded) -> None:
    for wrong in (
        {"display_name": "x" * 83},
        {"description": "x" * 3073},
        {"token": "short"},
        {"pipeline": "no_name"},
    ):
        with pytest.raises(DefinitionError):
            await embedded.run(document(), **wrong)


async def test_the_pipelines_parallelism_holds_where_the_start_does_not_say(
    embedded: Embedded,
) -> None:
    await LocalPipelines(embedded.home).create(
        "abalone", json.dumps(document()), max_parallel=2, role_arn="arn:aws:iam::1:role/r"
    )
    assert (await embedded.run("", pipeline="abalone")).execution.max_parallel == 2
    limited = await embedded.run("", pipeline="abalone", max_parallel=5)
    assert limited.execution.max_parallel == 5


# The command line


@pytest.fixture
def cli(tmp_path: Path, host: str) -> Cli:
    return new_home(tmp_path, host)


def decision(name: str) -> dict[str, Any]:
    """A definition that runs nothing."""
    arguments = {"Conditions": [], "IfSteps": [], "ElseSteps": []}
    return definition({"Name": name, "Type": "Condition", "Arguments": arguments})


def run_file(cli: Cli, step: str) -> dict[str, Any]:
    """Run the file ``abalone.json``, with one step of this name."""
    file = cli.home.parent / "abalone.json"
    file.write_text(json.dumps(decision(step)), encoding="utf-8")
    return dict(cli.json("run", str(file), "--detach"))


def versions(cli: Cli, *arguments: str) -> dict[int, dict[str, Any]]:
    found = cli.json("versions", "abalone", *arguments)["PipelineVersionSummaries"]
    return {one["PipelineVersionId"]: one for one in found}


def test_versions_are_listed_named_aliased_and_run(cli: Cli) -> None:
    assert [run_file(cli, step)["PipelineVersionId"] for step in "AAB"] == [1, 1, 2]
    assert cli.json("status", "@last")["PipelineVersionId"] == 2
    [pipeline] = cli.json("pipelines")["PipelineSummaries"]
    assert pipeline["PipelineName"] == "abalone"
    assert (pipeline["Local"]["NewestVersion"], pipeline["Local"]["Executions"]) == (2, 3)
    assert list(versions(cli)) == [2, 1]
    change = ("--name", "good", "--describe", "it works", "--alias", "prod", "--alias", "v.1")
    changed = versions(cli, "1", *change)[1]
    assert changed["PipelineVersionDisplayName"] == "good"
    assert changed["PipelineVersionDescription"] == "it works"
    assert changed["PipelineVersionAliases"] == ["prod", "v.1"]
    assert cli.json("run", "abalone@prod", "--detach")["PipelineVersionId"] == 1
    assert list(cli.steps()) == ["A"]
    assert cli.json("rerun", "@last", "--detach")["PipelineVersionId"] == 1
    versions(cli, "2", "--alias", "prod")
    versions(cli, "1", "--remove-alias", "v.1")
    assert {n: one.get("PipelineVersionAliases") for n, one in versions(cli).items()} == {
        2: ["prod"],
        1: None,
    }
    assert cli.json("plan", "abalone@prod")["steps"][0]["name"] == "B"
    assert "good" in cli("versions", "abalone").stdout


def test_a_file_that_exists_wins_over_a_version(cli: Cli) -> None:
    run_file(cli, "A")
    file = cli.home.parent / "abalone@1"
    file.write_text(json.dumps(decision("Z")), encoding="utf-8")
    cli.json("run", str(file), "--name", "other", "--detach")
    assert list(cli.steps()) == ["Z"]


def test_what_the_command_line_refuses_about_versions(cli: Cli) -> None:
    run_file(cli, "A")
    for arguments, code in (
        (("run", "abalone@9"), "version-not-found"),
        (("run", "nothing@1"), "pipeline-not-found"),
        (("run", "abalone@1", "--name", "other"), "usage"),
        (("versions", "nothing"), "pipeline-not-found"),
        (("versions", "abalone", "9"), "version-not-found"),
        (("versions", "abalone", "--name", "x"), "usage"),
        (("versions", "abalone", "1", "--remove-alias", "x"), "version-alias-not-found"),
        (("parallelism", "@last", "0"), "parallelism-invalid"),
    ):
        assert cli.error(*arguments, code=2)["code"] == code
    wrong = cli.error("versions", "abalone", "1", "--alias", "12", code=11)
    assert wrong["code"] == "version-alias-invalid"
