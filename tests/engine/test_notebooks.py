"""Notebook jobs: real kernels, in an environment that is built once a machine."""

from __future__ import annotations

import asyncio
import json
import tarfile
from collections.abc import Sequence
from typing import Any

import pytest

from engine.model.commands import StopExecution
from engine.model.status import StepStatus
from engine.model.views import StepView
from engine.storage.preview import preview_member
from tests.engine.embedded import Embedded, definition
from tests.engine.test_training import run, run_well, training
from tests.environments import shared_environments
from tests.shared import DEFINITIONS, needs_shared

pytestmark = [pytest.mark.environments, pytest.mark.network]

CHANNEL = "sagemaker_headless_execution_pipelinestep"
INPUT = "s3://bucket/nb/input"


@pytest.fixture
def embedded(embedded: Embedded) -> Embedded:
    shared_environments(embedded.home)
    return embedded


def cell(source: str, *tags: str, kind: str = "code") -> dict[str, Any]:
    """A cell of a notebook."""
    made: dict[str, Any] = {"cell_type": kind, "metadata": {"tags": list(tags)}, "source": source}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def notebook(*cells: dict[str, Any], minor: int = 4) -> str:
    """The text of a notebook."""
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": minor})


def job(
    embedded: Embedded, cells: Sequence[dict[str, Any]], parameters: Any = (), **variables: str
) -> dict[str, Any]:
    """A notebook job as the SDK writes it."""
    embedded.put(f"{INPUT}/nb.ipynb", notebook(*cells))
    environment = {
        "SM_JOB_DEF_VERSION": "1.0",
        "SM_EXECUTION_INPUT_PATH": f"/opt/ml/input/data/{CHANNEL}",
        "SM_KERNEL_NAME": "python3",
        "SM_INPUT_NOTEBOOK_NAME": "nb.ipynb",
        "SM_OUTPUT_NOTEBOOK_NAME": "nb-done.ipynb",
        **variables,
    }
    return training("NB", channels={CHANNEL: INPUT}, hyperparameters=dict(parameters),
                    algorithm={"ContainerEntrypoint": ["amazon_sagemaker_scheduler"]},
                    arguments={"Environment": environment})  # fmt: skip


def executed(embedded: Embedded, view: StepView) -> str:
    """The executed notebook, as a person reads it."""
    folder = embedded.home.s3 / "bucket/models" / view.properties["TrainingJobName"]
    archive = folder / "output" / "output.tar.gz"
    with tarfile.open(archive) as packed:
        assert packed.getnames() == ["nb-done.ipynb"]
    return "\n".join(preview_member(archive, "nb-done.ipynb").lines)


async def test_parameters_keep_their_types_and_override_the_defaults(embedded: Embedded) -> None:
    cells = [
        cell("rounds, name, share, deep = 0, '', 0, None", "parameters"),
        cell("print([rounds, name, share, deep])"),
    ]
    parameters = {"rounds": 3, "name": "3", "share": 0.5, "deep": {"Get": "Parameters.Deep"}}
    deep = {"Name": "Deep", "Type": "Boolean", "DefaultValue": True}
    state = await embedded.run(definition(job(embedded, cells, parameters), parameters=[deep]))
    view = state.steps["NB"]
    assert view.status is StepStatus.SUCCEEDED, (view.failure_reason, embedded.log(view))
    assert "[3, '3', 0.5, True]" in embedded.log(view)
    assert "[3, '3', 0.5, True]" in executed(embedded, view)


@pytest.mark.parametrize("minor", [0, 4, 5])
async def test_the_executed_notebook_is_valid_in_each_minor_format(
    embedded: Embedded, minor: int
) -> None:
    step = job(embedded, [cell("print(a)")], {"a": 1})
    embedded.put(f"{INPUT}/nb.ipynb", notebook(cell("print(a)"), minor=minor))
    view = await run_well(embedded, step)
    assert "invalid" not in embedded.log(view).lower()


