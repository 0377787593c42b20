"""Runs the script: code in place, variables set, a child process, and its reason if it fails.

``sagemaker_submit_directory`` is a path on this host by the time this runs, and what the code's
``requirements.txt`` asks for is installed already.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import threading
import traceback
from collections import deque
from pathlib import Path, PurePosixPath
from typing import IO, Sequence

from ..job import Tree
from . import cluster
from .code import CodeError, place
from .contract import Job, Machine, arguments, variables

_TAIL_LINES = 60
_FAILURE_CODE = 1


def main(tree: Tree) -> int:
    """Run the script of a job; returns its exit code."""
    try:
        return _run(tree)
    except CodeError as error:
        reason = f"Framework Error: \n{error}"
    except Exception as error:
        reason = f"Framework Error: \n{error}\n{traceback.format_exc()}"
    print(reason, file=sys.stderr, flush=True)
    tree.write_failure(reason)
    return _FAILURE_CODE


def _run(tree: Tree) -> int:
    job = Job(
        PurePosixPath(str(tree.root)),
        tree.read_config("hyperparameters.json"),
        tree.read_config("inputdataconfig.json"),
        tree.read_config("resourceconfig.json"),
        os.environ.get("TRAINING_JOB_NAME", ""),
    )
    if not job.program:
        raise CodeError("The hyperparameters name no script (sagemaker_program)")
    place(Path(str(job.own.get("sagemaker_submit_directory") or tree.code)), tree.code)
    if not (tree.code / job.program).is_file():
        raise CodeError(f"There is no {job.program} in the code of the job")
    for folder in (tree.model, tree.output_data):
        folder.mkdir(parents=True, exist_ok=True)
    command = _command(tree.code, job.program, arguments(job.user))
    machine = Machine(os.cpu_count() or 1, _gpus())
    # What a launcher starts on this host later has them too.
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    os.environ.update(variables(job, machine))
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(tree.code), *filter(None, [os.environ.get("PYTHONPATH")])]
    )

    def execute(command: Sequence[str]) -> tuple[int, str]:
        print("Invoking script with the following command:\n", flush=True)
        print(" ".join(shlex.quote(word) for word in command), "\n", flush=True)
        code, said = _execute(command, tree.code)
        if code:
            shown = " ".join(command)
            tree.write_failure(
                f"ExecuteUserScriptError:\nExitCode {code}\n"
                f'ErrorMessage "{said}"\nCommand "{shown}"'
            )
        return code, said

    code, _ = cluster.run(job.own, job.resources, machine.gpus, command, execute)
    return code


def _command(folder: Path, program: str, words: Sequence[str]) -> list[str]:
    """A script by its kind: shell, package with a ``setup.py``, Python, anything executable."""
    if program.endswith(".sh"):
        return ["/bin/sh", program, *words]
    if (folder / "setup.py").exists() and "/" not in program:
        return [sys.executable, "-m", program[:-3] if program.endswith(".py") else program, *words]
    if program.endswith(".py"):
        return [sys.executable, program, *words]
    return [f"./{program}", *words]


def _execute(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run a child to its end; its exit code, and the last of its stderr from its traceback on."""
    child = subprocess.Popen(command, cwd=str(folder), stderr=subprocess.PIPE)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    tail: deque[bytes] = deque(maxlen=_TAIL_LINES)
    assert child.stderr is not None
    pump = threading.Thread(target=_pass_on, args=(child.stderr, tail), daemon=True)
    pump.start()
    code = child.wait()
    # a grandchild may hold the pipe open; what it says later no longer matters
    pump.join(timeout=2.0)
    # a death by signal, as a shell reports it
    return (128 - code if code < 0 else code), _reason(b"".join(tail).decode("utf-8", "replace"))


def _pass_on(stream: IO[bytes], tail: deque[bytes]) -> None:
    out = sys.stderr.buffer
    for line in iter(stream.readline, b""):
        out.write(line)
        out.flush()
        tail.append(line)


def _reason(text: str) -> str:
    """The text from its last traceback on, the error's own line first."""
    start = text.rfind("Traceback (most recent call last)")
    if start < 0:
        return text.strip()
    trace = text[start:].strip()
    last = trace.splitlines()[-1]
    return f"{last}\n{trace}"


def _gpus() -> int:
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--list-gpus"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return 0
    return sum(line.startswith(b"GPU ") for line in listed.stdout.splitlines())
