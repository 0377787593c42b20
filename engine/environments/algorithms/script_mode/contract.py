"""What a training script is given: its arguments and its ``SM_*`` variables. Pure.

Both follow sagemaker-training: hyperparameters are JSON where they can be read as such, those with
the prefix ``sagemaker_`` are the toolkit's own, the rest become arguments in alphabetical order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Mapping

PREFIX = "sagemaker_"
TUNING_METRIC = "_tuning_objective_metric"
_OWN = (
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_region",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "sagemaker_s3_output",
    "default_user_module_name",
    TUNING_METRIC,
)
_DEFAULT_GROUP = "homogeneousCluster"
_DEFAULT_LOG_LEVEL = 20


@dataclass(frozen=True)
class Machine:
    """What the host has."""

    cpus: int
    gpus: int = 0


@dataclass(frozen=True)
class Job:
    """The job's configuration files, read, and where its tree is.

    Attributes:
        root: the job's tree, ``/opt/ml``.
        hyperparameters: as texts.
        channels: contents of ``inputdataconfig.json``.
        resources: contents of ``resourceconfig.json``.
        name: of the training job.
    """

    root: PurePosixPath
    hyperparameters: Mapping[str, Any]
    channels: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def decoded(self) -> dict[str, Any]:
        """All hyperparameters as values."""
        return {name: decode(value) for name, value in self.hyperparameters.items()}

    @property
    def user(self) -> dict[str, Any]:
        """The hyperparameters that are the script's."""
        return {name: value for name, value in self.decoded.items() if not _is_own(name)}

    @property
    def own(self) -> dict[str, Any]:
        """The hyperparameters that are the toolkit's."""
        return {name: value for name, value in self.decoded.items() if _is_own(name)}

    @property
    def program(self) -> str:
        """The script to run, relative to the code; empty where none is named."""
        return str(self.own.get("sagemaker_program") or "")


def decode(value: Any) -> Any:
    """A hyperparameter read as JSON, or itself where it is none."""
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """Command-line arguments for a script.

    Names are sorted; one of a single letter gets one dash. A mapping becomes ``k=v,k=v``; None
    becomes an empty text.
    """
    found: list[str] = []
    for name in sorted(hyperparameters):
        found += [f"--{name}" if len(name) > 1 else f"-{name}", _argument(hyperparameters[name])]
    return found


def variables(job: Job, machine: Machine) -> dict[str, str]:
    """The ``SM_*`` variables of a job."""
    own = job.own
    groups = {
        group["instance_group_name"]: group for group in job.resources.get("instance_groups", [])
    }
    group = job.resources.get("current_group_name", _DEFAULT_GROUP)
    paths = _paths(job.root)
    values: dict[str, Any] = {
        **paths,
        "hosts": job.resources.get("hosts", []),
        "network_interface_name": job.resources.get("network_interface_name", "eth0"),
        "hps": job.user,
        "user_entry_point": job.program,
        "framework_params": {name: value for name, value in own.items() if name not in _OWN},
        "resource_config": job.resources,
        "input_data_config": job.channels,
        "channels": sorted(job.channels),
        "current_host": job.resources.get("current_host", ""),
        "current_instance_type": job.resources.get("current_instance_type", "local"),
        "current_instance_group": group,
        "current_instance_group_hosts": groups.get(group, {}).get("hosts", []),
        "instance_groups": list(groups),
        "instance_groups_dict": groups,
        "distribution_instance_groups": own.get("sagemaker_distribution_instance_groups", []),
        "is_hetero": len(groups) > 1,
        "module_name": _module(job.program),
        "module_dir": own.get("sagemaker_submit_directory", str(job.root / "code")),
        "log_level": own.get("sagemaker_container_log_level", _DEFAULT_LOG_LEVEL),
        "framework_module": None,
        "num_cpus": machine.cpus,
        "num_gpus": machine.gpus,
        "num_neurons": 0,
        "user_args": arguments(job.user),
    }
    values["training_env"] = _training_env(job, values)
    for name in job.channels:
        values[f"channel_{name}"] = str(job.root / "input" / "data" / name)
    for name, value in job.user.items():
        values[f"hp_{name}"] = value
    return {f"SM_{name.upper()}": _variable(value) for name, value in values.items()}


def _paths(root: PurePosixPath) -> dict[str, str]:
    return {
        "model_dir": str(root / "model"),
        "input_dir": str(root / "input"),
        "input_config_dir": str(root / "input" / "config"),
        "output_dir": str(root / "output"),
        "output_data_dir": str(root / "output" / "data"),
        "output_intermediate_dir": str(root / "output" / "intermediate"),
    }


def _training_env(job: Job, values: Mapping[str, Any]) -> dict[str, Any]:
    """All of it once more in one mapping, under the toolkit's names."""
    renamed = {"hps": "hyperparameters", "framework_params": "additional_framework_parameters"}
    left_out = ("user_args", "channels")
    whole = {
        renamed.get(name, name): value for name, value in values.items() if name not in left_out
    }
    hosts = list(values["hosts"])
    return {
        **whole,
        "channel_input_dirs": {
            name: str(job.root / "input" / "data" / name) for name in job.channels
        },
        "job_name": job.name,
        "is_master": bool(hosts) and values["current_host"] == hosts[0],
        "master_hostname": hosts[0] if hosts else "",
    }


def _is_own(name: str) -> bool:
    return name in _OWN or name.startswith(PREFIX)


def _module(program: str) -> str:
    return program[:-3] if program.endswith(".py") else program


def _argument(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={value[key]}" for key in sorted(value))
    return str(value)


def _variable(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
