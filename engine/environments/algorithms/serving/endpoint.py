"""A local endpoint: starts the models of all variants, and passes requests on to them by weight.

Reads ``config/endpoint.json`` of the job's tree. When every model is healthy it listens, and says
on which port in ``ready.json``; an earlier revision may listen on the same port meanwhile. Ends
when a model's process ends, as nothing would answer for it.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Mapping, Sequence

from ..job import Tree
from .chain import HOST, Chain, Unhealthy
from .reply import Reply

PLAN = "endpoint.json"
READY = "ready.json"
PAYLOAD_LIMIT = 25 * 1024**2
TARGET_VARIANT = "X-Amzn-SageMaker-Target-Variant"
TARGET_COMPONENT = "X-Amzn-SageMaker-Inference-Component"
INVOKED_VARIANT = "x-Amzn-Invoked-Production-Variant"
_PASSED_ON = ("X-Amzn-SageMaker-Custom-Attributes", "X-Amzn-SageMaker-Inference-Id")


def main(tree: Tree) -> int:
    """Serve the endpoint that is described in the tree until a signal ends the process."""
    plan = json.loads((tree.root / "config" / PLAN).read_text(encoding="utf-8"))
    over = threading.Event()
    # Whoever ends a job signals all of its processes. The models inherit that they ignore it: they
    # answer what is being asked, and are ended last.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with ExitStack() as stack:
            targets = [
                Target(
                    entry["name"],
                    entry["variant"],
                    entry["component"],
                    float(entry["weight"]),
                    stack.enter_context(
                        Chain(entry["containers"], tree.root, entry["model"], over.set)
                    ),
                )
                for entry in plan["targets"]
            ]
            signal.signal(signal.SIGTERM, lambda *_: over.set())
            for target in targets:
                target.chain.wait_healthy()
            router = Router(plan["name"], targets, plan["seed"])
            with Listener(int(plan["port"]), router) as server:
                _say_ready(tree.root, server.server_port)
                over.wait()
            if not all(target.chain.alive for target in targets):
                raise Unhealthy("a container of the endpoint ended while it was in service")
    except Unhealthy as error:
        print(str(error), file=sys.stderr, flush=True)
        tree.write_failure(str(error))
        return 1
    return 0


@dataclass(frozen=True)
class Target:
    """A model that requests can go to: a variant's own, or an inference component."""

    name: str
    variant: str
    component: bool
    weight: float
    chain: Chain


class Router:
    """Chooses who answers a request.

    Args:
        seed: the same seed gives the same choices.
    """

    def __init__(self, name: str, targets: Sequence[Target], seed: str) -> None:
        self.name = name
        self.targets = targets
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def choose(self, variant: str = "", component: str = "") -> Target | None:
        """The target of a request; None where none of that name can answer."""
        if component:
            return self._named([t for t in self.targets if t.component and t.name == component])
        own = [target for target in self.targets if not target.component]
        if variant:
            return self._named([target for target in own if target.variant == variant])
        weights = [target.weight for target in own]
        if not any(weights):
            return None
        with self._lock:
            return self._random.choices(own, weights)[0]

    @staticmethod
    def _named(found: Sequence[Target]) -> Target | None:
        return found[0] if found else None


class Listener(ThreadingHTTPServer):
    """Listens on loopback; several revisions may share a port for the time of an update."""

    daemon_threads = False

    def __init__(self, port: int, router: Router) -> None:
        super().__init__((HOST, port), _handler(router))

    def server_bind(self) -> None:
        """Bind without asking for the host's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            self.socket.bind(self.server_address)
        except OSError:
            # a program of somebody else's has the port by now
            self.socket.bind((HOST, 0))
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = HOST, int(self.socket.getsockname()[1])

    def __enter__(self) -> Listener:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: Any) -> None:
        """Take no new requests, and wait for those that run."""
        self.shutdown()
        self.server_close()


def _handler(router: Router) -> type[BaseHTTPRequestHandler]:
    paths = ("/invocations", f"/endpoints/{router.name}/invocations")

    class Handler(BaseHTTPRequestHandler):
        timeout = 60

        def do_GET(self) -> None:
            found = self.path == "/ping"
            alive = all(target.chain.alive for target in router.targets)
            self._answer(Reply((200 if alive else 503) if found else 404))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if self.path not in paths:
                self._answer(_error(404, "ValidationError", f"There is no {self.path} here."))
                return
            if length > PAYLOAD_LIMIT:
                self.close_connection = True
                self._answer(_error(413, "ValidationError", "The request body is too large."))
                return
            content = self.rfile.read(length)
            wanted = self.headers.get(TARGET_VARIANT) or ""
            target = router.choose(wanted, self.headers.get(TARGET_COMPONENT) or "")
            if target is None:
                self._answer(_error(400, "ValidationError", "No variant or component answers."))
                return
            self._answer(self._asked(target, content), target)

        def _asked(self, target: Target, content: bytes) -> Reply:
            passed = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
            try:
                reply = target.chain.invoke(
                    content,
                    self.headers.get("Content-Type") or "",
                    self.headers.get("Accept") or "",
                    passed,
                )
            except (OSError, http.client.HTTPException) as error:
                return _error(503, "ServiceUnavailable", f"{target.name} does not answer: {error}")
            if 200 <= reply.status < 300 or self.path == paths[0]:
                return reply
            return _model_error(target, reply)

        def _answer(self, reply: Reply, target: Target | None = None) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Length", str(len(reply.body)))
            if reply.content_type:
                self.send_header("Content-Type", reply.content_type)
            if target is not None:
                self.send_header(INVOKED_VARIANT, target.variant)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing of requests."""

    return Handler


def _error(status: int, kind: str, message: str) -> Reply:
    content: Mapping[str, Any] = {"__type": kind, "Message": message}
    return Reply(status, json.dumps(content).encode(), "application/json")


def _model_error(target: Target, reply: Reply) -> Reply:
    """InvokeEndpoint's ModelError, for what the model itself answered."""
    said = reply.body.decode("utf-8", "replace")
    content = {
        "__type": "ModelError",
        "Message": f'Received error ({reply.status}) from {target.name} with message "{said}".',
        "OriginalMessage": said,
        "OriginalStatusCode": reply.status,
    }
    return Reply(424, json.dumps(content).encode(), "application/json")


def _say_ready(root: Path, port: int) -> None:
    draft = root / f"{READY}.new"
    draft.write_text(json.dumps({"port": port}), encoding="utf-8")
    os.replace(str(draft), str(root / READY))
