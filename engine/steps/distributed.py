"""Hosts of one job that train together, on one machine (section 4.2, ADR 0014).

The drivers that SDK 3 puts in the channel ``sm_drivers`` start ``torchrun`` or ``mpirun`` on a
cluster, and so do those of functions. They run as they stand, but for what they would do to the
machine itself: see ``mpi_utils`` and ``mpi_function`` among the algorithms. Script mode starts what
the ``distribution`` of an estimator of SDK 2 says: see ``cluster`` there. Jobs in container images
have their images' own programs.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from engine.environments.algorithms.script_mode.distribution import (
    MPIRUN,
    PARAMETER_SERVER,
    TORCHRUN,
    WORKERS,
    distribution_of,
)
from engine.environments.programs import FOLDER
from engine.errors import JobError
from engine.steps.container import Prepared
from engine.steps.hosts import Host
from engine.steps.inputs import mappings, section
from engine.steps.training_input import PROGRAM, hyperparameters

_DRIVERS = "/opt/ml/input/data/sm_drivers"
_FUNCTIONS = "/opt/ml/input/data/sagemaker_remote_function_bootstrap"
_LAUNCHERS = {
    f"{_DRIVERS}/sm_train.sh": {"torchrun_driver.py": "torchrun", "mpi_driver.py": "mpirun"},
    f"{_FUNCTIONS}/job_driver.sh": {"torchrun --nnodes": "torchrun", "mpirun --host": "mpirun"},
}
"""By the script that starts a job: what in it tells which launcher it will call."""
_PACKAGES = {TORCHRUN: "torch", MPIRUN: "mpich and mpi4py"}
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
# For a job of one host, which names no port: the default is one for all jobs of the machine.
export PET_MASTER_PORT={port}
exec "$PIPETUI_LAUNCHER" "$@"
"""
"""Hosts of one machine meet on the loopback, at a port that no other job has.

SDK 3 writes ``--master_addr=algo-1``, the driver of functions ``--master_addr algo-1``.
"""

_MPIRUN = f"""#!/bin/sh
exec python {_FUNCTIONS}/mpi_utils_remote.py mpirun "$@"
"""
"""For the driver of a function, which calls it by name; see ``mpi_function``."""


def launcher_of(host: Host, arguments: Mapping[str, Any]) -> str:
    """What starts the job on its hosts, or tells them of each other; empty where nothing does.

    Returns:
        ``torchrun`` or ``mpirun`` where the job's driver calls it, or for script mode one of the
        launchers of ``script_mode.distribution``.
    """
    if _is_script(arguments):
        return distribution_of(hyperparameters(arguments)).launcher
    for file, launchers in _LAUNCHERS.items():
        try:
            script = host.ml.host_path(file).read_text("utf-8", "replace")
        except OSError:
            continue
        return next((name for sign, name in launchers.items() if sign in script), "")
    return ""


def _is_script(arguments: Mapping[str, Any]) -> bool:
    """Whether script mode runs the job."""
    entry = section(arguments, "AlgorithmSpecification").get("ContainerEntrypoint")
    return not entry and PROGRAM in section(arguments, "HyperParameters")


def launcher_words(arguments: Mapping[str, Any]) -> str:
    """What a plan says of the launcher of a job, which nobody looks for before it starts.

    Which driver a job has stands in its channel, not in its definition; functions say it.
    """
    if _is_script(arguments):
        return _script_words(arguments)
    given = section(arguments, "AlgorithmSpecification").get("ContainerArguments") or ()
    for name in (TORCHRUN, MPIRUN):
        if name in given:
            return f"{name} is looked for in its environment when the step starts"
    channels = {one.get("ChannelName") for one in mappings(arguments.get("InputDataConfig"))}
    count = section(arguments, "ResourceConfig").get("InstanceCount", 1)
    if "sm_drivers" in channels and str(count) != "1":
        return (
            "torchrun or mpirun, where its driver calls one, is looked for in its environment when"
            " the step starts"
        )
    return ""


def _script_words(arguments: Mapping[str, Any]) -> str:
    given = section(arguments, "HyperParameters")
    distribution = distribution_of(given)
    told = [distribution.differs] if distribution.differs else []
    if "mp_parameters" in given:
        told.append("smdistributed.modelparallel is in AWS's images alone")
    if distribution.launcher in _PACKAGES:
        told.append(
            f"{distribution.launcher} is looked for in its environment when the step starts"
        )
    return "; ".join(told)


def join_hosts(hosts: Sequence[Host], launcher: str, prepared: Prepared, name: str) -> Prepared:
    """Let the hosts of a job find each other; the environment with what they need first on PATH.

    Args:
        launcher: of ``launcher_of``.
        name: of the step, for messages.

    Errors: ``JobError`` (``launcher-missing``) where the environment has no such program.
    """
    if not launcher:
        return prepared
    peers = hosts[0].folder / _PEERS
    peers.mkdir(mode=0o700, exist_ok=True)
    if launcher not in _PACKAGES:
        return prepared
    if shutil.which(launcher, path=prepared.path) is None:
        raise JobError(
            f"ClientError: {name} trains with {launcher}, which its environment does not have",
            code="launcher-missing",
            hint=f"Add {_PACKAGES[launcher]} to the source's requirements.txt, or name an"
            " environment that has it under [images] in the configuration.",
        )
    program = _TORCHRUN
    if launcher == MPIRUN:
        replaced = [_replace_drivers(host) for host in hosts]
        if not any(replaced):
            return prepared
        program = _MPIRUN
    wrapper = peers / launcher
    if not wrapper.exists():
        (port,) = _free_ports(1)
        wrapper.write_text(program.replace("{port}", port), encoding="utf-8")
        wrapper.chmod(0o700)
    return replace(prepared, path=f"{peers}:{prepared.path}")


def _replace_drivers(host: Host) -> bool:
    """Put what stands for ``mpi_utils`` in its place; whether a function's driver is there."""
    drivers, function = f"{_DRIVERS}/distributed_drivers", f"{_FUNCTIONS}/mpi_utils_remote.py"
    for folder in (host.ml.host_path(one) for one in (drivers, _FUNCTIONS)):
        if folder.is_dir():
            shutil.copyfile(FOLDER / "distributed" / "mpi_utils.py", folder / "mpi_utils.py")
    file = host.ml.host_path(function)
    if not file.parent.is_dir():
        return False
    shutil.copyfile(FOLDER / "distributed" / "mpi_function.py", file)
    return True


def variables_of(
    hosts: Sequence[Host], launcher: str, declared: Mapping[str, str], prepared: Prepared
) -> dict[str, str]:
    """What the environment of a job's processes says of its hosts; what is declared wins.

    Args:
        prepared: what ``join_hosts`` was given: the launcher itself is found there.
    """
    if len(hosts) == 1 and not launcher:
        return dict(declared)
    found = shutil.which(launcher, path=prepared.path) if launcher in _PACKAGES else None
    # Gloo and NCCL would otherwise choose the interface of the machine's own name.
    loopback = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
    peers = {"PIPETUI_PEERS": str(hosts[0].folder / _PEERS), "PIPETUI_LAUNCHER": found or ""}
    if launcher in (PARAMETER_SERVER, WORKERS):
        peers["PIPETUI_PORTS"] = ",".join(_free_ports(2 * len(hosts)))
    return {**loopback, **peers, **declared}


def _free_ports(count: int) -> list[str]:
    """Ports of the loopback that nobody has, all different."""
    with ExitStack() as probes:
        found = [
            probes.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            for _ in range(count)
        ]
    return [str(port) for port in found]
