"""Stands in for the SDK's ``mpi_utils`` on hosts that are folders of one machine.

The SDK's own ``mpi_driver.py`` imports it: the functions have its names, arguments and roles. What
they do there (an ssh daemon on port 22, ``/etc/environment``, files in ``/tmp``) would be done to
the machine itself. Here each worker listens on the loopback and runs the commands that
``mpirun`` sends to its host by way of this file, which is its remote shell as well:
``python mpi_utils.py HOST COMMAND ...``.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Sequence

LOOPBACK = "127.0.0.1"
PEERS = "PIPETUI_PEERS"
"""Names the folder that all hosts of the job see."""
NETWORK = {"MPIR_CVAR_CH4_NETMOD": "ofi", "FI_PROVIDER": "tcp", "FI_TCP_IFACE": "lo"}
"""MPICH's other library, UCX, does not take the loopback for a way to another host."""
PATIENCE_S = 300.0
_UNKNOWN = {
    "mca": 2,
    "bind-to": 1,
    "map-by": 1,
    "rank-by": 1,
    "allow-run-as-root": 0,
    "display-map": 0,
    "oversubscribe": 0,
    "report-bindings": 0,
    "tag-output": 0,
}
"""Options of Open MPI that MPICH lacks, or takes other words for, and how many words follow."""


def start_sshd_daemon() -> None:
    """Nothing: the workers of this machine listen themselves."""


def write_env_vars_to_file() -> None:
    """Nothing is written: commands that a worker runs have the worker's environment.

    mpi4py looks for the library beside its own Python, which may be another than mpirun's.
    """
    for name, value in NETWORK.items():
        os.environ.setdefault(name, value)
    program = shutil.which("mpirun")
    folder = Path(os.path.realpath(program or "mpirun")).parents[1] / "lib"
    # With a version: a wheel cannot hold the link that has none.
    found = [*folder.glob("libmpi.so.*"), *folder.glob("*-linux-gnu/libmpi.so.*")]
    for library in sorted(found)[:1]:
        os.environ.setdefault("MPI4PY_LIBMPI", str(library))


def bootstrap_worker_node(master_host: str) -> None:
    """Run the commands that come for this host, until the master says that it is done."""
    if "HYDRA" not in _version():
        # A job that is stopped leaves nothing of it either.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        _own_scratch()
    token, done = secrets.token_hex(16), threading.Event()
    with socket.create_server((LOOPBACK, 0)) as server:
        _announce({"port": server.getsockname()[1], "token": token})
        threading.Thread(target=_accept, args=(server, token, done), daemon=True).start()
        done.wait()


def bootstrap_master_node(worker_hosts: list[str]) -> None:
    """Wait until every worker listens."""
    deadline = time.monotonic() + PATIENCE_S
    for host in worker_hosts:
        while not _place(host).exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Timed out waiting for {host} to listen.")
            time.sleep(0.05)


def write_status_file_to_workers(worker_hosts: list[str]) -> None:
    """Tell the workers that the program is over."""
    for host in worker_hosts:
        _ask(host, {"done": True})


def get_mpirun_command(
    host_count: int,
    host_list: list[str],
    num_processes: int,
    additional_options: list[str],
    entry_script_path: str,
) -> list[str]:
    """The command that starts a Python script with ``num_processes`` processes on each host."""
    # By name: each host has a Python of its own, first on its PATH.
    program = ["python", "-m", "mpi4py", entry_script_path]
    return mpirun_command(host_list[:host_count], num_processes, additional_options, program)


def mpirun_command(
    host_list: Sequence[str],
    processes: int,
    options: Sequence[str],
    program: Sequence[str],
    total: int = 0,
) -> list[str]:
    """The command that starts a program with this many processes on each host.

    MPICH and Open MPI reach other hosts by this file.

    Args:
        options: for Open MPI, as people give them.
        total: of the processes, where it is another than that of all hosts together.
    """
    each = max(processes, 1)
    count = str(total or each * len(host_list))
    hosts = ",".join(f"{host.partition(':')[0]}:{each}" for host in host_list)
    version = _version()
    if "HYDRA" not in version:
        where = ["--host", f"localhost:{count}"]
        if len(host_list) > 1:
            where = ["--host", hosts, *_open_mpi(version)]
            options = _without(options, where)
        own = ["--allow-run-as-root", "--tag-output", "-np", count]
        if not any(word.lstrip("-") == "bind-to" for word in options):
            # Each host would take the same processors, or more than there are.
            own += ["--bind-to", "none"]
        return ["mpirun", *where, *own, *options, *program]
    shell = ["-launcher", "ssh", "-launcher-exec", _remote_shell(), "-disable-x"]
    network = ["-localhost", LOOPBACK, "-iface", "lo"]
    # Each process has the environment of its own host, as over ssh.
    own = ["-genvnone", *_passed(options)]
    return ["mpirun", "-hosts", hosts, *shell, *network, *own, "-n", count, *program]


