"""Interpreters of this host by version: on the path, and where version managers keep theirs."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from engine.config import Config
from engine.environments.pins import Minor
from engine.errors import EnvironmentError_
from engine.steps.container import base_interpreter, interpreter_version

_VERSION = re.compile(r"\s*(\d+)\.(\d+)(\.\d+)?\s*")
_FOLDERS = (
    "{pyenv}/versions/{version}.*/bin/python{version}",
    "~/.local/share/uv/python/*-{version}.*/bin/python{version}",
    "~/.local/bin/python{version}",
    "/opt/python*/bin/python{version}",
    "/opt/*/bin/python{version}",
    "/usr/local/bin/python{version}",
)


def find_interpreter(wanted: str, config: Config) -> str:
    """An interpreter of this host with the minor version ``wanted``, such as ``3.11``.

    The one that environments are built on comes first, then those on ``PATH``.

    Errors: ``EnvironmentError_`` (``python-version-missing``) where there is none.
    """
    minor = read_minor(wanted)
    for candidate in _candidates(f"{minor[0]}.{minor[1]}", config):
        try:
            if interpreter_version(candidate) == minor:
                return candidate
        except EnvironmentError_:
            continue
    raise EnvironmentError_(
        f"there is no Python {minor[0]}.{minor[1]} on this host",
        code="python-version-missing",
        hint=f"Install Python {minor[0]}.{minor[1]} and put python{minor[0]}.{minor[1]} on PATH"
        " (pyenv and uv keep theirs where they are found too), or define the pipeline again with a"
        " Python that is here.",
    )


def read_minor(text: str) -> Minor:
    """``3.11`` or ``3.11.7`` as ``(3, 11)``.

    Errors: ``EnvironmentError_`` (``python-version-invalid``).
    """
    match = _VERSION.fullmatch(text)
    if match is None:
        raise EnvironmentError_(
            f"{text!r} is no version of Python",
            code="python-version-invalid",
            hint="Give it as major.minor, such as 3.11.",
        )
    return int(match[1]), int(match[2])


def _candidates(version: str, config: Config) -> Iterator[str]:
    yield base_interpreter(config)
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = os.environ.get("PYENV_ROOT") or "~/.pyenv"
    for pattern in _FOLDERS:
        path = os.path.expanduser(pattern.format(pyenv=pyenv, version=version))
        root, _, rest = path[1:].partition("/")
        yield from map(str, sorted(Path("/", root).glob(rest), reverse=True))
