"""Script mode: arguments, variables, and the run of a real script by this interpreter."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments import resolve, training_command
from engine.environments.algorithms.script_mode.code import CodeError, place
from engine.environments.algorithms.script_mode.contract import (
    Job,
    Machine,
    arguments,
    decode,
    variables,
)

ROOT = PurePosixPath("/opt/ml")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)


def job(**hyperparameters: Any) -> Job:
    return Job(
        ROOT,
        hyperparameters,
        {"train": {}, "validation": {}},
        {"current_host": "algo-1", "hosts": ["algo-1"], "current_instance_type": "ml.m5.large"},
        "job-1",
    )


@given(JSON)
def test_a_value_written_as_json_is_read_back(value: Any) -> None:
    assert decode(json.dumps(value)) == value


@given(st.text())
def test_any_text_decodes_to_something(text: str) -> None:
    decode(text)


def test_text_that_is_no_json_stays_itself() -> None:
    assert decode("train.py") == "train.py"
    assert decode(5) == 5


@given(st.dictionaries(NAMES, JSON))
def test_arguments_are_pairs_sorted_by_name(hyperparameters: dict[str, Any]) -> None:
    words = arguments(hyperparameters)
    names = [word.lstrip("-") for word in words[::2]]
    assert names == sorted(hyperparameters)
    assert len(words) == 2 * len(hyperparameters)
    assert all(word.startswith("--" if len(word) > 2 else "-") for word in words[::2])


def test_arguments_are_written_as_the_toolkit_does() -> None:
    assert arguments({"max-depth": 5, "b": True, "map": {"y": 1, "x": 2}, "none": None}) == [
        *("-b", "True"),
        *("--map", "x=2,y=1"),
        *("--max-depth", "5"),
        *("--none", ""),
    ]


@given(st.dictionaries(NAMES, JSON), st.dictionaries(NAMES, JSON))
def test_the_toolkits_own_hyperparameters_never_reach_the_script(
    user: dict[str, Any], own: dict[str, Any]
) -> None:
    given = {**user, **{f"sagemaker_{name}": value for name, value in own.items()}}
    texts = {name: json.dumps(value) for name, value in given.items()}
    found = Job(ROOT, texts)
    assert found.user == user
    assert json.loads(variables(found, Machine(2))["SM_HPS"]) == user
    assert not any(word.startswith("--sagemaker_") for word in arguments(found.user))


@given(st.dictionaries(NAMES, JSON))
def test_every_variable_is_text_and_structures_are_json(hyperparameters: dict[str, Any]) -> None:
    texts = {name: json.dumps(value) for name, value in hyperparameters.items()}
    found = variables(Job(ROOT, texts), Machine(2))
    assert all(isinstance(value, str) and name.startswith("SM_") for name, value in found.items())
    assert json.loads(found["SM_TRAINING_ENV"])["hyperparameters"] == hyperparameters
    assert json.loads(found["SM_USER_ARGS"]) == arguments(hyperparameters)
    assert {f"SM_HP_{name.upper()}" for name in hyperparameters} <= set(found)


def test_variables_name_the_jobs_folders_and_machine() -> None:
    found = variables(
        job(sagemaker_program='"train.py"', epochs="3", sagemaker_container_log_level="10"),
        Machine(cpus=4, gpus=1),
    )
    expected = {
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_OUTPUT_DIR": "/opt/ml/output",
        "SM_INPUT_DIR": "/opt/ml/input",
        "SM_INPUT_CONFIG_DIR": "/opt/ml/input/config",
        "SM_CHANNELS": '["train","validation"]',
        "SM_CHANNEL_TRAIN": "/opt/ml/input/data/train",
        "SM_HPS": '{"epochs":3}',
        "SM_HP_EPOCHS": "3",
        "SM_CURRENT_HOST": "algo-1",
        "SM_CURRENT_INSTANCE_TYPE": "ml.m5.large",
        "SM_HOSTS": '["algo-1"]',
        "SM_NUM_CPUS": "4",
        "SM_NUM_GPUS": "1",
        "SM_NUM_NEURONS": "0",
        "SM_LOG_LEVEL": "10",
        "SM_NETWORK_INTERFACE_NAME": "eth0",
        "SM_USER_ARGS": '["--epochs","3"]',
        "SM_MODULE_NAME": "train",
        "SM_MODULE_DIR": "/opt/ml/code",
        "SM_USER_ENTRY_POINT": "train.py",
    }
    assert {name: found[name] for name in expected} == expected


# --- the run of a script


def tree(tmp_path: Path, script: str, **hyperparameters: Any) -> Path:
    root, source = tmp_path / "ml", tmp_path / "source"
    (root / "input" / "config").mkdir(parents=True)
    source.mkdir()
    (source / "train.py").write_text(script)
    texts = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": str(source),
        **hyperparameters,
    }
    config = root / "input" / "config"
    (config / "hyperparameters.json").write_text(
        json.dumps({name: json.dumps(value) for name, value in texts.items()})
    )
    (config / "inputdataconfig.json").write_text('{"train": {}}')
    (config / "resourceconfig.json").write_text('{"current_host": "algo-1", "hosts": ["algo-1"]}')
    return root


def run(root: Path) -> subprocess.CompletedProcess[str]:
    resolution = resolve("unknown:1", python=(3, 11))
    command = training_command(resolution, Path(sys.executable), {"sagemaker_program": "train.py"})
    assert command is not None
    return subprocess.run(
        command,
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_script_gets_arguments_and_variables_and_runs_in_its_code(tmp_path: Path) -> None:
    script = """
