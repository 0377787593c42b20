"""Script mode's own ``distribution`` of SDK 2's estimators, over several hosts of this machine."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from engine.environments.algorithms.distributed import mpi_utils
from engine.environments.algorithms.script_mode.distribution import (
    Distribution,
    distribution_of,
    mpi_options,
    processes_on,
    tf_config,
    torchrun_command,
)
from engine.model.views import StepView
from tests.conformance.test_distributed import (
    GLOO,
    MPICH,
    OPEN_MPI,
    OPEN_MPI_5,
    SUM,
    TORCH,
    has_log,
    logs_of,
    mpi_requirements,
    torch_wheel,
)
from tests.engine.embedded import Embedded
from tests.engine.test_training import put_source, run, run_well, training
from tests.environments import shared_environments

__all__ = ["torch_wheel"]
SOURCE = "s3://bucket/code/sourcedir.tar.gz"


def job(embedded: Embedded, files: dict[str, str], hosts: int = 2, **given: Any) -> dict[str, Any]:
    """A step in script mode, its hyperparameters encoded as the SDK does it."""
    put_source(embedded, SOURCE, files)
    encoded = {
        name: json.dumps(value)
        for name, value in {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": SOURCE,
            "epochs": 3,
            **given,
        }.items()
    }
    step = training("T", hyperparameters=encoded)
    step["Arguments"]["ResourceConfig"]["InstanceCount"] = hosts
    return step


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def put_program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")
    (folder / name).chmod(0o755)


# -- torchrun ------------------------------------------------------------------------------------

SHOW = '#!/bin/sh\necho "given $@ at $PET_MASTER_PORT on $SM_CURRENT_HOST in $PWD"\n'
GIVEN = re.compile(
    r"given --nnodes 2 --nproc_per_node 1 --master_addr 127.0.0.1 --master_port (\d+)"
    r" --node_rank (\d) train.py --epochs 3 at \1 on (algo-\d) in /opt/ml/code"
)


@pytest.mark.parametrize(
    "asked",
    [
        "sagemaker_torch_distributed_enabled",
        "sagemaker_distributed_dataparallel_enabled",
        "sagemaker_pytorch_ddp_enabled",
    ],
)
async def test_torchrun_starts_the_script_on_every_host(
    embedded: Embedded, programs: Path, asked: str
) -> None:
    put_program(programs, "torchrun", SHOW)
    view = await run_well(embedded, job(embedded, {"train.py": ""}, **{asked: True}))
    told = [GIVEN.search(log) for log in logs_of(embedded, view)]
    assert [one and one.groups()[1:] for one in told] == [("0", "algo-1"), ("1", "algo-2")]
    (port,) = {one[1] for one in told if one}
    assert port != "7777", "two jobs of one machine cannot have the same"


async def test_torchrun_of_one_host_has_a_port_of_its_own(
    embedded: Embedded, programs: Path
) -> None:
    put_program(programs, "torchrun", SHOW)
    given = {"sagemaker_torch_distributed_enabled": True}
    view = await run_well(embedded, job(embedded, {"train.py": ""}, 1, **given))
    told = re.search(
        r"given --nnodes 1 --nproc_per_node 1 train.py --epochs 3 at (\d+)", embedded.log(view)
    )
    assert told and told[1] != "29500"


async def test_torchrun_takes_no_shell_script(embedded: Embedded, programs: Path) -> None:
    put_program(programs, "torchrun", SHOW)
    given = {"sagemaker_torch_distributed_enabled": True, "sagemaker_program": "train.sh"}
    view = await run(embedded, job(embedded, {"train.sh": ""}, **given))
    assert "torchrun starts Python scripts" in view.failure_reason


@pytest.mark.parametrize(
    ("asked", "program"),
    [
        ("sagemaker_torch_distributed_enabled", "torchrun"),
        ("sagemaker_mpi_enabled", "mpirun"),
    ],
)
async def test_a_launcher_that_is_not_there_fails_the_step_before_its_job_starts(
    embedded: Embedded, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: str, program: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    view = await run(embedded, job(embedded, {"train.py": ""}, **{asked: True}))
    assert view.failure_code == "launcher-missing"
    assert view.failure_reason == (
        f"ClientError: T trains with {program}, which its environment does not have"
    )
    assert not has_log(view)


# -- MPI -----------------------------------------------------------------------------------------

MPIRUN = """#!/usr/bin/env python3
import os, shlex, subprocess, sys
if "--version" in sys.argv:
    sys.exit(print("HYDRA build details"))
