from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from engine.errors import JobError
from engine.jobs import identity, ladder
from engine.jobs.base import Finished, Job
from engine.jobs.ladder import Finding, Probe
from engine.jobs.namespace import Recipe

RECIPE = Recipe("unshare", ("/usr/bin/unshare",), "/usr/bin/mount", ("again",), True)
NO = Finding(False, "it is forbidden")


def probe_with(**findings: Finding) -> Probe:
    works = Finding(True, "")
    return Probe(
        "/scratch",
        {"namespace": NO, "container": NO, "rewrite": works, "process": works} | findings,
    )


def test_a_recipe_survives_json() -> None:
    assert Recipe.from_dict(json.loads(json.dumps(RECIPE.as_dict()))) == RECIPE


def test_auto_takes_the_namespace_where_it_works_and_else_rewrites() -> None:
    works = Finding(True, "", RECIPE.as_dict())
    assert ladder.choose(probe_with(namespace=works)).name == "namespace"
    assert ladder.choose(probe_with()).name == "rewrite"


def test_a_wanted_runner_is_taken_by_name() -> None:
    container = Finding(True, "", {"tool": "/usr/bin/podman"})
    assert ladder.choose(probe_with(container=container), "container").name == "container"
    assert ladder.choose(probe_with(), "process").name == "process"


def job_in(folder: Path, **more: Any) -> Job:
    (folder / "ml").mkdir(parents=True)
    ml = {"ml": str(folder / "ml")} if "serves" not in more else {}
    return Job("e/s/1", str(folder), ("true",), {"PATH": "/usr/bin:/bin"}, **ml, **more)


@pytest.mark.parametrize(
    ("more", "runs"),
    [({}, "rewrite"), ({"serves": ("pipetui-1",)}, "process"), ({"image": "i"}, "container")],
)
async def test_with_containers_a_job_without_an_image_runs_on_the_host(
    tmp_path: Path, more: dict[str, Any], runs: str
) -> None:
    tool, asked = tmp_path / "podman", tmp_path / "asked"
    tool.write_text(f'#!/bin/sh\necho "$*" >>"{asked}"\n')
    tool.chmod(0o755)
    found = probe_with(container=Finding(True, "", {"tool": str(tool)}))
    job = job_in(tmp_path / "job", **more)
    handle = await ladder.choose(found, "container").start(job)
    assert handle["runner"] == runs
    # Another runner may be the one that waits for it.
    other = ladder.choose(found, "container")
    assert (await other.wait(handle)).ok
    adopted = other.adopt(None, job.directory)
    assert isinstance(adopted, Finished) and adopted.exit.ok
    said = asked.read_text().splitlines() if asked.exists() else []
    if runs == "rewrite":
        assert said == []
    elif runs == "process":
        assert set(said) == {"rm --force pipetui-1"}
    else:
        assert said[0].startswith("run --name pipetui-")


def test_a_runner_that_does_not_work_here_is_refused_with_the_reason() -> None:
    with pytest.raises(JobError, match="it is forbidden") as caught:
        ladder.choose(probe_with(), "container")
    assert caught.value.code == "job-runner-unavailable"


def test_an_unknown_runner_is_refused_with_the_known_ones() -> None:
    with pytest.raises(JobError) as caught:
        ladder.choose(probe_with(), "no-such-runner")
    assert caught.value.code == "job-runner-unknown"
    assert "namespace" in caught.value.hint


def _cached(**changes: Any) -> dict[str, Any]:
    findings = {
        name: {"works": False, "why": "as cached", "detail": {}}
        for name in ("namespace", "container", "rewrite", "process")
    }
    key = {"format": 1, "boot_id": identity.boot_id(), "uid": os.geteuid()}
    return {**key, "findings": findings, **changes}


async def test_the_answer_of_this_boot_is_taken_from_the_file(tmp_path: Path) -> None:
    cache = tmp_path / "job-runners.json"
    cache.write_text(json.dumps(_cached()))
    probe = await ladder.probe(str(cache))
    assert probe.scratch == str(tmp_path)
    assert {finding.why for finding in probe.findings.values()} == {"as cached"}


@pytest.mark.parametrize(
    "text",
    ["", "[]", json.dumps(_cached(boot_id="another")), json.dumps(_cached(findings={"x": 1}))],
    ids=["empty", "no object", "another boot", "another shape"],
)
async def test_any_other_file_is_replaced_by_a_new_answer(tmp_path: Path, text: str) -> None:
    cache = tmp_path / "job-runners.json"
    cache.write_text(text)
    probe = await ladder.probe(str(cache))
    assert probe.findings["rewrite"].works
    assert await ladder.probe(str(cache)) == probe


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JobError) as caught:
        await ladder.probe(str(tmp_path / "file" / "job-runners.json"))
    assert caught.value.code == "job-probe-failed"
