"""Stands in for the SDK's ``mpi_utils_remote``, and for ``mpirun`` in the driver of a function.

The driver is a shell script: it runs ``mpi_utils_remote.py`` on each host before and after the
function, and ``mpirun`` on the first. Both are this file, with ``mpi_utils`` beside it:
``python mpi_utils_remote.py [--job_ended 1]`` and ``python mpi_utils_remote.py mpirun WORD ...``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import NamedTuple, Sequence

if __package__:
    from . import mpi_utils
else:  # in the channel of a function
    import mpi_utils  # type: ignore[import-not-found, no-redef]

_PASSED = ("PATH", "LD_LIBRARY_PATH")
"""Variables that a host here has of its own: each has a Python of its own, first on its PATH."""
_OURS = ("allow-run-as-root", "tag-output")
_WORDS = {"mca": 2, "x": 1}
"""Options, and how many words follow them; none follows any other."""


class Started(NamedTuple):
    """What a driver asks ``mpirun`` for; ``each`` is the processes of a host."""

    hosts: list[str]
    each: int
    options: list[str]
    program: list[str]


def started_by(words: Sequence[str]) -> Started:
    """What the words after ``mpirun`` ask for: ``--host A:N,B:N -np N``, options, a program.

    The SDK's driver gives ``-np`` the processes of one host, which would leave the others idle.
    """
    rest, options = list(words), []
    given = {"host": "", "np": ""}
    while rest and rest[0].startswith("-"):
        name = rest[0].lstrip("-")
        count = 1 if name in given else _WORDS.get(name, 0)
        following = rest[1 : 1 + count]
        if name in given:
            given[name] = following[0]
        elif name not in _OURS and not (name == "x" and following[0] in _PASSED):
            options += rest[: 1 + count]
        del rest[: 1 + count]
    hosts = given["host"].split(",")
    each = int(hosts[0].partition(":")[2] or "1")
    names = [host.partition(":")[0] for host in hosts]
    return Started(names, each, options, rest)


def mpirun(words: Sequence[str]) -> int:
    """Start the program on the hosts of the job; returns its exit code."""
    own = os.environ[mpi_utils.PEERS]
    folders = os.environ["PATH"].split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join(one for one in folders if one != own)
    mpi_utils.write_env_vars_to_file()
    hosts, each, options, program = started_by(words)
    command = mpi_utils.mpirun_command(hosts, each, options, program)
    print("INFO:", *command, flush=True)
    return subprocess.call(command)


def main(words: Sequence[str]) -> int:
    """Take part as a host before the function is called, or let the others go after it."""
    if words[:1] == ["mpirun"]:
        return mpirun(words[1:])
    master = os.environ["SM_MASTER_ADDR"]
    workers = [host for host in json.loads(os.environ["SM_HOSTS"]) if host != master]
    if "--job_ended" in words and "0" not in words:
        mpi_utils.write_status_file_to_workers(workers)
    elif os.environ["SM_CURRENT_HOST"] == master:
        mpi_utils.bootstrap_master_node(workers)
    else:
        mpi_utils.write_env_vars_to_file()
        mpi_utils.bootstrap_worker_node(master)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
