"""The two programs that can fill an environment: uv where it is found, else venv and pip.

An installer says which commands to run; ``build`` runs them.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

Command = tuple[str, ...]

# variables of the calling process that would lead an installer or its Python astray
_MISLEADING = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONNOUSERSITE",
    "VIRTUAL_ENV",
    "PIP_TARGET",
    "PIP_USER",
    "PIP_REQUIRE_VIRTUALENV",
    "UV_PROJECT_ENVIRONMENT",
)
# pip's settings under uv's names, so that a host configured for pip alone works with uv
_UV_NAMES = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}


class Installer(Protocol):
    """Makes an environment and installs requirements into it."""

    @property
    def name(self) -> str:
        """What the environment's record calls it."""
        ...

    def create(self, interpreter: str, folder: Path) -> Command:
        """The command that makes an empty environment, with pip, in ``folder``."""
        ...

    def install(self, python: Path, requirements: Path, *, offline: bool) -> Command:
        """The command that installs a requirements file and compiles it to bytecode."""
        ...

    def variables(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """The process environment to run both in."""
        ...


@dataclass(frozen=True, slots=True)
class Uv:
    """Astral's uv: shares one cache of unpacked wheels between environments."""

    command: Command
    name: str = "uv"

    def create(self, interpreter: str, folder: Path) -> Command:
        # scripts call "python -m pip install", which needs the seed packages
        options = ("--quiet", "--seed", "--no-python-downloads", "--python", interpreter)
        return (*self.command, "venv", *options, str(folder))

    def install(self, python: Path, requirements: Path, *, offline: bool) -> Command:
        return (
            *(*self.command, "pip", "install", "--compile-bytecode"),
            *("--python", str(python), "--requirements", str(requirements)),
            *(("--offline",) if offline else ()),
        )

    def variables(self, inherited: Mapping[str, str]) -> dict[str, str]:
        variables = _clean(inherited)
        for pip_name, uv_name in _UV_NAMES.items():
            if variables.get(pip_name):
                value = variables[pip_name]
                if pip_name == "PIP_FIND_LINKS":
                    value = ",".join(value.split())  # pip parts several places by blanks
                variables.setdefault(uv_name, value)
        return variables | {"UV_NO_PROGRESS": "1", "NO_COLOR": "1"}


@dataclass(frozen=True, slots=True)
class Pip:
    """The interpreter's own venv and pip."""

    name: str = "pip"

    def create(self, interpreter: str, folder: Path) -> Command:
        return (interpreter, "-m", "venv", str(folder))

    def install(self, python: Path, requirements: Path, *, offline: bool) -> Command:
        return (
            *(str(python), "-m", "pip", "install", "--compile", "--no-input"),
            *("--progress-bar", "off", "--requirement", str(requirements)),
            *(("--no-index",) if offline else ()),
        )

    def variables(self, inherited: Mapping[str, str]) -> dict[str, str]:
        return _clean(inherited) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "NO_COLOR": "1"}


def find_installer() -> Installer:
    """uv on ``PATH`` or importable here, else pip."""
    program = shutil.which("uv")
    if program:
        return Uv((program,))
    if find_spec("uv") is not None:
        return Uv((sys.executable, "-m", "uv"))
    return Pip()


def _clean(inherited: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in inherited.items() if name not in _MISLEADING}