import json, os, sys
json.dump([sys.argv[1:], os.environ["SM_CHANNEL_TRAIN"], os.getcwd()],
          open(os.environ["SM_MODEL_DIR"] + "/seen.json", "w"))
"""
    root = tree(tmp_path, script, epochs=3, name="a b")
    done = run(root)
    assert done.returncode == 0, done.stderr
    assert json.loads((root / "model" / "seen.json").read_text()) == [
        ["--epochs", "3", "--name", "a b"],
        str(root / "input" / "data" / "train"),
        str(root / "code"),
    ]
    assert not (root / "output" / "failure").exists()


def test_the_reason_of_a_failed_script_is_kept_and_its_code_returned(tmp_path: Path) -> None:
    root = tree(tmp_path, "import sys\nprint('to stderr', file=sys.stderr)\nraise ValueError('no')")
    done = run(root)
    failure = (root / "output" / "failure").read_text()
    assert done.returncode == 1
    assert failure.startswith('ExecuteUserScriptError:\nExitCode 1\nErrorMessage "ValueError: no')
    assert "Traceback" in failure
    assert "to stderr" in done.stderr


def test_a_scripts_own_failure_text_is_left_alone(tmp_path: Path) -> None:
    script = """
import os, sys
open(os.environ["SM_OUTPUT_DIR"] + "/failure", "w").write("mine")
sys.exit(7)
"""
    root = tree(tmp_path, script)
    assert run(root).returncode == 7
    assert (root / "output" / "failure").read_text() == "mine"


def test_a_missing_script_is_named(tmp_path: Path) -> None:
    root = tree(tmp_path, "", sagemaker_program="other.py")
    assert run(root).returncode == 1
    assert "There is no other.py" in (root / "output" / "failure").read_text()


def test_an_interrupt_by_the_service_reaches_the_script(tmp_path: Path) -> None:
    script = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("ready", flush=True)
signal.pause()
"""
    root = tree(tmp_path, script)
    resolution = resolve("unknown:1", python=(3, 11))
    command = training_command(resolution, Path(sys.executable), {"sagemaker_program": "train.py"})
    assert command is not None
    with subprocess.Popen(
        [*command, "--root", str(root)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "ready":
            assert process.poll() is None
        process.terminate()
        assert process.wait(timeout=60) == 5


# --- the user's code


def archive(file: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(file, "w:gz") as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return file


def member(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = 1 if kind == tarfile.REGTYPE else 0
    info.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
    return info


def test_code_comes_from_an_archive(tmp_path: Path) -> None:
    place(archive(tmp_path / "source.tar.gz", member("train.py")), tmp_path / "code")
    assert (tmp_path / "code" / "train.py").read_text() == "x"


def test_code_that_is_there_already_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text("edited")
    place(archive(tmp_path / "source.tar.gz", member("train.py")), tmp_path / "code")
    assert (tmp_path / "code" / "train.py").read_text() == "edited"


@pytest.mark.parametrize(
    "unsafe",
    [
        member("../outside"),
        member("/absolute"),
        member("link", tarfile.SYMTYPE),
        member("device", tarfile.CHRTYPE),
    ],
    ids=lambda info: info.name,
)
def test_an_archive_cannot_reach_outside_its_folder(
    tmp_path: Path, unsafe: tarfile.TarInfo
) -> None:
    source = archive(tmp_path / "source.tar.gz", member("train.py"), unsafe)
    with pytest.raises(CodeError):
        place(source, tmp_path / "code")
    assert not any((tmp_path / "code").iterdir())


def test_code_that_is_no_archive_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "source.tar.gz").write_text("not an archive")
    with pytest.raises(CodeError, match="cannot be unpacked"):
        place(tmp_path / "source.tar.gz", tmp_path / "code")


def test_an_image_without_algorithm_or_script_has_no_command() -> None:
    xgboost = resolve("x/sagemaker-xgboost:1.7-1", python=(3, 11))
    command = training_command(xgboost, Path("/e/bin/python"), {"num_round": "1"})
    assert command is not None
    assert (command[0], command[-1]) == ("/e/bin/python", "xgboost")
    scikit = resolve("x/sagemaker-scikit-learn:1.2-1", python=(3, 11))
    assert training_command(scikit, Path("/e/bin/python"), {}) is None
