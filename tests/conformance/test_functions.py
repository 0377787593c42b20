"""The shared definitions of functions, with payloads that the SDK of their version stored."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.endpoint.activation import EndpointSocket
from engine.model.status import StepStatus
from tests.conformance.stage import Stage, arguments, check, read
from tests.engine.embedded import Embedded
from tests.engine.test_functions import IMAGE, SETTINGS, V2, V3, results, sdk_python

pytestmark = [pytest.mark.environments, pytest.mark.network]

OK, NO, OUT = StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED
PROGRAM = Path(__file__).with_name("sdk") / "functions.py"
FOLDER, DEPENDENCIES = "--func_step_s3_dir", "--dependency_settings"


async def store_payloads(embedded: Embedded, version: str, pipeline: str) -> list[dict[str, Any]]:
    """Let the SDK store the functions of a pipeline; the steps as this SDK defines them."""
    python = await sdk_python(embedded, version, "")
    settings = embedded.folder / "sagemaker.yaml"
    settings.write_text(SETTINGS.replace("IncludeLocalWorkDir: true", "IncludeLocalWorkDir: false"))
    endpoint = EndpointSocket.bind(embedded.home.s3, embedded.folder / "endpoint.log", "token")
    endpoint.watch(asyncio.get_running_loop())
    try:
        process = await asyncio.create_subprocess_exec(
            *(str(python), str(PROGRAM), pipeline, IMAGE),
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
    return list(functions(json.loads(out.decode().strip().splitlines()[-1])["Steps"]))


def functions(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The steps that run functions, those of branches too."""
    for one in steps:
        if one["Type"] == "Training":
            yield one
        for branch in ("IfSteps", "ElseSteps"):
            yield from functions(one["Arguments"].get(branch) or [])


def option(step: dict[str, Any], name: str) -> str:
    """What follows an option of a function's driver."""
    words = step["Arguments"]["AlgorithmSpecification"]["ContainerArguments"]
    return str(words[words.index(name) + 1])


async def staged(embedded: Embedded, name: str, version: str, pipeline: str) -> Stage:
    """The shared definition, with the payloads where it says they are.

    Their folders, and the file of the dependencies, have names that the SDK makes anew each time;
    with SDK 3 the key that the payloads are signed with is new as well.
    """
    document = read(name)
    made = {one["Name"]: one for one in await store_payloads(embedded, version, pipeline)}
    for one in functions(document["Steps"]):
        mine = made[one["Name"]]
        home = embedded.home.s3 / "pipetui-test-bucket" / pipeline / one["Name"]
        folder = home / option(one, FOLDER)
        shutil.copytree(home / option(mine, FOLDER), folder)
        wanted = json.loads(option(one, DEPENDENCIES))["dependency_file"]
        if wanted:
            (file,) = (folder / "pre_exec_script_and_dependencies").glob("*.txt")
            file.rename(file.with_name(wanted))
        key = mine["Arguments"]["Environment"].get("REMOTE_FUNCTION_SECRET_KEY")
        if key:
            one["Arguments"]["Environment"]["REMOTE_FUNCTION_SECRET_KEY"] = key
    stage = Stage(embedded, document, images={})
    for file in (embedded.home.s3 / "pipetui-test-bucket").rglob("part-0.csv"):
        file.unlink()  # what a stage puts where it knows no better
    return stage


@pytest.mark.parametrize("count", [3, 1])
async def test_function_step_decorator_publishes_what_is_good_enough(
    embedded: Embedded, count: int
) -> None:
    stage = await staged(embedded, "v2-function-step-decorator", V2, "FnSteps")
    state = await stage.run({"N": str(count)})
    good = count == 3
    check(state, stage, {"MakeData": OK, "TrainFn": OK, "AccCond": OK,
                         "PublishFn": OK if good else OUT, "Low": OUT if good else NO})  # fmt: skip
    assert results(embedded, state, "MakeData")["Result"] == {"x": list(range(count)), "y": [1, 2]}
    assert results(embedded, state, "TrainFn")["Result"] == (0.95 if good else 0.5)
    assert f"trained for {state.execution.id}" in embedded.log(state.steps["TrainFn"])
    if good:
        assert "published 0.95" in embedded.log(state.steps["PublishFn"])
    else:
        assert state.steps["Low"].failure_reason == "acc low 0.5"


async def test_function_step_indexing_hands_the_parts_of_a_tuple_on(embedded: Embedded) -> None:
    stage = await staged(embedded, "v3-function-step-indexing", V3, "V3Fn")
    state = await stage.run()
    check(state, stage, {"A": OK, "B": OK, "C": OK, "F": NO})
    assert "given 7 {'k': 2}" in embedded.log(state.steps["B"])
    assert state.steps["C"].outcome is True
    assert state.steps["F"].failure_reason == "v=7"
    assert arguments(state, "B")["OutputDataConfig"]["S3OutputPath"].endswith(
        f"/{state.execution.id}/results"
    )
