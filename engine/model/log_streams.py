"""Where CloudWatch has the log of a job: group and stream (pure; reference, section 3.9)."""

from __future__ import annotations

ROOT = "/aws/sagemaker"
_KINDS = {
    "AutoML": "AutoML",
    "ClarifyCheck": "Processing",
    "Processing": "Processing",
    "QualityCheck": "Processing",
    "Training": "Training",
    "Transform": "Transform",
    # The jobs that a tuning job makes are training jobs.
    "Tuning": "Training",
}
KNOWN_GROUPS = frozenset(f"{ROOT}/{kind}Jobs" for kind in _KINDS.values())
"""The groups whose names hold no name of the user's."""


def log_group(step_type: str, name: str = "") -> str:
    """The group of the jobs of a step; empty where CloudWatch has none, as for EMR.

    Args:
        step_type: the type in a definition, such as ``Training``.
        name: JobCategory of a Job, the endpoint's name of an Endpoint.
    """
    if step_type == "Job":
        return f"{ROOT}/Job/{name}"
    if step_type == "Endpoint":
        return f"{ROOT}/Endpoints/{name}"
    kind = _KINDS.get(step_type)
    return f"{ROOT}/{kind}Jobs" if kind else ""


def log_stream(step_type: str, job: str, host: int, epoch: float) -> str:
    """The stream of one host of a job.

    Args:
        job: its name; the variant's of an Endpoint.
        host: from 0.
        epoch: when it started, in seconds since the epoch.
    """
    if step_type == "Endpoint":
        return f"{job}/{instance_id(host)}"
    first = instance_id(host) if step_type == "Transform" else f"algo-{host + 1}"
    return f"{job}/{first}-{int(epoch)}"


def instance_id(host: int) -> str:
    """An instance id in the form of EC2's that says that it is none."""
    return f"i-local{host + 1}"
