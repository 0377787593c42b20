"""A definition out of a Python file: its ``get_pipeline`` runs in the user's own interpreter."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, DefinitionError

TIMEOUT_S = 50.0
"""The SageMaker SDK takes up to ten seconds to load; a start is answered within a minute."""
DEFAULT_PYTHON = "python3"
_PROGRAM = Path(__file__).with_name("programs") / "get_pipeline.py"
_OURS = str(Path(__file__).resolve().parents[2])


@dataclass(frozen=True, slots=True)
class MadePipeline:
    """What a ``get_pipeline`` made: the definition's text, and the pipeline's name where known."""

    text: str
    name: str = ""


def is_python(file: str) -> bool:
    """Whether a file is Python that makes a definition."""
    return file.endswith(".py")


def make_pipeline(file: str, python: str = "") -> MadePipeline:
    """Run a file's ``get_pipeline``, in its folder.

    Args:
        file: absolute.
        python: the interpreter, a path or a name on the PATH; empty for ``python3``.

    Errors: ``ConfigError`` (``python-not-found``); ``DefinitionError`` (``pipeline-not-made``)
    with the last line of the traceback, and where it points.
    """
    interpreter = shutil.which(os.path.expanduser(python or DEFAULT_PYTHON))
    if interpreter is None:
        raise ConfigError(
            f"there is no interpreter {python or DEFAULT_PYTHON} to run {file} with",
            code="python-not-found",
            hint="Name one with --python, or with run.python in the configuration.",
            file=file,
        )
    try:
        done = subprocess.run(
            [interpreter, str(_PROGRAM), file],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=Path(file).parent,
            env=_environment(),
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise _not_made(f"it took longer than {TIMEOUT_S:.0f} s", file) from None
    except OSError as problem:
        raise _not_made(f"{interpreter} does not run: {problem.strerror}", file) from problem
    return _made(done, file)


def _made(done: subprocess.CompletedProcess[bytes], file: str) -> MadePipeline:
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        why = f"the interpreter ended with exit code {done.returncode}"
        raise _not_made(f"{why}: {said}" if said else why, file) from None
    if "error" in answer:
        raise _not_made(answer["error"], answer["file"], answer["line"])
    return MadePipeline(answer["definition"], answer["name"])


def _not_made(why: str, file: str, line: int | None = None) -> DefinitionError:
    place = f"{file}:{line}" if line else file
    return DefinitionError(
        f"{place}: get_pipeline made no pipeline: {why}",
        code="pipeline-not-made",
        hint="It runs in the file's folder with the interpreter of --python or run.python.",
        file=file,
        line=line,
    )


def _environment() -> dict[str, str]:
    """This process's variables, without the path that a runner was given to find itself."""
    paths = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    kept = os.pathsep.join(one for one in paths if one != _OURS)
    rest = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return rest | ({"PYTHONPATH": kept} if kept else {})
