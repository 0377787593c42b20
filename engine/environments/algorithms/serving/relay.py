"""Lets a container with a network of its own reach one port of this host's loopback."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress

_IP_FREEBIND = 15
"""From ip(7): the address may come with the first container of its network."""
_LOOPBACK = "127.0.0.1"
_PIECE = 65536


class Relay(socketserver.ThreadingTCPServer):
    """Passes connections to an address of this host on to a port of its loopback.

    Args:
        host: the address of this host in the containers' network.
        port: on loopback.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int) -> None:
        self.to = port
        super().__init__((host, 0), _Connection)
        self.url = f"http://{host}:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def server_bind(self) -> None:
        """See ``TCPServer``."""
        self.socket.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        super().server_bind()

    def stop(self) -> None:
        """Take no more connections."""
        self.shutdown()
        self.server_close()


class _Connection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Relay)
        # Where nobody listens any more the caller's connection is closed.
        with suppress(OSError), socket.create_connection((_LOOPBACK, self.server.to)) as far:
            back = threading.Thread(target=_pass_on, args=(far, self.request), daemon=True)
            back.start()
            _pass_on(self.request, far)
            back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