def _open_mpi(version: str) -> list[str]:
    """What Open MPI needs to start its daemons on hosts of one machine.

    Those of Open MPI 4 meet on the loopback. From 5 on they (PRRTE's) never take it, and meet on
    another interface; the ranks are on the loopback with either.
    """
    found = re.search(r"\(Open MPI\) (\d+)\.", version)
    if not found or int(found[1]) < 4:
        raise RuntimeError("Hosts of one machine need Open MPI 4 or newer, or mpich")
    _own_scratch()
    ranks = {"btl_tcp_if_include": "lo", "btl": "tcp,self", "pml": "ob1"}
    if found[1] == "4":
        daemons = {
            "plm_rsh_agent": _remote_shell(),
            "plm_rsh_no_tree_spawn": "1",
            "orte_leave_session_attached": "1",
            "oob_tcp_if_include": "lo",
        }
        return _parameters("--mca", {**daemons, **ranks})
    print("INFO: Open MPI's daemons meet on a network interface of this machine.", flush=True)
    daemons = {"plm_ssh_agent": _remote_shell(), "plm_ssh_no_tree_spawn": "1"}
    attached = ["--leave-session-attached", *_parameters("--prtemca", daemons)]
    return [*attached, *_parameters("--mca", ranks)]


def _parameters(option: str, values: dict[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in (option, name, value)]


def _without(options: Sequence[str], settled: Sequence[str]) -> list[str]:
    """Options but those parameters of Open MPI that are settled: a second value ends it."""
    words, found = list(options), []
    while words:
        count = 3 if words[0].lstrip("-") == "mca" else 1
        if count == 1 or words[1] not in settled:
            found += words[:count]
        del words[:count]
    return found


def _own_scratch() -> None:
    """A folder for temporary files that no other host has, until this program ends.

    Open MPI names its files there by process ids, which hosts have in common. Its sockets need a
    short path.
    """
    os.environ["TMPDIR"] = tempfile.mkdtemp(prefix="mpi-", dir="/tmp")
    atexit.register(shutil.rmtree, os.environ["TMPDIR"], ignore_errors=True)


def _version() -> str:
    done = subprocess.run(["mpirun", "--version"], stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout


def _passed(options: Sequence[str]) -> list[str]:
    """Open MPI's options in MPICH's words: variables are passed, what it lacks has no meaning."""
    words, found = list(options), []
    while words:
        word = words.pop(0)
        if word == "-x" and words:
            name, _, value = words.pop(0).partition("=")
            found += ["-genv", name, value or os.environ.get(name, "")]
        elif word.startswith("-") and word.lstrip("-") in _UNKNOWN:
            del words[: _UNKNOWN[word.lstrip("-")]]
        else:
            found.append(word)
    return found


def _remote_shell() -> str:
    """A program that runs this file, made where the other hosts' places are."""
    file = Path(os.environ[PEERS], "remote-shell")
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{os.path.abspath(__file__)}" "$@"\n')
    file.chmod(0o700)
    return str(file)


def _place(host: str) -> Path:
    return Path(os.environ[PEERS], f"{host}.json")


def _announce(where: dict[str, Any]) -> None:
    place = _place(os.environ["SM_CURRENT_HOST"])
    draft = place.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(where, file)
    draft.rename(place)


def _accept(server: socket.socket, token: str, done: threading.Event) -> None:
    while not done.is_set():
        connection, _ = server.accept()
        threading.Thread(target=_serve, args=(connection, token, done), daemon=True).start()


def _serve(connection: socket.socket, token: str, done: threading.Event) -> None:
    with connection, connection.makefile("rw", encoding="utf-8") as stream:
        asked = json.loads(stream.readline())
        if not secrets.compare_digest(str(asked.get("token")), token):
            return
        code = 0
        if asked.get("done"):
            done.set()
        else:
            code = subprocess.run(["/bin/sh", "-c", asked["command"]], check=False).returncode
        stream.write(f"{code}\n")


def _ask(host: str, request: dict[str, Any]) -> int:
    """Send a request to a host's worker; returns the exit code of what it did."""
    where = json.loads(_place(host).read_text(encoding="utf-8"))
    connection = socket.create_connection((LOOPBACK, where["port"]))
    with connection, connection.makefile("rw", encoding="utf-8") as stream:
        stream.write(json.dumps({**request, "token": where["token"]}) + "\n")
        stream.flush()
        return int(stream.readline() or "1")


def main(words: Sequence[str]) -> int:
    """The remote shell: run a command on a host, as ``ssh HOST COMMAND ...`` does."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        rest.pop(0)
    host, command = rest[0], " ".join(rest[1:])
    if host == os.environ["SM_CURRENT_HOST"]:
        return subprocess.run(["/bin/sh", "-c", command], check=False).returncode
    return _ask(host, {"command": command})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
