from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import Config, ImageChoice
from engine.definition.document import Step
from engine.jobs import images
from engine.steps.container import engine_for
from engine.steps.handlers import refuse

KNN = "382416733822.dkr.ecr.us-east-1.amazonaws.com/knn:1"


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of its own, and nothing known of any image."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(images, "_kept", {})
    images._held.cache_clear()
    images._obtainable.cache_clear()
    return tmp_path


def install(folder: Path, name: str, *, has: str = "", offers: str = "", works: bool = True) -> str:
    tool = folder / name
    tool.write_text(
        "#!/bin/sh\n"
        f'case "$1 $2 $5" in "image inspect "{has or "-"}) exit 0;; esac\n'
        f'case "$*" in info) exit {int(not works)};; "manifest inspect {offers}") exit 0;; esac\n'
        'echo "Error: nothing here knows $*" >&2; exit 125\n'
    )
    tool.chmod(0o755)
    return str(tool)


def test_without_an_engine_nothing_has_an_image() -> None:
    assert images.obtainable(KNN) == images.Offer("", why="neither podman nor docker is installed")


def test_the_engine_that_has_an_image_runs_it(tools: Path) -> None:
    install(tools, "podman")
    docker = install(tools, "docker", has="a:1")
    assert images.held("a:1") == images.obtainable("a:1") == images.Offer(docker)
    assert images.held("b:1").why == "no container engine has it"


def test_an_engine_whose_registry_answers_for_an_image_pulls_it(tools: Path) -> None:
    podman = install(tools, "podman", offers="a:1")
    assert not images.held("a:1").tool
    offer = images.obtainable("a:1")
    assert offer == images.Offer(podman, pulls=True)
    assert offer.words == "podman, which pulls it first"


def test_the_reason_is_that_of_an_engine_that_works(tools: Path) -> None:
    install(tools, "podman")
    install(tools, "docker", works=False)
    why = "podman cannot get it (nothing here knows manifest inspect a:1)"
    assert images.obtainable("a:1").why == why
    install(tools, "podman", works=False)
    images._obtainable.cache_clear()
    assert images.obtainable("a:1").why == "no container engine has it"


def test_what_was_found_once_is_kept(tools: Path) -> None:
    tool = install(tools, "podman", has="a:1")
    assert images.held("a:1").tool == tool
    install(tools, "podman")
    assert images.held("a:1").tool == tool


@pytest.mark.parametrize(
    ("image", "config", "program", "runs"),
    [
        (KNN, Config(), False, True),  # closed source
        ("mine:1", Config(), False, True),  # unmatched
        ("mine:1", Config(job_runner="namespace"), False, False),
        ("mine:1", Config(images={"mine:*": ImageChoice("/usr/bin/python3")}), True, False),
        ("amazonlinux/sagemaker-xgboost:1.7-1", Config(), False, False),  # an environment stands in
        ("amazonlinux/sagemaker-xgboost:1.7-1", Config(), True, True),
        (None, Config(), True, False),
    ],
)
def test_an_image_that_nothing_here_stands_for_runs_in_its_container(
    tools: Path, image: str | None, config: Config, program: bool, runs: bool
) -> None:
    install(tools, "podman", has="*")
    assert bool(engine_for(image, config, program).tool) == runs


def test_an_unknown_image_is_not_pulled_where_the_hosts_programs_run_it(tools: Path) -> None:
    install(tools, "podman", offers="mine:1")
    assert not engine_for("mine:1", Config()).tool
    assert engine_for("mine:1", Config(), program=True).pulls
    assert engine_for("mine:1", Config(unmatched="refuse")).pulls


def test_the_refusal_names_both_ways_out(tools: Path) -> None:
    specification = {"TrainingImage": KNN, "TrainingInputMode": "File"}
    step = Step("Fit", "Training", {"AlgorithmSpecification": specification})
    problem = refuse(step, Config())
    assert problem is not None and problem.code == "image-not-runnable"
    assert "exists only on AWS, and neither podman nor docker is installed" in problem.message
    assert "[images]" in problem.hint and "podman or docker" in problem.hint
    install(tools, "podman", has=KNN)
    images._held.cache_clear()
    images._obtainable.cache_clear()
    assert refuse(step, Config()) is None
