"""What a job installs into its environment is its own, and gone with it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine.model.status import StepStatus
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.test_training import training
from tests.environments import shared_environments

pytestmark = pytest.mark.environments

IMAGE = "local/installs:1"
PROVES = """
pip install --no-index --quiet {wheel} || exit 1
python -c 'import gadget; print(gadget.VALUE)'
tell-gadget
python3 -m pip uninstall --yes --quiet gadget && ! python -c 'import gadget' 2> /dev/null
pip install --no-index --quiet {wheel}
"""


def write_wheel(folder: Path) -> Path:
    """A package with a module and a program, as pip takes it."""
    wheel = folder / "gadget-1.0-py3-none-any.whl"
    about = "gadget-1.0.dist-info"
    files = {
        "gadget.py": "VALUE = 'installed'\ndef tell():\n    print('told')\n",
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: gadget\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "[console_scripts]\ntell-gadget = gadget:tell\n",
    }
    record = "".join(f"{name},,\n" for name in (*files, f"{about}/RECORD"))
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in (files | {f"{about}/RECORD": record}).items():
            archive.writestr(name, text)
    return wheel


def listing(folder: Path) -> dict[str, str]:
    """All files of an environment with what is in them."""
    return {
        str(file.relative_to(folder)): os.readlink(file)
        if file.is_symlink()
        else hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_symlink() or file.is_file()
    }


def step(kind: str, script: str) -> dict[str, Any]:
    """A step of a kind that runs a script on the image."""
    if kind == "Training":
        return training("Work", script, image=IMAGE)
    made = processing("Work", script)
    made["Arguments"]["AppSpecification"]["ImageUri"] = IMAGE
    return made


@pytest.mark.parametrize("kind", ["Processing", "Training"])
async def test_hosts_that_install_at_once_have_an_environment_each(
    embedded: Embedded, kind: str
) -> None:
    shared_environments(embedded.home)
    embedded.home.config.write_text(
        '[images]\n"local/installs*" = { requirements = ["iniconfig==2.0.0"] }\n',
        encoding="utf-8",
    )
    script = PROVES.format(wheel=write_wheel(embedded.folder)) + "python -c 'import sys; "
    made = step(kind, script + 'print("prefix", sys.prefix)\'')
    arguments = made["Arguments"]
    given = arguments.setdefault("ResourceConfig", {})
    if kind == "Processing":
        del arguments["ResourceConfig"]
        given = arguments["ProcessingResources"]["ClusterConfig"]
    given["InstanceCount"] = 3
    state = await embedded.run(definition(made))
    view = state.steps["Work"]
    assert view.status is StepStatus.SUCCEEDED, (view.failure_reason, embedded.log(view))
    folders = [view.directory, f"{view.directory}/algo-2", f"{view.directory}/algo-3"]
    for folder in folders:
        log = await asyncio.to_thread(Path(folder, "job.log").read_text, "utf-8")
        assert f"prefix {folder}/environment" in log


@pytest.mark.parametrize("runner", ["namespace", "rewrite"])
@pytest.mark.parametrize("kind", ["Processing", "Training"])
async def test_what_a_job_installs_stays_out_of_the_shared_environment(
    embedded: Embedded, kind: str, runner: str
) -> None:
    root = shared_environments(embedded.home)
    embedded.home.config.write_text(
        f'[jobs]\nrunner = "{runner}"\n'
        '[images]\n"local/installs*" = { requirements = ["iniconfig==2.0.0"] }\n'
    )
    wheel = write_wheel(embedded.folder)
    quiet = await embedded.run(definition(step(kind, "python -m pip --version")))
    environment = root / Path(quiet.steps["Work"].environment["Python"]).parent.parent.name
    before = listing(environment)
    state = await embedded.run(definition(step(kind, PROVES.format(wheel=wheel))))
    view = state.steps["Work"]
    assert view.status is StepStatus.SUCCEEDED, embedded.log(view)
    assert embedded.log(view) == "installed\ntold\n"
    assert listing(environment) == before
    assert not any("gadget" in name for name in before)
    after = await embedded.run(definition(step(kind, "! python -c 'import gadget' 2> /dev/null")))
    assert after.steps["Work"].status is StepStatus.SUCCEEDED