words = sys.argv[1:]
hosts = words[words.index("-hosts") + 1].split(",")
shell, program = words[words.index("-launcher-exec") + 1], words[words.index("-n") + 2 :]
print("options", *words[words.index("-genvnone") + 1 : words.index("-n")], flush=True)
worst = 0
for rank, host in enumerate(hosts):
    line = f"cd {os.getcwd()} && RANK={rank} {shlex.join(program)}"
    worst = max(worst, subprocess.run([shell, host.split(":")[0], line]).returncode)
sys.exit(worst)
"""
"""Stands for MPICH's launcher: one process on each host, one after the other."""
MPI_FILES = {
    "mpi4py/__main__.py": "import runpy, sys\nsys.argv = sys.argv[1:]\nrunpy.run_path('train.py')",
    "train.py": """
import os, sys
told = ["rank", os.environ["RANK"], os.environ["SM_CURRENT_HOST"], *sys.argv]
os.write(1, (" ".join(told) + "\\n").encode())
assert os.environ["SM_CURRENT_HOST"] != os.environ.get("SM_HP_FAIL"), "no more"
""",
}
MPI = {
    "sagemaker_mpi_enabled": True,
    "sagemaker_mpi_num_of_processes_per_host": 1,
    "sagemaker_mpi_custom_mpi_options": "--oversubscribe -x GREETING=hi --NCCL_DEBUG=WARN",
}


async def test_mpirun_of_the_first_host_starts_the_script_on_every_host(
    embedded: Embedded, programs: Path
) -> None:
    put_program(programs, "mpirun", MPIRUN)
    view = await run_well(embedded, job(embedded, MPI_FILES, **MPI))
    first, second = logs_of(embedded, view)
    assert "options -genv GREETING hi -genv NCCL_DEBUG WARN" in first
    assert "rank 0 algo-1 train.py --epochs 3" in first
    assert "rank 1 algo-2 train.py --epochs 3" in second


async def test_a_rank_that_fails_elsewhere_fails_the_job(
    embedded: Embedded, programs: Path
) -> None:
    put_program(programs, "mpirun", MPIRUN)
    view = await run(embedded, job(embedded, MPI_FILES, **MPI, fail="algo-2"))
    assert view.failure_code == "algorithm-error"
    assert "mpirun" in view.failure_reason


# -- TensorFlow ----------------------------------------------------------------------------------

TELL = {"train.py": "import os\nprint('cluster', os.environ['TF_CONFIG'])\n"}
TENSORFLOW = """
import contextlib
import os
import threading
def meet(mode):
    with contextlib.suppress(FileExistsError):
        os.mkfifo("/opt/ml/model/ps")
    open("/opt/ml/model/ps", mode).close()
class compat:
    class v1:
        ConfigProto = dict
class train:
    ClusterSpec = dict
class distribute:
    class Server:
        def __init__(self, spec, job_name, task_index, config):
            print("server", job_name, task_index, spec["ps"][task_index], flush=True)
            meet("w")
        def join(self):
            threading.Event().wait()
"""
WAIT = """
import tensorflow
tensorflow.meet("r")
os.remove("/opt/ml/model/ps")
"""


def cluster(log: str) -> dict[str, Any]:
    (text,) = re.findall("^cluster (.*)", log, re.MULTILINE)
    found: dict[str, Any] = json.loads(text)
    return found


async def test_workers_of_a_mirrored_strategy_know_each_others_ports(embedded: Embedded) -> None:
    given = {"sagemaker_multi_worker_mirrored_strategy_enabled": True}
    view = await run_well(embedded, job(embedded, TELL, **given))
    first, second = map(cluster, logs_of(embedded, view))
    assert first["cluster"] == second["cluster"]
    assert len(set(first["cluster"]["worker"])) == 2
    assert (first["task"], second["task"]) == (
        {"index": 0, "type": "worker"}, {"index": 1, "type": "worker"}
    )  # fmt: skip


async def test_a_parameter_server_of_each_host_is_there_while_the_master_runs(
    embedded: Embedded,
) -> None:
    files = {"train.py": TELL["train.py"] + WAIT, "tensorflow.py": TENSORFLOW}
    given = {"sagemaker_parameter_server_enabled": True}
    view = await run_well(embedded, job(embedded, files, **given))
    for number, log in enumerate(logs_of(embedded, view)):
        found = cluster(log)
        assert f"server ps {number} {found['cluster']['ps'][number]}" in log
        assert found["task"] == {"index": 0, "type": ("master", "worker")[number]}


