"""Stands in for the SDK's ``mpi_utils`` on hosts that are folders of one machine.

The SDK's own ``mpi_driver.py`` imports it: the functions have its names, arguments and roles. What
they do there (an ssh daemon on port 22, ``/etc/environment``, files in ``/tmp``) would be done to
the machine itself. Here each worker listens on the loopback and runs the commands that
``mpirun`` sends to its host by way of this file, which is its remote shell as well:
``python mpi_utils.py HOST COMMAND ...``.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
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
    for library in sorted(folder.glob("libmpi.so.*"))[:1]:
        os.environ.setdefault("MPI4PY_LIBMPI", str(library))


def bootstrap_worker_node(master_host: str) -> None:
    """Run the commands that come for this host, until the master says that it is done."""
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
    """The command that starts ``num_processes`` processes on each host.

    MPICH reaches other hosts by this file. Open MPI takes the hosts of one machine for one, so it
    runs jobs of one host only.
    """
    # By name: each host has a Python of its own, first on its PATH.
    program = ["python", "-m", "mpi4py", entry_script_path]
    total = str(max(num_processes, 1) * host_count)
    if not _is_mpich():
        if host_count > 1:
            raise RuntimeError("Open MPI cannot tell the hosts of one machine apart; install mpich")
        options = ["--host", f"localhost:{total}", "--allow-run-as-root", "--tag-output"]
        return ["mpirun", *options, "-np", total, *additional_options, *program]
    each = max(num_processes, 1)
    hosts = ",".join(f"{host.partition(':')[0]}:{each}" for host in host_list)
    shell = ["-launcher", "ssh", "-launcher-exec", _remote_shell(), "-disable-x"]
    network = ["-localhost", LOOPBACK, "-iface", "lo"]
    # Each process has the environment of its own host, as over ssh.
    own = ["-genvnone", *_passed(additional_options)]
    return ["mpirun", "-hosts", hosts, *shell, *network, *own, "-n", total, *program]


def _is_mpich() -> bool:
    done = subprocess.run(["mpirun", "--version"], stdout=subprocess.PIPE, text=True, check=False)
    return "HYDRA" in done.stdout


def _passed(options: Sequence[str]) -> list[str]:
    """Open MPI's options in MPICH's words: variables are passed, MCA parameters have no meaning."""
    words, found = list(options), []
    while words:
        word = words.pop(0)
        if word == "-x" and words:
            name, _, value = words.pop(0).partition("=")
            found += ["-genv", name, value or os.environ.get(name, "")]
        elif word.lstrip("-") == "mca":
            del words[:2]
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
