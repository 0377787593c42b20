"""How an estimator's ``distribution`` starts its script on the hosts of one machine. Pure.

The SDK writes it into hyperparameters with the prefix ``sagemaker_``, from which the toolkit in the
image makes a launcher's command. The commands here are the toolkit's, where their program exists
outside of AWS's images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from .contract import decode

TORCHRUN = "torchrun"
MPIRUN = "mpirun"
PARAMETER_SERVER = "parameter server"
WORKERS = "workers"
_ALIKE = "smdistributed.dataparallel is in AWS's images alone: torchrun starts the script here"


@dataclass(frozen=True)
class Distribution:
    """What starts a script, or tells its processes of each other.

    Attributes:
        launcher: one of the constants above; empty where each host runs the script by itself.
        differs: what is not as on AWS, for people.
    """

    launcher: str
    differs: str = ""


_DISTRIBUTIONS = (
    ("sagemaker_mpi_enabled", Distribution(MPIRUN)),
    ("sagemaker_torch_distributed_enabled", Distribution(TORCHRUN)),
    (
        "sagemaker_pytorch_ddp_enabled",
        Distribution(TORCHRUN, "torchrun starts the script here in place of smddprun"),
    ),
    ("sagemaker_distributed_dataparallel_enabled", Distribution(TORCHRUN, _ALIKE)),
    (
        "sagemaker_pytorch_xla_multi_worker_enabled",
        Distribution("", "xla_spawn is in AWS's images alone: each host runs the script by itself"),
    ),
    ("sagemaker_parameter_server_enabled", Distribution(PARAMETER_SERVER)),
    ("sagemaker_multi_worker_mirrored_strategy_enabled", Distribution(WORKERS)),
)
"""By the hyperparameter that asks for it."""
_NONE = Distribution("")
_TRUE = (True, "True", "true")


def distribution_of(hyperparameters: Mapping[str, Any]) -> Distribution:
    """The distribution that a script's hyperparameters ask for, as texts or values."""
    return next(
        (one for name, one in _DISTRIBUTIONS if decode(hyperparameters.get(name)) in _TRUE), _NONE
    )


def processes_on(hyperparameters: Mapping[str, Any], gpus: int) -> int:
    """How many processes each host gets: what was asked for, else one for each GPU, else one."""
    asked = decode(hyperparameters.get("sagemaker_mpi_num_of_processes_per_host"))
    return int(asked or gpus or 1)


def torchrun_command(
    hosts: Sequence[str], current: str, processes: int, program: Sequence[str]
) -> list[str]:
    """The command of one host; hosts find each other at the first."""
    command = [TORCHRUN, "--nnodes", str(len(hosts)), "--nproc_per_node", str(processes)]
    if len(hosts) > 1:
        rank = str(list(hosts).index(current))
        command += ["--master_addr", hosts[0], "--master_port", "7777", "--node_rank", rank]
    return [*command, *program]


def mpi_options(text: str) -> list[str]:
    """An estimator's ``custom_mpi_options``; ``--NCCL_DEBUG`` among them is the toolkit's own."""
    words, found = text.replace("--NCCL_DEBUG=", "--NCCL_DEBUG ").split(), []
    while words:
        word = words.pop(0)
        if word == "--NCCL_DEBUG" and words:
            found += ["-x", f"NCCL_DEBUG={words.pop(0)}"]
        else:
            found.append(word)
    return found


def tf_config(
    launcher: str, hosts: Sequence[str], current: str, addresses: Sequence[str]
) -> dict[str, Any]:
    """TensorFlow's description of the cluster, and of this host's part in it.

    With parameter servers the first host is the master, the others are workers, and each has a
    parameter server as well; else all are workers.

    Args:
        launcher: ``PARAMETER_SERVER`` or ``WORKERS``.
        addresses: two of each host: of its program, and of its parameter server.
    """
    own, index = list(addresses[::2]), list(hosts).index(current)
    if launcher == WORKERS:
        cluster, task = {"worker": own}, {"index": index, "type": "worker"}
    else:
        cluster = {"master": own[:1], "ps": list(addresses[1::2]), "worker": own[1:]}
        task = {"index": max(index - 1, 0), "type": "worker" if index else "master"}
    return {"cluster": cluster, "environment": "cloud", "task": task}
