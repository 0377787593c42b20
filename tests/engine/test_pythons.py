"""PipeTUI installs and runs a pipeline on every Python of this host that it supports."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HELLO = ROOT / "sample_pipelines" / "hello" / "pipeline.json"
SUPPORTED = ("3.11", "3.12", "3.13")


def interpreters() -> list[str]:
    """One interpreter per supported version: on the path, or among pyenv's."""
    found = {}
    for version in SUPPORTED:
        path = shutil.which(f"python{version}")
        # A pyenv shim is there for versions that are not chosen, and fails.
        if path and subprocess.run([path, "-c", ""], capture_output=True).returncode == 0:
            found[version] = path
    for folder in sorted(Path("~/.pyenv/versions").expanduser().glob("3.*")):
        version = re.match(r"\d+\.\d+", folder.name)
        python = folder / "bin" / "python3"
        if version and version[0] in SUPPORTED and python.exists():
            found.setdefault(version[0], str(python))
    return sorted(found.values())


@pytest.mark.pythons
@pytest.mark.parametrize("python", interpreters())
def test_installs_and_runs_the_smallest_sample(python: str, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([python, "-m", "venv", str(venv)], check=True, env=environment)
    subprocess.run(
        [str(venv / "bin" / "python"), "-m", "pip", "install", "--quiet", "-c",
         str(ROOT / "constraints.txt"), str(ROOT)],
        check=True, env=environment,
    )  # fmt: skip
    done = subprocess.run(
        [str(venv / "bin" / "pipetui"), "--home", str(tmp_path / "home"), "run", str(HELLO),
         "--headless"],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
