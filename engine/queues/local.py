"""Queues as folders: ``<home>/sqs/<queue>/messages`` holds one JSON file for each message.

A message is received by giving it a time until which nobody else gets it; the one who received it
deletes it. Sending needs no lock; whatever changes a message holds the queue's, so that programs of
any number of processes can share a queue.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.clock import Clock, SystemClock
from engine.errors import StorageError
from engine.whole_file import replace_file

VISIBILITY_S = 30.0
"""How long a received message is hidden where nothing else is said (API reference)."""
_NAME_LIMIT = 75
"""Characters of a queue's name without ``.fifo`` (API reference: 80 with it)."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a queue; times are seconds since the epoch."""

    id: str
    body: str
    sent_at: float
    visible_at: float
    attributes: dict[str, Any] = field(default_factory=dict)
    received: int = 0
    """How often."""
    first_received_at: float = 0.0

    @property
    def receipt(self) -> str:
        """What the last one who received it deletes it with."""
        return f"{self.id}.{self.received}"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages wait, were received and not deleted, or are delayed."""

    visible: int
    received: int
    delayed: int


def queue_name(url: str) -> str:
    """The name in a queue's URL, ``https://sqs.REGION.amazonaws.com/ACCOUNT/NAME``, or a bare name.

    What a name cannot hold is replaced; empty where there is none.
    """
    path = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*", "", url).partition("?")[0]
    last = path.rstrip("/").rpartition("/")[2]
    name = re.sub(r"[^A-Za-z0-9_-]", "-", last.removesuffix(".fifo"))[:_NAME_LIMIT]
    return name + ".fifo" if name and last.endswith(".fifo") else name


def message_id(*parts: str) -> str:
    """An id in the service's form that the same parts always give."""
    return str(uuid.UUID(bytes=hashlib.sha256("/".join(parts).encode()).digest()[:16]))


class Queues:
    """The queues of a home.

    Args:
        root: the folder that holds them; made when the first is.
    """

    def __init__(self, root: Path, clock: Clock | None = None) -> None:
        self._root = root
        self._clock = clock or SystemClock()

    @classmethod
    def of_home(cls, home: Path) -> Queues:
        """Those in a home's folder."""
        return cls(home / "sqs")

    def queue(self, url: str) -> LocalQueue:
        """The queue that a URL or a name means; it is made when it is first used.

        Errors: ``StorageError`` where there is no name in it, or the queue cannot be made.
        """
        name = queue_name(url)
        if not name:
            raise StorageError(f"{url!r} names no queue", code="queue-unnamed")
        return LocalQueue(self._root / name, self._clock)

    def names(self, prefix: str = "") -> list[str]:
        """The names of the queues, sorted."""
        try:
            return sorted(name for name in os.listdir(self._root) if name.startswith(prefix))
        except FileNotFoundError:
            return []


class LocalQueue:
    """One queue. Every call blocks for as long as a few files take.

    Errors: ``StorageError`` wherever the folder cannot be used.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.name = folder.name
        self._folder = folder
        self._messages = folder / "messages"
        self._clock = clock
        with self._told():
            self._messages.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def attributes(self) -> dict[str, str]:
        """What the queue was created with."""
        try:
            return dict(json.loads((self._folder / "attributes.json").read_bytes()))
        except (OSError, ValueError):
            return {}

    def configure(self, attributes: Mapping[str, str]) -> None:
        """Keep attributes, on top of those that the queue has."""
        with self._told():
            kept = json.dumps({**self.attributes, **attributes}).encode()
            replace_file(self._folder / "attributes.json", kept)

    def send(
        self,
        body: str,
        *,
        id: str = "",
        attributes: Mapping[str, Any] | None = None,
        delay_s: float = 0.0,
    ) -> Message:
        """Add a message; it is durable when this returns.

        Args:
            id: of the message; one that is in the queue already is not added again.
        """
        now = self._clock.now()
        message = Message(id or str(uuid.uuid4()), body, now, now + delay_s, dict(attributes or {}))
        with self._told():
            if not self._file(message.id).exists():
                self._keep(message, durable=True)
        return message

    def receive(self, limit: int = 1, visibility_s: float = VISIBILITY_S) -> list[Message]:
        """Take messages that wait, oldest first, and hide them for a while."""
        now = self._clock.now()
        with self._locked():
            taken = [
                replace(
                    message,
                    received=message.received + 1,
                    first_received_at=message.first_received_at or now,
                    visible_at=now + visibility_s,
                )
                for message in self._all()
                if message.visible_at <= now
            ][:limit]
            for message in taken:
                self._keep(message)
        return taken

    def delete(self, receipt: str) -> None:
        """Delete a message that was received; nothing happens where another one received it since.

        Errors: ``StorageError`` (``receipt-invalid``) for what is no receipt.
        """
        with self._locked():
            message = self._received(receipt)
            if message is not None and message.receipt == receipt:
                self._file(message.id).unlink()

    def change_visibility(self, receipt: str, visibility_s: float) -> None:
        """Hide a message that was received for so long from now on; 0 gives it back.

        Errors: ``StorageError`` (``receipt-invalid``) where it is not received under this receipt.
        """
        with self._locked():
            message = self._received(receipt)
            if message is None or message.receipt != receipt:
                raise _not_a_receipt(receipt)
            self._keep(replace(message, visible_at=self._clock.now() + visibility_s))

    def purge(self) -> None:
        """Delete every message."""
        with self._locked():
            for message in self._all():
                self._file(message.id).unlink()

    def counts(self) -> Counts:
        """How many messages there are."""
        now = self._clock.now()
        with self._told():
            messages = self._all()
        hidden = [message for message in messages if message.visible_at > now]
        delayed = sum(not message.received for message in hidden)
        return Counts(len(messages) - len(hidden), len(hidden) - delayed, delayed)

    def _received(self, receipt: str) -> Message | None:
        """The message that a receipt is for, as it is now."""
        id, _, number = receipt.rpartition(".")
        if not re.fullmatch(r"[0-9a-f-]{36}", id) or not number.isdecimal():
            raise _not_a_receipt(receipt)
        return _read(self._file(id))

    def _all(self) -> list[Message]:
        """Every message, oldest first."""
        found = [_read(self._messages / name) for name in os.listdir(self._messages)
                 if not name.startswith(".")]  # fmt: skip
        return sorted(
            (message for message in found if message is not None),
            key=lambda message: (message.sent_at, message.id),
        )

    def _file(self, id: str) -> Path:
        return self._messages / f"{id}.json"

    def _keep(self, message: Message, *, durable: bool = False) -> None:
        replace_file(self._file(message.id), json.dumps(asdict(message)).encode(), durable=durable)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep every other reader away; the kernel lets go of the lock of one that died."""
        with self._told():
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(self._folder / "lock", flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
            finally:
                os.close(descriptor)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise StorageError(
                f"the queue {self._folder} cannot be used: {problem.strerror}", code="queue-failed"
            ) from problem


def _read(file: Path) -> Message | None:
    """The message in a file; None where it is gone, or is none of ours."""
    with suppress(OSError, ValueError, TypeError):
        return Message(**json.loads(file.read_bytes()))
    return None


def _not_a_receipt(receipt: str) -> StorageError:
    return StorageError(
        f"{receipt!r} is no receipt of a message that is being worked on",
        code="receipt-invalid",
        hint="Use the ReceiptHandle of the last ReceiveMessage.",
    )
