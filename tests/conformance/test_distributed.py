"""Training on several hosts of this machine, with the drivers of SDK 3 and its own definition."""

from __future__ import annotations

import asyncio
import copy
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.model.fold import ExecutionState
from engine.model.status import StepStatus
from tests.conformance.stage import ends, read
from tests.engine.embedded import HOST_IMAGE, Embedded
from tests.engine.test_functions import V3, sdk_python

PROGRAM = Path(__file__).with_name("sdk") / "drivers.py"
DEFINITION = "v3-modeltrainer-sm-drivers"


async def train(embedded: Embedded, drivers: dict[str, str], code: dict[str, str]) -> Any:
    """Run the definition's job on two hosts, with these files in its channels; its log on each."""
    document = copy.deepcopy(read(DEFINITION))
    (step, _) = document["Steps"]
    document["Steps"] = [step]
    step["Arguments"]["ResourceConfig"]["InstanceCount"] = 2
    step["Arguments"]["AlgorithmSpecification"]["TrainingImage"] = HOST_IMAGE
    for channel in step["Arguments"]["InputDataConfig"]:
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        files = {"code": code, "sm_drivers": drivers}.get(channel["ChannelName"], {"x.csv": "1\n"})
        for name, text in files.items():
            place = uri if isinstance(uri, str) else "s3://pipetui-test-bucket/train"
            embedded.put(f"{place}/{name}", text)
    return await embedded.run(document)


def logs(embedded: Embedded, state: ExecutionState) -> list[str]:
    """What each host wrote."""
    view = state.steps["TrainV3"]
    second = Path(view.directory, "algo-2", "job.log")
    return [embedded.log(view), second.read_text(encoding="utf-8")]


async def drivers_of_the_sdk(embedded: Embedded, driver: str, processes: int) -> dict[str, str]:
    python = await sdk_python(embedded, V3, "")
    process = await asyncio.create_subprocess_exec(
        str(python), str(PROGRAM), driver, str(processes), stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    files: dict[str, str] = json.loads(out.decode().strip().splitlines()[-1])
    return files


ALLREDUCE = """
import os, sys
from mpi4py import MPI
world = MPI.COMM_WORLD
total = world.allreduce(world.rank + 1)
host, data = os.environ["SM_CURRENT_HOST"], sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
print("rank", world.rank, "of", world.size, "on", host, "sum", total, os.environ["GREETING"], data)
with open(os.environ["SM_MODEL_DIR"] + "/who", "a") as file:
    file.write(f"{world.rank} {host} {sys.argv[1:]}\\n")
sys.exit(int(os.environ.get("EXIT", "0")))
"""
RANK = re.compile(r"rank (\d) of (\d) on (algo-\d) sum (\d+) hello \['x.csv'\]")


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.parametrize("processes", [1, 2])
async def test_mpi_adds_up_over_two_hosts_with_the_sdks_own_driver(
    embedded: Embedded, processes: int
) -> None:
    drivers = await drivers_of_the_sdk(embedded, "mpi_driver.py", processes)
    code = {"train.py": ALLREDUCE, "requirements.txt": "mpich==5.0.2\nmpi4py==4.1.2\n"}
    state = await train(embedded, drivers, code)
    assert state.steps["TrainV3"].status is StepStatus.SUCCEEDED, (
        ends(state), *logs(embedded, state)
    )  # fmt: skip
    size = 2 * processes
    found = sorted(RANK.findall(logs(embedded, state)[0]))
    total = str(sum(range(1, size + 1)))
    hosts = ["algo-1"] * processes + ["algo-2"] * processes
    assert found == [(str(rank), str(size), hosts[rank], total) for rank in range(size)]


@pytest.mark.environments
@pytest.mark.network
async def test_a_rank_that_fails_on_another_host_fails_the_job(embedded: Embedded) -> None:
    drivers = await drivers_of_the_sdk(embedded, "mpi_driver.py", 1)
    script = ALLREDUCE.replace('os.environ.get("EXIT", "0")', 'host == "algo-2"')
    code = {"train.py": script, "requirements.txt": "mpich==5.0.2\nmpi4py==4.1.2\n"}
    state = await train(embedded, drivers, code)
    view = state.steps["TrainV3"]
    assert view.status is StepStatus.FAILED
    assert view.failure_reason.startswith("AlgorithmError: ")
