"""Hosts of one job that train together, on one machine (section 4.2, ADR 0014).

The drivers that SDK 3 puts in the channel ``sm_drivers`` start ``torchrun`` or ``mpirun`` on a
cluster. They run as they stand, but for what they would do to the machine itself: see
``mpi_utils`` among the algorithms. Jobs in container images have their images' own programs.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.environments.programs import FOLDER
from engine.errors import JobError
from engine.steps.container import Prepared
from engine.steps.hosts import Host
from engine.steps.inputs import mappings, section

_DRIVERS = "/opt/ml/input/data/sm_drivers"
_FUNCTIONS = "/opt/ml/input/data/sagemaker_remote_function_bootstrap"
_LAUNCHERS = {
    f"{_DRIVERS}/sm_train.sh": {"torchrun_driver.py": "torchrun", "mpi_driver.py": "mpirun"},
    f"{_FUNCTIONS}/job_driver.sh": {"torchrun --nnodes": "torchrun", "mpirun --host": "mpirun"},
}
"""By the script that starts a job: what in it tells which launcher it will call."""
_PACKAGES = {"torchrun": "torch", "mpirun": "mpich and mpi4py"}
_PEERS = "peers"
"""Folder of the attempt that all of its hosts see."""
_TORCHRUN = """#!/bin/sh
for word do
    shift
    case $word in
        --master_addr=algo-*) word=--master_addr=127.0.0.1 ;;
        --master_port=*) word=--master_port={port} ;;
        *) case $before in
            --master_addr) word=127.0.0.1 ;;
            --master_port) word={port} ;;
        esac ;;
    esac
    before=$word
    set -- "$@" "$word"
done
exec "$PIPETUI_LAUNCHER" "$@"
"""
"""Hosts of one machine meet on the loopback, at a port that no other job has.

SDK 3 writes ``--master_addr=algo-1``, the driver of functions ``--master_addr algo-1``.
"""


def launcher_of(host: Host) -> str:
    """``torchrun`` or ``mpirun`` where the job's driver calls it, else empty."""
    for file, launchers in _LAUNCHERS.items():
        try:
            script = host.ml.host_path(file).read_text("utf-8", "replace")
        except OSError:
            continue
        return next((name for sign, name in launchers.items() if sign in script), "")
    return ""


def launcher_words(arguments: Mapping[str, Any]) -> str:
    """What a plan says of the launcher of a job, which nobody looks for before it starts.

    Which driver a job has stands in its channel, not in its definition; functions say it.
    """
    if "torchrun" in (section(arguments, "AlgorithmSpecification").get("ContainerArguments") or ()):
        return "torchrun is looked for in its environment when the step starts"
    channels = {one.get("ChannelName") for one in mappings(arguments.get("InputDataConfig"))}
    count = section(arguments, "ResourceConfig").get("InstanceCount", 1)
    if "sm_drivers" in channels and str(count) != "1":
        return (
            "torchrun or mpirun, where its driver calls one, is looked for in its environment when"
            " the step starts"
        )
    return ""


def join_hosts(hosts: Sequence[Host], prepared: Prepared, name: str) -> Prepared:
    """Let the drivers of a job find its hosts; the environment with what they need first on PATH.

    Args:
        name: of the step, for messages.

    Errors: ``JobError`` (``launcher-missing``) where the environment has no such program.
    """
    launcher = launcher_of(hosts[0])
    if not launcher:
        return prepared
    program = shutil.which(launcher, path=prepared.path)
    if program is None:
        raise JobError(
            f"ClientError: {name} trains with {launcher}, which its environment does not have",
            code="launcher-missing",
            hint=f"Add {_PACKAGES[launcher]} to the source's requirements.txt, or name an"
            " environment that has it under [images] in the configuration.",
        )
    peers = hosts[0].folder / _PEERS
    peers.mkdir(mode=0o700, exist_ok=True)
    if launcher == "mpirun":
        for host in hosts:
            target = host.ml.host_path(f"{_DRIVERS}/distributed_drivers/mpi_utils.py")
            shutil.copyfile(FOLDER / "distributed" / "mpi_utils.py", target)
        return prepared
    wrapper = peers / launcher
    if not wrapper.exists():
        wrapper.write_text(_TORCHRUN.replace("{port}", str(_free_port())), encoding="utf-8")
        wrapper.chmod(0o700)
    return replace(prepared, path=f"{peers}:{prepared.path}")


def variables_of(
    hosts: Sequence[Host], declared: Mapping[str, str], prepared: Prepared
) -> dict[str, str]:
    """What the environment of a job's processes says of its hosts; what is declared wins.

    Args:
        prepared: what ``join_hosts`` was given: the launcher itself is found there.
    """
    launcher = launcher_of(hosts[0])
    if len(hosts) == 1 and not launcher:
        return dict(declared)
    found = shutil.which(launcher, path=prepared.path) if launcher else None
    # Gloo and NCCL would otherwise choose the interface of the machine's own name.
    loopback = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
    peers = {"PIPETUI_PEERS": str(hosts[0].folder / _PEERS), "PIPETUI_LAUNCHER": found or ""}
    return {**loopback, **peers, **declared}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
