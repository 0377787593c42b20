"""Runs the notebook of a job with nbclient; its output notebook is kept whatever happens.

Follows the environment variables of SageMaker's notebook jobs: ``SM_INPUT_NOTEBOOK_NAME``,
``SM_OUTPUT_NOTEBOOK_NAME``, ``SM_EXECUTION_INPUT_PATH``, ``SM_INIT_SCRIPT``. ``SM_KERNEL_NAME``
names a kernel of the image; the kernel here is this environment's own Python, or what
``PIPETUI_KERNEL`` names where it is another language's.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbclient  # type: ignore[import-not-found,unused-ignore]
import nbformat  # type: ignore[import-not-found,unused-ignore]
from jupyter_client.kernelspec import (  # type: ignore[import-not-found,unused-ignore]
    KernelSpecManager,
    NoSuchKernel,
)
from nbclient.exceptions import (  # type: ignore[import-not-found,unused-ignore]
    CellExecutionError,
    DeadKernelError,
)

from ..job import Tree
from .parameters import ParameterError, inject

_CHANNEL = "sagemaker_headless_execution_pipelinestep"
_KERNEL = "python3"


class NotebookError(Exception):
    """Why a notebook job failed, for its failure file."""


def main(tree: Tree) -> int:
    """Run the notebook of a job; returns its exit code."""
    try:
        _run(tree)
    except (NotebookError, ParameterError) as error:
        print(error, file=sys.stderr, flush=True)
        tree.write_failure(str(error))
        return 1
    return 0


def _run(tree: Tree) -> None:
    folder = Path(os.environ.get("SM_EXECUTION_INPUT_PATH") or tree.channel(_CHANNEL))
    name = os.environ["SM_INPUT_NOTEBOOK_NAME"]
    target = tree.output_data / (os.environ.get("SM_OUTPUT_NOTEBOOK_NAME") or name)
    try:
        notebook = nbformat.read(str(folder / name), as_version=4)
    except (OSError, ValueError, nbformat.reader.NotJSONError) as error:
        raise NotebookError(f"{name} cannot be read: {error}") from error
    given = tree.read_config("notebookparameters.json")
    _private_folders(tree)
    _init(folder, os.environ.get("SM_INIT_SCRIPT", ""))
    kernel = os.environ.get("PIPETUI_KERNEL", _KERNEL)
    cells = inject(list(notebook.cells), given, _language(kernel))
    notebook.cells = [nbformat.from_dict(cell) for cell in cells]
    # Newer notebooks want an id for each cell, older ones may not have any.
    _, notebook = nbformat.validator.normalize(notebook)
    try:
        _execute(notebook, folder, kernel)
    finally:
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, str(target))
        print(f"The executed notebook is {target}", flush=True)


def _private_folders(tree: Tree) -> None:
    """Keep what kernels write about themselves with this job, apart from others."""
    for variable, name in (("IPYTHONDIR", "ipython"), ("JUPYTER_RUNTIME_DIR", "runtime")):
        folder = tree.root / "jupyter" / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ[variable] = str(folder)


def _init(folder: Path, script: str) -> None:
    if not script:
        return
    print(f"Running {script}", flush=True)
    done = subprocess.run(["/bin/bash", "-e", script], cwd=str(folder), check=False)
    if done.returncode:
        raise NotebookError(f"the initialization script {script} failed ({done.returncode})")


def _language(kernel: str) -> str:
    """The language of a kernel that this environment has.

    Packages that leave it to their user to install the kernel are called ``<kernel>_kernel``.
    """
    # An overlay has folders of its own; kernels lie where the packages below it are.
    below = Path(nbclient.__file__).parents[4] / "share" / "jupyter"
    os.environ["JUPYTER_PATH"] = str(below)
    manager = KernelSpecManager()
    package = f"{kernel}_kernel"
    if kernel not in manager.find_kernel_specs() and importlib.util.find_spec(package):
        subprocess.run([sys.executable, "-m", f"{package}.install", "--sys-prefix"], check=False)
    try:
        return str(manager.get_kernel_spec(kernel).language).lower()
    except NoSuchKernel:
        known = ", ".join(sorted(manager.find_kernel_specs()))
        raise NotebookError(
            f"this environment has no kernel {kernel}, only {known}: add the package that brings it"
            " to the requirements under [images]"
        ) from None


class _Client(nbclient.NotebookClient):  # type: ignore[misc,unused-ignore]
    """Runs cells, and shows outputs in the job's log as they come."""

    def output(self, outs: Any, msg: Any, display_id: Any, cell_index: Any) -> Any:
        found = super().output(outs, msg, display_id, cell_index)
        if found is not None:
            _say(found)
        return found


def _execute(notebook: Any, folder: Path, kernel: str) -> None:
    count = len(notebook.cells)
    running = 0

    def start(cell: Any, cell_index: int) -> None:
        nonlocal running
        running = cell_index + 1
        print(f"[cell {running} of {count}]", flush=True)

    client = _Client(
        notebook,
        timeout=None,
        kernel_name=kernel,
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=start,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        print(error, file=sys.stderr, flush=True)
        where = f"cell {running} of {count}"
        raise NotebookError(f"{error.ename}: {error.evalue} ({where})") from error
    except DeadKernelError as error:
        raise NotebookError(f"the kernel died in cell {running} of {count}") from error


def _say(output: Any) -> None:
    kind = output.get("output_type")
    if kind == "stream":
        print(output.text, end="", flush=True)
    elif kind in ("execute_result", "display_data"):
        print(output.data.get("text/plain", ""), flush=True)
