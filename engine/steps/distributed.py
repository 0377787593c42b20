"""Hosts of one job that train together, on one machine (section 4.2, ADR 0014).

The drivers that SDK 3 puts in the channel ``sm_drivers`` start ``torchrun`` or ``mpirun`` on a
cluster. They run as they stand, but for what they would do to the machine itself: see
``mpi_utils`` among the algorithms. Jobs in container images have their images' own programs.
"""

from __future__ import annotations

import shlex
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.environments.programs import FOLDER
from engine.errors import JobError
from engine.steps.container import Prepared
from engine.steps.hosts import Host

_DRIVERS = "/opt/ml/input/data/sm_drivers"
_LAUNCHERS = {"torchrun_driver.py": "torchrun", "mpi_driver.py": "mpirun"}
_PACKAGES = {"torchrun": "torch", "mpirun": "mpich and mpi4py"}
_PEERS = "peers"
"""Folder of the attempt that all of its hosts see."""
_TORCHRUN = """#!/bin/sh
for word do
    shift
    case $word in
        --master_addr=algo-*) word=--master_addr=127.0.0.1 ;;
        --master_port=*) word=--master_port={port} ;;
    esac
    set -- "$@" "$word"
done
exec {program} "$@"
"""
"""Hosts of one machine meet on the loopback, at a port that no other job has."""


def launcher_of(host: Host) -> str:
    """``torchrun`` or ``mpirun`` where the job's driver calls it, else empty."""
    try:
        script = host.ml.host_path(f"{_DRIVERS}/sm_train.sh").read_text("utf-8", "replace")
    except OSError:
        return ""
    return next((name for driver, name in _LAUNCHERS.items() if driver in script), "")


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
        text = _TORCHRUN.format(port=_free_port(), program=shlex.quote(program))
        wrapper.write_text(text, encoding="utf-8")
        wrapper.chmod(0o700)
    return replace(prepared, path=f"{peers}:{prepared.path}")


def variables_of(hosts: Sequence[Host], declared: Mapping[str, str]) -> dict[str, str]:
    """What the environment of a job's processes says of its hosts; what is declared wins."""
    if len(hosts) == 1 and not launcher_of(hosts[0]):
        return dict(declared)
    # Gloo and NCCL would otherwise choose the interface of the machine's own name.
    loopback = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
    return {**loopback, "PIPETUI_PEERS": str(hosts[0].folder / _PEERS), **declared}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
