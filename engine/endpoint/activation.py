"""The endpoint's listening socket, which costs nothing until a job connects to it.

Importing a web server costs 170 ms and 30 MiB. The runner therefore only binds the port; when the
first connection waits, it starts ``python -m engine.endpoint``, which inherits the socket. The
runner keeps its own copy, so an endpoint that dies is started again by the next connection, and the
endpoint lives on when the runner is killed, for the jobs that still run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import engine
from engine.endpoint.access import key_pair
from engine.endpoint.lifetime import open_process, start_time, wait_for_exit
from engine.errors import StorageError
from engine.storage import files

HOST = "127.0.0.1"
ACCESS_KEY_VARIABLE = "PIPETUI_ENDPOINT_ACCESS_KEY"
ACCOUNT = "000000000000"
IDLE_SECONDS = 60.0
# What of a job's inherited environment would lead past the endpoint.
FOREIGN_VARIABLES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SQS",
    "AWS_ENDPOINT_URL_STS",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_CA_BUNDLE",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)
_BACKLOG = 128
_STOP_SECONDS = 6.0
_QUICK_DEATH_SECONDS = 5.0
_QUICK_DEATHS = 3


class EndpointSocket:
    """A port on loopback behind which the endpoint starts when somebody connects.

    Make one with `bind`; then `watch` on the runner's loop. In the end `close` it, or `leave` it
    where jobs go on without this owner.
    """

    def __init__(
        self,
        listener: socket.socket,
        *,
        root: Path,
        log: Path,
        token: str,
        owner_pid: int,
        region: str,
        idle: float,
    ) -> None:
        self.port: int = listener.getsockname()[1]
        self.failure: StorageError | None = None
        self._listener = listener
        self._root = root
        self._log = log
        self._keys = key_pair(token)
        self._owner = owner_pid
        self._region = region
        self._idle = idle
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._started_at = 0.0
        self._quick_deaths = 0

    @classmethod
    def bind(
        cls,
        root: Path,
        log: Path,
        token: str,
        port: int = 0,
        owner_pid: int | None = None,
        *,
        region: str = "us-east-1",
        idle: float = IDLE_SECONDS,
    ) -> EndpointSocket:
        """Take a port on loopback.

        An endpoint that a killed owner left on ``port`` (its record lies beside the log) is ended
        first, its running requests done: blocks for up to `_STOP_SECONDS` then.

        Args:
            root: the folder that holds the buckets.
            log: the endpoint's log file; its folder exists.
            token: the secret of this execution, from which the access key is made.
            port: the port to come back to; 0 takes a free one.
            owner_pid: the process that needs the endpoint; this one by default.
            region: the AWS region that jobs are told.
            idle: seconds without a request after which an endpoint without owner ends.

        Raises:
            StorageError: ``port-taken``.
        """
        if port:
            _stop_left_over(log, port)
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, port))
            listener.listen(_BACKLOG)
            listener.setblocking(False)
        except OSError as error:
            listener.close()
            raise StorageError(
                f"Port {port} on {HOST} cannot be used: {error.strerror}.",
                code="port-taken",
                hint="Wait for the program that has it, or let the endpoint take another port.",
            ) from error
        owner = os.getpid() if owner_pid is None else owner_pid
        return cls(
            listener, root=root, log=log, token=token, owner_pid=owner, region=region, idle=idle
        )

    def environment(self, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables that send a job's AWS calls to this endpoint and nowhere else.

        Args:
            inherited: the job's other variables; its proxy exceptions are kept. The caller removes
                `FOREIGN_VARIABLES` from them.
        """
        access_key, secret_key = self._keys
        past_proxy = (inherited or {}).get("NO_PROXY") or (inherited or {}).get("no_proxy", "")
        no_proxy = ",".join(filter(None, (past_proxy, HOST, "localhost")))
        return {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{self.port}",
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": no_proxy,
            "no_proxy": no_proxy,
        }

    @property
    def pid(self) -> int | None:
        """The endpoint's process, where it has been started and not ended."""
        return self._process.pid if self._process else None

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the endpoint when the first connection waits, and again if it dies."""
        self._loop = loop
        loop.add_reader(self._listener, self._start)

    def close(self) -> None:
        """End the endpoint, its running requests done, and give the port back."""
        self._let_go()
        if self._process is not None:
            self._process.terminate()
            if not wait_for_exit(self._pidfd, _STOP_SECONDS):
                self._process.kill()
            self._reap()
        self._loop = None
        with contextlib.suppress(OSError):
            _record(self._log).unlink()

    def leave(self) -> None:
        """Let the endpoint go on for the jobs that run, until another owner takes its port.

        It ends by itself once this process is gone and nobody calls any more.
        """
        self._let_go()
        if self._process is not None:
            if self._loop is not None:
                self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            # This process stays its parent: somebody has to take note of its end.
            threading.Thread(target=self._process.wait, daemon=True).start()
            self._process = None
        self._loop = None

    def _let_go(self) -> None:
        """Take no more connections here; the process has a copy of the socket."""
        if self._loop is not None and self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
        self._listener.close()

    def _start(self) -> None:
        assert self._loop is not None
        self._loop.remove_reader(self._listener)
        descriptor = self._listener.fileno()
        arguments = {
            "--fd": descriptor,
            "--root": self._root,
            "--owner-pid": self._owner,
            "--owner-start": start_time(self._owner),
            "--idle": self._idle,
            "--account": ACCOUNT,
        }
        command = [sys.executable, "-P", "-m", "engine.endpoint"]
        command += [str(word) for pair in arguments.items() for word in pair]
        home = str(Path(engine.__file__).resolve().parents[1])
        paths = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
        secrets = {"PYTHONPATH": paths, ACCESS_KEY_VARIABLE: self._keys[0]}
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            log = os.open(self._log, flags, 0o600)
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=os.environ | secrets,
                    pass_fds=[descriptor],
                    start_new_session=True,
                )
            finally:
                os.close(log)
            self._pidfd = os.pidfd_open(self._process.pid)
            self._started_at = time.monotonic()
            self._loop.add_reader(self._pidfd, self._ended)
            _write_record(self._log, self._process.pid, self.port)
        except OSError as error:
            self._give_up(f"it cannot be started: {error}")

    def _ended(self) -> None:
        """The endpoint died: wait for the next connection, unless it dies again and again."""
        quick = time.monotonic() - self._started_at < _QUICK_DEATH_SECONDS
        self._quick_deaths = self._quick_deaths + 1 if quick else 0
        self._reap()
        if self._quick_deaths >= _QUICK_DEATHS:
            self._give_up(f"it ended {_QUICK_DEATHS} times at once")
        elif self._loop is not None:
            self._loop.add_reader(self._listener, self._start)

    def _give_up(self, reason: str) -> None:
        # Closed, so that callers are refused at once instead of waiting for nobody.
        self._listener.close()
        self.failure = StorageError(
            f"The local AWS endpoint does not run: {reason}.",
            code="endpoint-failed",
            hint=f"Its log is {self._log}.",
        )

    def _reap(self) -> None:
        if self._process is None:
            return
        if self._loop is not None:
            self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._process.wait()
        self._process = None


def _record(log: Path) -> Path:
    return log.with_name(f"{log.name}.process")


def _write_record(log: Path, pid: int, port: int) -> None:
    record = {"pid": pid, "started": start_time(pid), "port": port}
    files.write_file(str(_record(log)), json.dumps(record).encode())


def _stop_left_over(log: Path, port: int) -> None:
    """End the endpoint that an earlier owner started on this port, if it still runs."""
    try:
        record = json.loads(_record(log).read_bytes())
        pid, started, taken = (int(record[name]) for name in ("pid", "started", "port"))
    except (OSError, ValueError, TypeError, KeyError):
        return
    process = open_process(pid, started) if taken == port else None
    if process is None:
        return
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, number)
            if wait_for_exit(process, _STOP_SECONDS):
                return
    finally:
        os.close(process)
