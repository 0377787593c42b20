"""A runner as a process: what it is asked, what it answers, and whether it still lives."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.jobs import identity
from engine.sources.base import StartRequest
from engine.store.base import Holder


@dataclass(frozen=True, slots=True)
class RunnerRequest:
    """What a runner process is asked to do: start an execution, or go on with one."""

    home: str
    actor: str
    start: StartRequest | None = None
    execution_id: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a runner process answers: the execution it runs, or why it does not."""

    execution_id: str = ""
    errors: tuple[Mapping[str, Any], ...] = field(default=())
    exit_code: int = 0


def alive(holder: Holder) -> bool:
    """Whether the process behind a lease still runs; one on another host counts as running."""
    if holder.host != socket.gethostname():
        return True
    return identity.ProcessIdentity(holder.pid, holder.start_ticks, holder.boot_id).alive()


def this_process() -> Holder:
    """The calling process, as the holder of a lease."""
    me = identity.current()
    return Holder(me.pid, me.start_ticks, me.boot_id, socket.gethostname())