async def test_a_notebook_finds_its_variables_its_files_and_what_its_script_installed(
    embedded: Embedded,
) -> None:
    # The script makes a package and installs it: without an index, into the job's own environment.
    script = """
mkdir -p made && printf 'VALUE = 7\\n' > made/fresh.py
site=$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp made/fresh.py "$site/" && pip --version
"""
    embedded.put(f"{INPUT}/init.sh", script)
    embedded.put(f"{INPUT}/data/a.csv", "from the file")
    cells = [
        cell("import os, sys, fresh"),
        cell("print(fresh.VALUE, os.environ['E'], open('data/a.csv').read(), sys.prefix)"),
    ]
    step = job(embedded, cells, SM_INIT_SCRIPT="init.sh", E="its variable")
    view = await run_well(embedded, step)
    prefix = f"{view.directory}/environment"
    assert f"7 its variable from the file {prefix}" in embedded.log(view)


async def test_a_cell_that_raises_fails_the_step_and_the_notebook_is_kept(
    embedded: Embedded,
) -> None:
    cells = [cell("print('before')"), cell("raise KeyError('gone')"), cell("print('after')")]
    view = await run(embedded, job(embedded, cells))
    assert view.status is StepStatus.FAILED
    assert "KeyError: 'gone' (cell 2 of 3)" in view.failure_reason
    kept = executed(embedded, view)
    assert "before" in kept
    assert "KeyError" in kept


async def test_a_stopped_notebook_is_kept_as_far_as_it_came(embedded: Embedded) -> None:
    waits = cell("import threading; print('waiting'); threading.Event().wait()")
    step = job(embedded, [cell("print('first')"), waits])
    execution_id = await embedded.create(definition(step))
    running = asyncio.create_task(embedded.go_on(execution_id))
    log = embedded.home.attempt(execution_id, "NB", 1) / "job.log"
    while "waiting" not in (log.read_text() if log.exists() else ""):
        await embedded.events(execution_id)
    await embedded.send(execution_id, StopExecution("enough"))
    view = (await running).steps["NB"]
    assert view.status is StepStatus.STOPPED
    assert "first" in executed(embedded, view)


async def test_a_kernel_that_dies_is_the_failure_reason(embedded: Embedded) -> None:
    view = await run(embedded, job(embedded, [cell("import os; os._exit(3)")]))
    assert view.status is StepStatus.FAILED
    assert "the kernel died in cell 1 of 1" in view.failure_reason


async def test_an_initialization_script_that_fails_is_the_failure_reason(
    embedded: Embedded,
) -> None:
    embedded.put(f"{INPUT}/init.sh", "exit 4")
    view = await run(embedded, job(embedded, [cell("1")], SM_INIT_SCRIPT="init.sh"))
    assert view.status is StepStatus.FAILED
    assert "initialization script init.sh failed (4)" in view.failure_reason


async def test_a_bash_notebook_runs_in_bash_with_its_parameters(embedded: Embedded) -> None:
    step = job(embedded, [cell('echo "$name in ${BASH##*/}"')], {"name": "it's"},
               SM_KERNEL_NAME="bash")  # fmt: skip
    view = await run_well(embedded, step)
    assert "it's in bash" in embedded.log(view)
    assert "it's in bash" in executed(embedded, view)


async def test_a_kernel_that_the_environment_lacks_is_named_with_those_it_has(
    embedded: Embedded,
) -> None:
    config = '[images]\n"*" = { requirements = ["iniconfig==2.0.0"] }\n'
    (embedded.folder / "pipetui.toml").write_text(config, encoding="utf-8")
    view = await run(embedded, job(embedded, [cell("1")], SM_KERNEL_NAME="ir"))
    assert "no kernel ir, only python3: add the package" in view.failure_reason


@needs_shared
async def test_the_steps_that_the_sdk_wrote_run_one_after_the_other(embedded: Embedded) -> None:
    document = json.loads((DEFINITIONS / "v2-notebook-job.json").read_text(encoding="utf-8"))
    for step in document["Steps"]:
        source = step["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
        names = ", ".join(step["Arguments"]["HyperParameters"])
        embedded.put(f"{source['S3Uri']}/nb.ipynb", notebook(cell(f"print('got', {names})")))
    state = await embedded.run(document)
    first, second = state.steps["NB1"], state.steps["NB2"]
    assert second.status is StepStatus.SUCCEEDED, (first.failure_reason, second.failure_reason)
    assert f"got {first.properties['TrainingJobName']}" in embedded.log(second)
