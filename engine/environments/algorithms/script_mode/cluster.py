"""Runs a script as its estimator's ``distribution`` says, among the other hosts of its job.

``PIPETUI_PEERS`` is a folder that all hosts see, ``PIPETUI_PORTS`` two free ports for each.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence, Tuple

from ..distributed import mpi_utils
from .code import CodeError
from .distribution import (
    MPIRUN,
    PARAMETER_SERVER,
    TORCHRUN,
    WORKERS,
    distribution_of,
    mpi_options,
    processes_on,
    tf_config,
    torchrun_command,
)

End = Tuple[int, str]
Execute = Callable[[Sequence[str]], End]
"""Runs a command; its exit code, and what it said last."""
_POLL_S = 0.2
_SERVER = """
import json, os
import tensorflow as tf
spec = json.loads(os.environ["TF_CONFIG"])["cluster"]
index = int(os.environ["PIPETUI_INDEX"])
no_gpu = tf.compat.v1.ConfigProto(device_count={"GPU": 0})
tf.distribute.Server(tf.train.ClusterSpec(spec), job_name="ps", task_index=index,
                     config=no_gpu).join()
"""


def run(
    own: Mapping[str, Any],
    resources: Mapping[str, Any],
    gpus: int,
    command: Sequence[str],
    execute: Execute,
) -> End:
    """Run ``command`` on this host, or take part in what starts it.

    Args:
        own: the hyperparameters that are the toolkit's.
        resources: contents of ``resourceconfig.json``.
        command: the script as one host runs it by itself.
    """
    hosts = list(resources.get("hosts") or ["algo-1"])
    current = str(resources.get("current_host") or hosts[0])
    distribution = distribution_of(own)
    if distribution.differs:
        print(distribution.differs, flush=True)
    if distribution.launcher == TORCHRUN:
        if command[0] != sys.executable or command[1] == "-m":
            raise CodeError("torchrun starts Python scripts, and no packages or other programs")
        return execute(torchrun_command(hosts, current, processes_on(own, gpus), command[1:]))
    if distribution.launcher == MPIRUN:
        return _with_mpi(own, hosts, current, processes_on(own, gpus), command, execute)
    if distribution.launcher in (PARAMETER_SERVER, WORKERS) and len(hosts) > 1:
        return _with_tensorflow(distribution.launcher, hosts, current, command, execute)
    return execute(command)


def _with_mpi(
    own: Mapping[str, Any],
    hosts: Sequence[str],
    current: str,
    processes: int,
    command: Sequence[str],
    execute: Execute,
) -> End:
    """The first host starts the script everywhere; the others run what it sends, to its end."""
    mpi_utils.write_env_vars_to_file()
    if current != hosts[0]:
        mpi_utils.bootstrap_worker_node(hosts[0])
        return 0, ""
    mpi_utils.bootstrap_master_node(list(hosts[1:]))
    # By name: each host has a Python of its own, first on its PATH.
    python = ["python", "-m", "mpi4py"] if command[0] == sys.executable else [command[0]]
    options = mpi_options(str(own.get("sagemaker_mpi_custom_mpi_options") or ""))
    total = int(own.get("sagemaker_mpi_num_processes") or 0)
    started = mpi_utils.mpirun_command(
        hosts, processes, options, [*python, *command[1:]], total=total
    )
    try:
        return execute(started)
    finally:
        mpi_utils.write_status_file_to_workers(list(hosts[1:]))


def _with_tensorflow(
    launcher: str, hosts: Sequence[str], current: str, command: Sequence[str], execute: Execute
) -> End:
    """The script with ``TF_CONFIG``; parameter servers are there until the first host's ends."""
    ports = os.environ["PIPETUI_PORTS"].split(",")
    addresses = [f"{mpi_utils.LOOPBACK}:{port}" for port in ports]
    os.environ["TF_CONFIG"] = json.dumps(tf_config(launcher, hosts, current, addresses))
    if launcher == WORKERS:
        return execute(command)
    index = {"PIPETUI_INDEX": str(list(hosts).index(current)), "CUDA_VISIBLE_DEVICES": ""}
    server = subprocess.Popen([sys.executable, "-c", _SERVER], env={**os.environ, **index})
    over = Path(os.environ[mpi_utils.PEERS], "master-over")
    try:
        end = execute(command)
        if current == hosts[0]:
            over.touch()
        while not (end[0] or over.exists()):
            time.sleep(_POLL_S)
        return end
    finally:
        server.terminate()
        server.wait()
