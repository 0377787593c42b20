"""An environment of a job's own over one that is shared: what the job installs stays with it.

Jobs that run ``pip install`` themselves (drivers of the SDK, entry scripts, notebook cells) would
otherwise change the environment of every other job. An overlay sees all packages below it and costs
a few files, not a build: pip removes nothing of the environment below, which is not its own.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

FOLDER = "environment"
"""Of a host of an attempt: its overlay."""
_COMPLETE = "pyvenv.cfg"
_PROGRAM = """#!/bin/sh
case "${{0##*/}}" in
pip | pip[0-9]*) exec {python} -m pip "$@" ;;
*) exec {python} {below}/"${{0##*/}}" "$@" ;;
esac
"""
"""Every program of an overlay but Python: its name says what to run with the overlay's Python."""
_HEAD = 512
"""Bytes of a program in which the name of its interpreter stands."""


def lay_over(environment: Path, folder: Path) -> Path:
    """Make an environment in ``folder`` over a built one; returns its ``bin``.

    One that is there already, from an earlier runner, is used again.

    Args:
        environment: folder of an environment that was built here, a venv.
    """
    programs = folder / "bin"
    if (folder / _COMPLETE).exists():
        return programs
    below = next(environment.glob("lib/python*/site-packages"))
    packages = folder / below.relative_to(environment)
    packages.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Not a plain line: path files in the environment below are to be read as well.
    line = f"import site; site.addsitedir({str(below)!r})\n"
    (packages / "below.pth").write_text(line, encoding="utf-8")
    # One that was cut short is laid anew.
    shutil.rmtree(programs, ignore_errors=True)
    programs.mkdir(mode=0o700)
    python, program = programs / "python", programs / "pip"
    python.symlink_to(environment / "bin" / "python")
    program.write_text(
        _PROGRAM.format(
            python=shlex.quote(str(python)), below=shlex.quote(str(environment / "bin"))
        ),
        encoding="utf-8",
    )
    program.chmod(0o700)
    version = below.parent.name.removeprefix("python")
    for name in ("python3", f"python{version}"):
        os.link(python, programs / name, follow_symlinks=False)
    for name in {"pip3", f"pip{version}", *_scripts(environment / "bin")} - {"pip"}:
        os.link(program, programs / name)
    # Written last: with it, Python takes the folder for its prefix.
    shutil.copyfile(environment / _COMPLETE, folder / _COMPLETE)
    return programs


def lay_beside(overlay: Path, folder: Path) -> Path:
    """Make another overlay over the environment that ``overlay`` lies over; returns its ``bin``."""
    return lay_over(Path(os.readlink(overlay / "bin" / "python")).parent.parent, folder)


def _scripts(folder: Path) -> Iterator[str]:
    """The programs of an environment that its Python runs: they would not see the overlay."""
    python = str(folder / "python").encode()
    for entry in os.scandir(folder):
        if not entry.is_symlink() and entry.is_file():
            with open(entry.path, "rb") as file:
                head = file.read(_HEAD)
            if head.startswith(b"#!") and python in head:
                yield entry.name
