"""The running containers of one model: what one of them answers, the next one is asked.

Each container is a model server of its own in its own environment, or a real container. A server's
listening socket is made here and inherited, so nothing waits for a port and nobody else can take
it. Where this process may mount, each server finds its own tree at ``/opt/ml``; else it is told its
tree's place.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Mapping, Sequence
from urllib.parse import urlsplit

from .relay import Relay
from .reply import FAMILY, SOCKET, Reply

HOST = "127.0.0.1"
PROGRAMS = Path(__file__).resolve().parents[1]
DEFAULT_TIMEOUT_S = 600.0
_OPT_ML = "/opt/ml"
_MOUNT = 'mount --bind "$1" /opt/ml && shift && exec "$@"'
_MAY_MOUNT = (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount"))
_TAIL_LINES = 30
_TAIL_CHARACTERS = 700
_END_S = 5.0
CONTAINER_PORT = 8080
"""On which a container of SageMaker's answers."""
_ENDPOINT = "AWS_ENDPOINT_URL"
_PING_S = 2.0
_LOOK_S = 0.1


class Unhealthy(Exception):
    """A container did not come up, or is gone; the text says why."""


class Server:
    """One container's model server, a child of this process.

    Args:
        container: ``root`` below the job's tree (empty: the tree itself), ``python``,
            ``environment``, ``family`` and ``startup_s``.
        root: the job's tree.
        on_end: called from another thread when the process ends.
    """

    def __init__(
        self, container: Mapping[str, Any], root: Path, on_end: Callable[[], None] = lambda: None
    ) -> None:
        self._startup_s = float(container.get("startup_s") or DEFAULT_TIMEOUT_S)
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._on_end = on_end
        self._process = self._start(container, root)
        self._pump = threading.Thread(target=self._pass_on, daemon=True)
        self._pump.start()

    def _start(self, container: Mapping[str, Any], root: Path) -> subprocess.Popen[bytes]:
        """Start the process, and set ``port``."""
        place = root / container["root"] if container["root"] else root
        prefix = mounted(place) if container["root"] and str(root) == _OPT_ML else ()
        with socket.create_server((HOST, 0)) as listener:
            self.port = int(listener.getsockname()[1])
            environment = {
                **container["environment"],
                "SAGEMAKER_BIND_TO_PORT": str(self.port),
                "SAGEMAKER_BASE_DIR": _OPT_ML if prefix else str(place),
                SOCKET: str(listener.fileno()),
                FAMILY: container["family"],
            }
            return subprocess.Popen(
                [*prefix, container["python"], str(PROGRAMS), "serve"],
                env=environment,
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def wait_healthy(self) -> None:
        """Wait until ``/ping`` is answered with 200.

        Raises:
            Unhealthy: it is not, the process ends, or the start-up window is over.
        """
        try:
            reply = self.ask("GET", "/ping", timeout=self._startup_s)
        except socket.timeout:
            raise Unhealthy(
                f"did not pass the ping health check within {self._startup_s:g} s{self._said()}"
            ) from None
        except (OSError, http.client.HTTPException):
            raise Unhealthy(self._gone()) from None
        if reply.status != 200:
            raise Unhealthy(f"answered the ping health check with {reply.status}{self._said()}")

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> Reply:
        """One request. Errors: ``OSError`` and ``http.client.HTTPException``."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, answer.read(), answer.getheader("Content-Type") or "")
        finally:
            connection.close()

    def stop(self) -> None:
        """End the process, and wait until it is gone; it may have been told to ignore SIGTERM."""
        self._on_end = lambda: None
        self._process.send_signal(signal.SIGHUP)
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pump.join(_END_S)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _gone(self) -> str:
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            return f"does not answer{self._said()}"
        self._pump.join(_END_S)
        return f"ended with exit code {code}{self._said()}"

    def _said(self) -> str:
        text = "".join(self._tail).strip()
        start = text.rfind("Traceback (most recent call last)")
        if start >= 0:
            trace = text[start:]
            text = f"{trace.splitlines()[-1]}\n{trace}"
        return f": {text[:_TAIL_CHARACTERS]}" if text else ""

    def _pass_on(self) -> None:
        assert self._process.stdout is not None
        for line in iter(self._process.stdout.readline, b""):
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
            self._tail.append(line.decode("utf-8", "replace"))
        self._on_end()


class ContainerServer(Server):
    """A real container of a model, as the service starts one: ``serve``, ``/ping`` on port 8080.

    It is no part of this process's session, so that what ends that leaves it its answers' time.

    Args:
        container: ``run``, the words that start it; ``variables`` of the tool; ``name``;
            ``gateway``, this host's address in its network; and ``startup_s``.
    """

    def _start(self, container: Mapping[str, Any], root: Path) -> subprocess.Popen[bytes]:
        tool, run, *words = container["run"]
        self._remove = [tool, "rm", "--force", container["name"]]
        self._variables = dict(container["variables"])
        self._relay = self._relayed(container.get("gateway", ""))
        # What an earlier process left of it is in the way.
        self._removed()
        with socket.create_server((HOST, 0)) as free:
            self.port = int(free.getsockname()[1])
        return subprocess.Popen(
            [tool, run, "--publish", f"{HOST}:{self.port}:{CONTAINER_PORT}", *words],
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_healthy(self) -> None:
        """Ask until ``/ping`` is answered with 200. Errors: see ``Server.wait_healthy``."""
        until = time.monotonic() + self._startup_s
        said = ""
        while (left := until - time.monotonic()) > 0:
            if not self.alive:
                raise Unhealthy(self._gone())
            try:
                reply = self.ask("GET", "/ping", timeout=min(_PING_S, left))
            except (OSError, http.client.HTTPException):
                pass
            else:
                if reply.status == 200:
                    return
                said = f" (last answered with {reply.status})"
            time.sleep(_LOOK_S)
        raise Unhealthy(
            f"did not pass the ping health check within {self._startup_s:g} s{said}{self._said()}"
        )

    def stop(self) -> None:
        """Stop and remove the container; its tool ends with it."""
        self._on_end = lambda: None
        self._removed()
        super().stop()
        if self._relay is not None:
            self._relay.stop()

    def _relayed(self, gateway: str) -> Relay | None:
        """A way from the container to the AWS endpoint on this host's loopback."""
        endpoint = urlsplit(self._variables.get(_ENDPOINT, ""))
        if not gateway or endpoint.hostname != HOST or not endpoint.port:
            return None
        relay = Relay(gateway, endpoint.port)
        self._variables[_ENDPOINT] = relay.url
        for name in ("NO_PROXY", "no_proxy"):
            self._variables[name] = f"{self._variables.get(name, HOST)},{gateway}"
        return relay

    def _removed(self) -> None:
        subprocess.run(self._remove, env=self._variables, capture_output=True, check=False)


class Chain:
    """The containers of one model, in order.

    Args:
        containers: see `Server`.
        name: of the model, for messages.
    """

    def __init__(
        self,
        containers: Sequence[Mapping[str, Any]],
        root: Path,
        name: str,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self.servers: list[Server] = []
        try:
            for container in containers:
                kind = ContainerServer if "run" in container else Server
                self.servers.append(kind(container, root, on_end))
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> Chain:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def wait_healthy(self) -> None:
        """Wait for all of them. Errors: ``Unhealthy`` that says which and why."""
        for number, server in enumerate(self.servers, 1):
            try:
                server.wait_healthy()
            except Unhealthy as error:
                which = f"container {number}" if len(self.servers) > 1 else "the container"
                raise Unhealthy(f"{which} of model {self._name} {error}") from None

    @property
    def alive(self) -> bool:
        """Whether all of them run."""
        return all(server.alive for server in self.servers)

    def invoke(
        self,
        body: bytes,
        content_type: str,
        accept: str,
        headers: Mapping[str, str] | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
    ) -> Reply:
        """The last container's answer, or the first that is none (its status is not 2xx).

        Only the last one is told what the caller accepts; another one's answer goes on under the
        type that it has.
        """
        reply = Reply(200, body, content_type)
        for server in self.servers:
            named = {"Content-Type": reply.content_type} if reply.content_type else {}
            if accept and server is self.servers[-1]:
                named["Accept"] = accept
            reply = server.ask(
                "POST", "/invocations", reply.body, {**(headers or {}), **named}, timeout
            )
            if not 200 <= reply.status < 300:
                break
        return reply

    def stop(self) -> None:
        """End all of them."""
        for server in self.servers:
            server.stop()


def mounted(place: Path) -> tuple[str, ...]:
    """What to put before a command that shall find ``place`` at ``/opt/ml``; empty if it cannot."""
    for enter in _MAY_MOUNT:
        prefix = (*enter, "--propagation", "private", "/bin/sh", "-c", _MOUNT, "sh", str(place))
        try:
            tried = subprocess.run(
                [*prefix, "true"], stdin=subprocess.DEVNULL, capture_output=True, env=os.environ
            )
        except OSError:
            return ()
        if tried.returncode == 0:
            return prefix
    return ()
