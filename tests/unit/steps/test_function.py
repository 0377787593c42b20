"""What a function's arguments say, and what is asked of its environment."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from engine.config import Config, ImageChoice
from engine.definition.document import Step
from engine.errors import EnvironmentError_
from engine.steps.function import (
    FunctionStep,
    Request,
    is_function,
    read_request,
    requirements,
    without_dependencies,
)
from engine.steps.interpreters import find_interpreter, read_minor
from engine.steps.training_kinds import kind_of
from tests.shared import DEFINITIONS, needs_shared

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
DRIVER = "/opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh"
SETTINGS = '{"dependency_file": "requirements.txt"}'


def function(*words: Any, image: str = "local/host:latest", **more: Any) -> dict[str, Any]:
    """Arguments of a function step with these words after the driver's name."""
    return {
        "AlgorithmSpecification": {
            "TrainingImage": image,
            "ContainerEntrypoint": ["/bin/bash", DRIVER],
            "ContainerArguments": list(words),
        },
        **more,
    }


def refusal(*words: Any, config: Config | None = None, **more: Any) -> str:
    """The code of the plan error; empty where the step can run."""
    given = ("--client_python_version", OURS, *words)
    step = Step("F", "Training", function(*given, **more))
    problem = FunctionStep().refuse(step, config or Config())
    return problem.code if problem else ""


def test_the_driver_in_the_entry_point_makes_a_function() -> None:
    assert is_function(function())
    assert not is_function({"AlgorithmSpecification": {"ContainerEntrypoint": ["/bin/bash"]}})
    assert not is_function({"AlgorithmSpecification": {"ContainerEntrypoint": {"Get": "X"}}})
    assert not is_function({})
    assert isinstance(kind_of(function(), Config()), FunctionStep)
    assert not isinstance(kind_of(function(), Config(job_runner="container")), FunctionStep)


def test_the_request_is_read_from_the_drivers_arguments() -> None:
    words = ["--client_python_version", "3.11", "--client_sagemaker_pysdk_version", "2.257.7",
             "--dependency_settings", SETTINGS, "--pipeline_execution_id", {"Get": "Execution.X"},
             "--distribution", "torchrun"]  # fmt: skip
    assert read_request(function(*words)) == Request(
        "3.11", "2.257.7", "requirements.txt", "", "torchrun"
    )
    nothing = json.dumps({"dependency_file": None})
    assert read_request(function("--dependency_settings", nothing)).dependency_file is None
    assert read_request(function()) == Request()


@needs_shared
@pytest.mark.parametrize(
    ("file", "sdk"),
    [("v2-function-step-decorator", "2.257.7"), ("v3-function-step-indexing", "3.27.0")],
)
def test_the_sdks_own_definitions_are_functions_of_their_python(file: str, sdk: str) -> None:
    text = (DEFINITIONS / f"{file}.json").read_text(encoding="utf-8")
    steps = [step for step in json.loads(text)["Steps"] if step["Type"] == "Training"]
    assert steps
    for step in steps:
        assert is_function(step["Arguments"])
        request = read_request(step["Arguments"])
        assert (request.python, request.sdk) == ("3.11", sdk)


def test_the_bootstrap_is_told_to_install_nothing() -> None:
    command = ("/bin/bash", DRIVER, "--a", "1", "--dependency_settings", SETTINGS, "--b", "2")
    nothing = ("--dependency_settings", '{"dependency_file": null}')
    assert without_dependencies(command) == ("/bin/bash", DRIVER, *nothing, "--a", "1", "--b", "2")
    assert without_dependencies(("/bin/bash", DRIVER)) == ("/bin/bash", DRIVER, *nothing)


def test_the_environment_has_the_sdk_that_stored_the_function() -> None:
    assert requirements("", "2.257.7") == "sagemaker==2.257.7\n"
    assert requirements("sagemaker>=2.256\n", "2.257.7") == "sagemaker==2.257.7\nsagemaker>=2.256\n"
    assert requirements("sagemaker-core==1\n", "3.0.0").startswith("sagemaker==3.0.0\n")


@pytest.mark.parametrize("pin", ["sagemaker==2.200.0", "a\n SageMaker [x] == 2.200.0"])
def test_an_sdk_that_the_author_pins_wins(pin: str) -> None:
    assert requirements(pin, "2.257.7") == pin


def test_what_the_host_cannot_do_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    conda = ("--dependency_settings", '{"dependency_file": "env.yml"}')
    monkeypatch.setenv("PATH", "/nowhere")
    assert refusal() == ""
    assert refusal(*conda) == "function-conda-missing"
    assert refusal("--job_conda_env", "base") == "function-conda-missing"
    environment = {"SAGEMAKER_JOB_CONDA_ENV": "base"}
    assert refusal(Environment=environment) == "function-conda-missing"
    assert refusal("--distribution", "mpirun") == ""
    assert refusal("--distribution", "torchrun") == ""


def test_a_python_that_is_not_on_the_host_is_refused_before_anything_starts() -> None:
    step = Step("F", "Training", function("--client_python_version", "3.99"), path="$.Steps[0]")
    problem = FunctionStep().refuse(step, Config())
    assert problem is not None
    assert problem.code == "python-version-missing"
    assert "F was stored by Python 3.99" in problem.message
    assert "python3.99 on PATH" in problem.hint
    assert problem.path == "$.Steps[0]"


def test_an_interpreter_of_another_version_in_the_users_table_is_refused(tmp_path: Any) -> None:
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho 3 5\n", encoding="utf-8")
    other.chmod(0o700)
    config = Config(images={"local/*": ImageChoice(python=str(other))})
    assert refusal(config=config) == "python-version-differs"


def test_an_interpreter_is_found_by_its_version_and_asked_for_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_minor(find_interpreter(OURS, Config()) and OURS) == sys.version_info[:2]
    # One that says it is another, as a version manager's stand-in may, does not count.
    for folder, answer in (("first", "exit 1"), (".pyenv/versions/3.98.1/bin", "echo 3 98")):
        place = tmp_path / folder
        place.mkdir(parents=True)
        (place / "python3.98").write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
        (place / "python3.98").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path / 'first'}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / ".pyenv"))
    assert find_interpreter("3.98", Config()) == str(
        tmp_path / ".pyenv/versions/3.98.1/bin/python3.98"
    )


@pytest.mark.parametrize("text", ["", "3", "three", "3.x", "3.11 or so"])
def test_a_version_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(EnvironmentError_) as caught:
        read_minor(text)
    assert caught.value.code == "python-version-invalid"
