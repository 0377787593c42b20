"""The code and the inputs that a step's attempt was given, as they still lie in its folder.

Jobs get copies of their inputs, so that an attempt's folder holds what it really read, whatever
became of the S3 objects since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.comparison.executions import FilesDifference
from engine.model.views import StepView
from engine.sources.folders import compare_folders

_CODE = frozenset(
    {"code", "sm_drivers", "sagemaker_remote_function_bootstrap", "sm_rf_user_ws", "entrypoint"}
)


def compare_snapshots(before: StepView, now: StepView) -> list[FilesDifference]:
    """How code and inputs of two runs of a step differ; those that both have, or one.

    Reads the attempts' folders; call it in a thread.
    """
    old, new = dict(_folders(before)), dict(_folders(now))
    found = []
    for role, name in {**old, **new}:
        was, is_ = old.get((role, name)), new.get((role, name))
        if was is not None and is_ is not None:
            found.append(compare_folders(role, name, was, is_))
    return found


def _folders(step: StepView) -> Iterator[tuple[tuple[str, str], Path]]:
    """Role and name of each input, and the folder that holds its copy."""
    root = ml_folder(step)
    if root is None:
        return
    arguments = step.arguments if isinstance(step.arguments, Mapping) else {}
    for entry in _entries(arguments, "ProcessingInputs"):
        inside = str((entry.get("S3Input") or {}).get("LocalPath") or "")
        if inside.startswith("/opt/ml/"):
            yield _named(str(entry.get("InputName", ""))), root / inside.removeprefix("/opt/ml/")
    for entry in _entries(arguments, "InputDataConfig"):
        name = str(entry.get("ChannelName", ""))
        yield _named(name), root / "input" / "data" / name
    if (root / "code").is_dir():
        yield ("code", ""), root / "code"


def ml_folder(step: StepView) -> Path | None:
    """What the job of a step saw as ``/opt/ml``; None where it has not started."""
    if not step.directory:
        return None
    top = Path(step.directory)
    return top / "ml" if (top / "ml").is_dir() else top / "algo-1" / "ml"


def kept(step: StepView, role: str, name: str) -> Path | None:
    """The copy of an artifact in the folder of a step's attempt; None where there is none."""
    folders = {key: path for key, path in (*_folders(step), *_outputs(step))}
    for kind in ("code", "input") if role == "input" else (role,):
        if (found := folders.get((kind, name))) is not None and found.is_dir():
            return found
    return None


def _outputs(step: StepView) -> Iterator[tuple[tuple[str, str], Path]]:
    root = ml_folder(step)
    arguments = step.arguments if isinstance(step.arguments, Mapping) else {}
    configuration = arguments.get("ProcessingOutputConfig")
    for entry in _entries(configuration if isinstance(configuration, Mapping) else {}, "Outputs"):
        inside = str((entry.get("S3Output") or {}).get("LocalPath") or "")
        if root is not None and inside.startswith("/opt/ml/"):
            name = str(entry.get("OutputName", ""))
            yield ("output", name), root / inside.removeprefix("/opt/ml/")


def _named(name: str) -> tuple[str, str]:
    return ("code" if name.lower() in _CODE else "input", name)


def _entries(arguments: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = arguments.get(key)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
