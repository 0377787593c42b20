"""Functions (``@step``) that the real SDK stored, run as its own programs run them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.config import Config
from engine.endpoint.activation import EndpointSocket
from engine.environments import Environments
from engine.errors import EnvironmentError_
from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepStatus
from engine.steps.container import resolve_image
from engine.steps.function import requirements
from engine.steps.interpreters import find_interpreter
from tests.engine.embedded import Embedded
from tests.environments import shared_environments

pytestmark = [pytest.mark.environments, pytest.mark.network]

PROGRAM = Path(__file__).with_name("sdk") / "functions.py"
V2, V3 = "2.257.7", "3.27.0"
OF_THE_SDK = {V2: "sagemaker>=2.256.0,<3.0.0\n", V3: ""}
"""What the SDK itself asks for where a function has no dependencies."""
IMAGE = (
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/"
    f"sagemaker-base-python-{sys.version_info.major}{sys.version_info.minor}:1.0"
)
SETTINGS = """
SchemaVersion: '1.0'
SageMaker:
  PythonSDK:
    Modules:
      TelemetryOptOut: true
      RemoteFunction:
        IncludeLocalWorkDir: true
"""


async def sdk_python(embedded: Embedded, version: str, base: str) -> Path:
    """An interpreter with the SDK: the one that functions without dependencies run with."""
    root = shared_environments(embedded.home)
    wanted = embedded.folder / "sdk.txt"
    wanted.write_text(requirements(OF_THE_SDK[version], version), encoding="utf-8")
    resolution = resolve_image(IMAGE, Config(), base)
    built = await Environments(root, sys.executable).ensure(resolution, extra_requirements=wanted)
    return built.python


async def stored(embedded: Embedded, version: str, pipeline: str, base: str = "") -> str:
    """Let the SDK define a pipeline and store its payloads; the path of the definition.

    Args:
        base: the Python that the SDK runs on; that of the engine where empty.
    """
    python = await sdk_python(embedded, version, base)
    work = embedded.folder / "work"
    work.mkdir()
    (work / "requirements.txt").write_text("iniconfig==2.0.0\n", encoding="utf-8")
    (work / "mpi.txt").write_text("mpi4py==4.1.2\n", encoding="utf-8")
    (work / "beside.py").write_text("def answer():\n    return 'found beside'\n", encoding="utf-8")
    settings = embedded.folder / "sagemaker.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    endpoint = EndpointSocket.bind(embedded.home.s3, embedded.folder / "endpoint.log", "token")
    endpoint.watch(asyncio.get_running_loop())
    try:
        process = await asyncio.create_subprocess_exec(
            *(str(python), str(PROGRAM), str(work), pipeline, IMAGE),
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(embedded.folder),
                "SAGEMAKER_USER_CONFIG_OVERRIDE": str(settings),
                **endpoint.environment(),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
    finally:
        endpoint.close()
    assert process.returncode == 0, err.decode()
    return embedded.write(json.loads(out.decode().strip().splitlines()[-1]))


def results(embedded: Embedded, state: ExecutionState, step: str) -> Any:
    """The ``results.json`` of a function."""
    folder = state.steps[step].properties["OutputDataConfig"]["S3OutputPath"]
    return json.loads(embedded.get(f"{folder}/results.json"))


def spoil(embedded: Embedded, file: str) -> None:
    """Change the last byte of a stored payload."""
    (payload,) = embedded.home.s3.glob(file)
    content = payload.read_bytes()
    payload.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("version", [V2, V3])
async def test_functions_hand_values_on_and_drive_a_condition(
    embedded: Embedded, version: str
) -> None:
    file = await stored(embedded, version, "functions")
    state = await embedded.run(file, {"Count": 4})
    reasons = {name: view.failure_reason for name, view in state.steps.items()}
    assert state.execution.status is ExecutionStatus.SUCCEEDED, reasons
    made = state.steps["Make"]
    # parameters with their types, the execution's id, and what the pre-execution script left
    assert f'received [4, 0.5, True, "it\'s"] {state.execution.id} made before' in (
        embedded.log(made)
    )
    assert results(embedded, state, "Make")["Result"] == [{"numbers": [0, 1, 2, 3]}, 0.5, "it's"]
    assert "with iniconfig" in embedded.log(state.steps["Sum"])
    assert results(embedded, state, "Sum") == {"Result": 3.0, "Exception": None}
    assert state.steps["Decide"].properties["Outcome"] is True
    assert "work found beside" in embedded.log(state.steps["Work"])
    assert state.steps["TooLittle"].status is StepStatus.SKIPPED


async def test_a_condition_takes_the_other_branch_for_another_result(embedded: Embedded) -> None:
    file = await stored(embedded, V2, "functions")
    state = await embedded.run(file, {"Flag": "false"})
    assert results(embedded, state, "Sum")["Result"] == 0.0
    assert state.steps["TooLittle"].failure_reason == "too little"


async def test_an_exception_is_the_failure_reason(embedded: Embedded) -> None:
    file = await stored(embedded, V2, "broken")
    broken = (await embedded.run(file)).steps["Break"]
    assert broken.status is StepStatus.FAILED
    assert "ValueError('count is 3')" in broken.failure_reason
    assert list(embedded.home.s3.glob("bucket/broken/*/Break/exception/payload.pkl"))


async def test_a_pre_execution_command_that_fails_ends_the_step(embedded: Embedded) -> None:
    file = await stored(embedded, V2, "unprepared")
    step = (await embedded.run(file)).steps["Unprepared"]
    assert step.failure_code == "function-environment-failed"
    assert "nothing here" in step.failure_reason
    assert "called" not in embedded.log(step).splitlines()


async def test_a_function_runs_on_the_python_that_stored_it(embedded: Embedded) -> None:
    other = "3.12" if sys.version_info[:2] != (3, 12) else "3.11"
    try:
        base = find_interpreter(other, Config())
    except EnvironmentError_ as problem:
        pytest.skip(problem.message)
    broken = (await embedded.run(await stored(embedded, V2, "broken", base))).steps["Break"]
    assert "ValueError('count is 3')" in broken.failure_reason
    assert f"/lib/python{other}/" in embedded.log(broken)


@pytest.mark.parametrize("version", [V2, V3])
async def test_a_changed_payload_is_not_run(embedded: Embedded, version: str) -> None:
    file = await stored(embedded, version, "broken")
    spoil(embedded, "bucket/broken/Break/*/function/payload.pkl")
    broken = (await embedded.run(file)).steps["Break"]
    assert broken.status is StepStatus.FAILED
    assert broken.failure_code == "payload-integrity", broken.failure_reason
    assert "count is" not in embedded.log(broken)


@pytest.mark.parametrize(("version", "python"), [(V2, "3.9"), (V3, "3.12")])
async def test_a_function_for_spark_runs_in_a_driver_of_spark(
    embedded: Embedded, version: str, python: str
) -> None:
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java, and there is no java on this host")
    try:
        base = find_interpreter(python, Config())
    except EnvironmentError_ as problem:
        pytest.skip(problem.message)
    embedded.home.config.write_text('[emr]\nmaster = "local[1]"\n')
    file = await stored(embedded, version, "spark", base)
    embedded.put("s3://bucket/rows.csv", "a,b\n1,2\n3,4\n")
    view = (await embedded.run(file)).steps["Rows"]
    assert view.status is StepStatus.SUCCEEDED, embedded.log(view)
    assert "memory 2g rows 2" in embedded.log(view)
    assert view.stand_in == "local Spark in place of the image's"
    assert list(embedded.home.s3.glob("written-by-spark/rows/*.parquet"))
    assert list(embedded.home.s3.glob("bucket/events/*"))


def needs_open_mpi_4() -> None:
    """Skips where this host's ``mpirun`` is another one, or none."""
    program = shutil.which("mpirun")
    version = subprocess.check_output([program, "--version"], text=True) if program else ""
    if "(Open MPI) 4." not in version:
        pytest.skip("this host has no Open MPI 4")


RANK = re.compile(r"rank (\d) of (\d) on (algo-\d) sum (\d+)")


async def test_a_function_runs_with_mpirun_on_two_hosts(embedded: Embedded) -> None:
    needs_open_mpi_4()
    view = (await embedded.run(await stored(embedded, V2, "mpi"))).steps["Ranks"]
    assert view.status is StepStatus.SUCCEEDED, embedded.log(view)
    hosts = ["algo-1", "algo-1", "algo-2", "algo-2"]
    expected = [(str(rank), "4", host, "10") for rank, host in enumerate(hosts)]
    assert sorted(RANK.findall(embedded.log(view))) == expected
