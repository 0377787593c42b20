"""Serves one container's model over HTTP: ``/ping``, ``/invocations``, ``/execution-parameters``.

The listening socket is inherited (``PIPETUI_SERVE_FD``), so that a request may be sent before the
model is loaded: it is answered when it is. One process answers one request at a time, as a worker
of the containers' own server does; ``SAGEMAKER_MODEL_SERVER_WORKERS`` of them share the socket.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from ..job import Tree
from . import user_module
from .reply import FAMILY, SOCKET, XGBOOST_PAYLOAD, LoadError, Model, Reply, error_reply

_PORT = 8080


def main(tree: Tree) -> int:
    """Load the model and serve it until a signal ends the process."""
    listener = _listener()
    workers = int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS") or 1)
    return _serve(listener, tree) if workers <= 1 else _fork(workers, listener, tree)


def load(tree: Tree, family: str) -> Model:
    """The model of a tree.

    Args:
        family: of the image; ``xgboost`` serves models without a user's module.

    Raises:
        LoadError: there is nothing to serve it with.
    """
    module = user_module.find(tree, family)
    if module is not None:
        return user_module.UserModel(module, tree, family)
    if family != user_module.XGBOOST:
        raise LoadError(
            "Please provide a model_fn implementation: the model brings no code/inference.py and"
            " SAGEMAKER_PROGRAM names no module"
        )
    from .xgboost_model import XgboostModel  # the library is there only in its own environment

    return XgboostModel(tree.model)


def _listener() -> socket.socket:
    inherited = os.environ.pop(SOCKET, "")
    if inherited:
        return socket.socket(fileno=int(inherited))
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT") or _PORT)
    return socket.create_server(("127.0.0.1", port))


def _serve(listener: socket.socket, tree: Tree) -> int:
    try:
        model = load(tree, os.environ.get(FAMILY, ""))
    except LoadError as error:
        print(f"The model cannot be served: {error}", file=sys.stderr, flush=True)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    server = HTTPServer(("127.0.0.1", 0), _handler(model), bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    # looked up once: asking for the host's name may take seconds
    server.server_name, server.server_port = listener.getsockname()[:2]
    server.serve_forever()
    return 0


def _fork(workers: int, listener: socket.socket, tree: Tree) -> int:
    """Workers that load the model themselves; when one ends, all do."""
    children = []
    for _ in range(workers):
        child = os.fork()
        if child == 0:
            os._exit(_serve(listener, tree))
        children.append(child)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: _end(children))
    ended, status = os.wait()
    _end([child for child in children if child != ended])
    return 1 if status else 0


def _end(children: list[int]) -> None:
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _handler(model: Model) -> type[BaseHTTPRequestHandler]:
    usual = XGBOOST_PAYLOAD if os.environ.get(FAMILY) == user_module.XGBOOST else 0
    limit = int(os.environ.get("MAX_CONTENT_LENGTH") or usual)

    class Handler(BaseHTTPRequestHandler):
        timeout = 60

        def do_GET(self) -> None:
            if self.path == "/ping":
                self._answer(Reply(200))
            elif self.path == "/execution-parameters":
                found = model.execution_parameters()
                body = json.dumps(found).encode() if found else b""
                self._answer(Reply(200 if found else 404, body, "application/json"))
            else:
                self._answer(Reply(404))

        def do_POST(self) -> None:
            # read in any case: a client that still sends would not see the answer
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path != "/invocations":
                self._answer(Reply(404))
            elif limit and len(body) > limit:
                self._answer(Reply(413, b"Request Entity Too Large", "text/plain"))
            else:
                self._answer(self._invoke(body))

        def _invoke(self, body: bytes) -> Reply:
            content_type = self.headers.get("Content-Type") or ""
            try:
                return model.invoke(body, content_type, self.headers.get("Accept") or "")
            except Exception as error:
                traceback.print_exc()
                return error_reply(500, error)

        def _answer(self, reply: Reply) -> None:
            self.send_response(reply.status)
            if reply.content_type:
                self.send_header("Content-Type", reply.content_type)
            if reply.status != 204:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing of requests; a model's own words and errors are the log."""

    return Handler
