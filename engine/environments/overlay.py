"""An environment of a job's own over one that is shared: what the job installs stays with it.

Jobs that run ``pip install`` themselves (pre-execution scripts, notebook cells) would otherwise
change the environment of every other job. An overlay sees all packages below it and costs a few
files, not a build.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

_COMPLETE = "pyvenv.cfg"
_PIP = '#!/bin/sh\nexec {python} -m pip "$@"\n'


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
    programs.mkdir(mode=0o700, exist_ok=True)
    for name in ("python", "python3", below.parent.name):
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(environment / "bin" / "python")
    python = shlex.quote(str(programs / "python"))
    for name in ("pip", "pip3"):
        (programs / name).write_text(_PIP.format(python=python), encoding="utf-8")
        (programs / name).chmod(0o700)
    # Written last: with it, Python takes the folder for its prefix.
    shutil.copyfile(environment / _COMPLETE, folder / _COMPLETE)
    return programs