# -- what is asked for ---------------------------------------------------------------------------


def test_a_distribution_that_is_off_or_an_expression_is_none() -> None:
    assert distribution_of({"sagemaker_mpi_enabled": "false"}) == Distribution("")
    asked = {"sagemaker_mpi_enabled": '{"Get": "Parameters.Mpi"}'}
    assert distribution_of(asked) == Distribution("")
    assert distribution_of({"sagemaker_mpi_enabled": "true"}).launcher == "mpirun"


def test_what_only_the_images_of_aws_have_is_said() -> None:
    asked = {"sagemaker_distributed_dataparallel_enabled": "true"}
    assert "smdistributed.dataparallel is in AWS's images alone" in distribution_of(asked).differs
    xla = distribution_of({"sagemaker_pytorch_xla_multi_worker_enabled": "true"})
    assert xla.launcher == "" and "xla_spawn" in xla.differs


def test_each_host_gets_the_processes_asked_for_else_one_for_each_gpu() -> None:
    asked = {"sagemaker_mpi_num_of_processes_per_host": "4"}
    assert [processes_on(asked, 2), processes_on({}, 2), processes_on({}, 0)] == [4, 2, 1]


def test_hosts_of_torchrun_are_numbered() -> None:
    command = torchrun_command(["algo-1", "algo-2"], "algo-2", 4, ["train.py"])
    assert command[-3:] == ["--node_rank", "1", "train.py"]
    assert "--master_addr" not in torchrun_command(["algo-1"], "algo-1", 4, ["train.py"])


def test_options_of_open_mpi_that_mpich_lacks_are_left_out() -> None:
    words = mpi_options("-mca btl ^openib --oversubscribe -bind-to none -verbose -x A=b")
    assert mpi_utils._passed(words) == ["-verbose", "-genv", "A", "b"]


def test_the_second_host_of_three_is_the_first_worker_beside_the_master() -> None:
    hosts = ["algo-1", "algo-2", "algo-3"]
    found = tf_config("parameter server", hosts, "algo-2", list("aAbBcC"))
    assert found["cluster"] == {"master": ["a"], "ps": ["A", "B", "C"], "worker": ["b", "c"]}
    assert found["task"] == {"index": 0, "type": "worker"}


# -- with the real programs ----------------------------------------------------------------------


def ends(embedded: Embedded, view: StepView) -> list[tuple[str, ...] | None]:
    found = [SUM.search(log) for log in logs_of(embedded, view)]
    return [one and one.groups() for one in found]


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.usefixtures("torch_wheel")
async def test_torch_distributed_of_sdk_2_adds_up_over_two_hosts_with_gloo(
    embedded: Embedded,
) -> None:
    shared_environments(embedded.home)
    files = {"train.py": GLOO, "requirements.txt": TORCH}
    given = {"sagemaker_torch_distributed_enabled": True}
    view = await run_well(embedded, job(embedded, files, **given))
    assert ends(embedded, view) == [("0", "algo-1"), ("1", "algo-2")]


ADD = """
import os
from mpi4py import MPI
world = MPI.COMM_WORLD
told = f"rank {world.rank} of {world.size} on {os.environ['SM_CURRENT_HOST']}"
os.write(1, f"{told} sum {world.allreduce(world.rank + 1)}\\n".encode())
"""


@pytest.mark.environments
@pytest.mark.network
@pytest.mark.parametrize("library", [MPICH, OPEN_MPI, OPEN_MPI_5])
async def test_mpi_of_sdk_2_adds_up_over_three_hosts_with_two_processes_each(
    embedded: Embedded, library: str
) -> None:
    files = {"train.py": ADD, "requirements.txt": mpi_requirements(library)}
    shared_environments(embedded.home)
    given = {"sagemaker_mpi_enabled": True, "sagemaker_mpi_num_of_processes_per_host": 2}
    view = await run_well(embedded, job(embedded, files, 3, **given))
    told = embedded.log(view)
    found = sorted(re.findall(r"rank (\d) of 6 on (algo-\d) sum 21", told))
    assert found == [(str(rank), f"algo-{rank // 2 + 1}") for rank in range(6)]
