"""Who acts, for the record."""

from __future__ import annotations

import os
import socket


def actor() -> str:
    """Who acts: ``user@host``."""
    import getpass

    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def ssh_client() -> str:
    """The address an SSH session comes from; empty outside of one."""
    return (os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_CLIENT") or "").split(" ")[0]
