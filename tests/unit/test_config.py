"""Settings: every key, the two files, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from engine.config import (
    CallbackTarget,
    Config,
    ImageChoice,
    JobProgram,
    load_config,
    reference,
)
from engine.errors import ConfigError


def load(tmp_path: Path, home: str = "", project: str = "") -> Config:
    for folder, name, text in (("home", "config.toml", home), ("work", "pipetui.toml", project)):
        (tmp_path / folder).mkdir(exist_ok=True)
        if text:
            (tmp_path / folder / name).write_text(text, encoding="utf-8")
    return load_config(tmp_path / "home" / "config.toml", str(tmp_path / "work" / "p.json"))


def test_without_files_everything_has_its_default(tmp_path: Path) -> None:
    assert load(tmp_path) == Config()
    assert load_config(tmp_path / "none.toml") == Config()
    assert Config().parallel >= 1


def test_every_setting_is_read(tmp_path: Path) -> None:
    text = """
        [python]
        interpreter = "/usr/bin/python3"
        [run]
        max_parallel = 3
        python = "python3.12"
        [jobs]
        runner = "container"
        unmatched = "refuse"
        grace_s = 5
        lambda_timeout_s = 60
        pass_environment = ["LANG", "TOKEN"]
        preflight = "off"
        retry_user_code = 2
        [images]
        "a/*" = {python = "/opt/a/python"}
        "b/*" = {requirements = ["numpy==1.24.1"]}
        [lambda]
        "arn:f" = "module:function"
        [job_categories]
        default = {command = ["python", "job.py"]}
        [file_systems]
        fs-0123456789abcdef0 = "lake"
        [emr]
        master = "spark://host:7077"
        spark_submit = "/opt/spark/bin/spark-submit"
        [callback]
        expire_after_s = 60
        [observers]
        command = ["logger", "-t", "pipetui"]
        webhook = "http://127.0.0.1/hook"
        only = ["Failed"]
        timeout_s = 3
        junit = true
        plugins = ["mine"]
        [callbacks.approvals]
        command = ["ask"]
        [callbacks.default]
        webhook = "http://127.0.0.1/ask"
    """
    config = load(tmp_path, text)
    changed = {one.name for one in fields(Config) if one.metadata["key"]}
    assert {name for name in changed if getattr(config, name) == getattr(Config(), name)} == set()
    assert config.parallel == 3
    assert config.grace_s == 5.0
    assert config.callbacks == {
        "approvals": CallbackTarget(("ask",)),
        "default": CallbackTarget(webhook="http://127.0.0.1/ask"),
    }
    assert config.images["b/*"] == ImageChoice(requirements=("numpy==1.24.1",))
    assert config.folder == str(tmp_path / "home")
    assert config.job_categories == {
        "default": JobProgram(("python", "job.py"), str(tmp_path / "home"))
    }


def test_an_image_stands_for_another_alone(tmp_path: Path) -> None:
    config = load(tmp_path, '[images]\n"arn:*" = {image = "mine:1"}')
    assert config.images["arn:*"] == ImageChoice(image="mine:1")
    with pytest.raises(ConfigError):
        load(tmp_path, '[images]\n"a" = {image = "mine:1", python = "/usr/bin/python3"}')


def test_the_file_beside_the_definition_wins(tmp_path: Path) -> None:
    config = load(
        tmp_path, "[run]\nmax_parallel = 3\n[jobs]\ngrace_s = 1", "[run]\nmax_parallel = 5"
    )
    assert (config.max_parallel, config.grace_s) == (5, 1.0)


def test_tables_of_both_files_are_joined_and_the_nearer_one_is_asked_first(tmp_path: Path) -> None:
    home = '[images]\n"a" = {python = "/1"}\n"b" = {python = "/1"}\n[lambda]\nf = "h:f"\ng = "h:g"'
    work = '[images]\n"*" = {python = "/2"}\n"b" = {python = "/2"}\n[lambda]\nf = "w:f"'
    config = load(tmp_path, home, work)
    assert [(key, one.python) for key, one in config.images.items()] == [
        ("*", "/2"),
        ("b", "/2"),
        ("a", "/1"),
    ]
    assert config.lambdas == {"f": "w:f", "g": "h:g"}
    assert config.folder == str(tmp_path / "work")


@pytest.mark.parametrize(
    ("given", "meant"),
    [("/opt/python", "/opt/python"), ("python3.9", "python3.9"), ("venv/bin/python", None)],
)
def test_a_relative_interpreter_lies_beside_its_file(
    tmp_path: Path, given: str, meant: str | None
) -> None:
    config = load(tmp_path, project=f'[images]\n"i" = {{python = "{given}"}}')
    assert config.images["i"].python == (meant or str(tmp_path / "work" / given))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[run]\nmax_paralel = 3", "run.max_paralel"),
        ("[rum]\nmax_parallel = 3", "rum.max_parallel"),
        ("max_parallel = 3", "max_parallel"),
    ],
)
def test_a_setting_that_does_not_exist_is_an_error(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as problem:
        load(tmp_path, text)
    assert problem.value.code == "config-unknown-key"
    assert told in problem.value.message
    assert "run.max_parallel" in problem.value.hint
    assert problem.value.file == str(tmp_path / "home" / "config.toml")


@pytest.mark.parametrize(
    "text",
    [
        '[run]\nmax_parallel = "3"',
        "[run]\nmax_parallel = -1",
        "[observers]\njunit = 1",
        "callbacks = 1",
        "[callbacks]\nq = 1",
        "[callbacks.q]",
        '[callbacks.q]\ncommand = "ask"',
        '[callbacks.q]\nurl = "http://x"',
        "job_categories = 1",
        "[job_categories]\nAgentRFT = 1",
        "[job_categories.AgentRFT]",
        "[job_categories.AgentRFT]\ncommand = []",
        '[job_categories.AgentRFT]\ncommand = [""]',
        '[job_categories.AgentRFT]\ncommand = "python"',
        '[job_categories.AgentRFT]\ncommand = ["python"]\nfolder = "x"',
        "[run]\nmax_parallel = true",
        "[run]\nmax_parallel = 1.5",
        "[jobs]\ngrace_s = -1",
        "[jobs]\ngrace_s = nan",
        "[jobs]\ngrace_s = inf",
        "[jobs]\nrunner = 1",
        '[jobs]\nunmatched = "maybe"',
        '[jobs]\npreflight = "no"',
        '[jobs]\npass_environment = "LANG"',
        "[jobs]\npass_environment = [1]",
        "images = 3",
        '[images]\n"i" = "python"',
        '[images]\n"i" = {}',
        '[images]\n"i" = {python = 3}',
        '[images]\n"i" = {requirements = "numpy"}',
        '[images]\n"i" = {requirements = [1]}',
        '[images]\n"i" = {python = "p", requirments = ["numpy"]}',
        'lambda = "f"',
        "[lambda]\nf = 1",
    ],
)
def test_a_value_of_the_wrong_kind_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as problem:
        load(tmp_path, text)
    assert problem.value.code == "config-bad-value"
    assert problem.value.hint


@pytest.mark.parametrize("text", [b"[run", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(text)
    with pytest.raises(ConfigError) as problem:
        load_config(file)
    assert problem.value.file == str(file)
    with pytest.raises(ConfigError):
        load_config(tmp_path)


def test_a_section_with_nothing_in_it_changes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "[run]\n# max_parallel = 3\n") == Config()


def test_the_page_about_settings_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
    assert page.read_text(encoding="utf-8") == reference()
