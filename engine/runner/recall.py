"""Finds results that an earlier execution computed from the same inputs."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.clock import Clock
from engine.definition.document import Step
from engine.errors import StorageError
from engine.model.views import StepView
from engine.planning.cache_key import CACHEABLE, cache_key, differences, digest, local_uris
from engine.storage.tree import LocalTree
from engine.store.base import EventStore

_SHOWN = 3
"""Differences that a reason names."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the cache says of a step: a result that fits, or why there is none."""

    key: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    found: StepView | None = None
    why: str = ""


class Memory:
    """The results of a pipeline's earlier executions (section 3.7 of the pipelines reference).

    Args:
        tree: to look at files beside the definition, whose content counts.
    """

    def __init__(self, store: EventStore, pipeline: str, tree: LocalTree, clock: Clock) -> None:
        self._store = store
        self._pipeline = pipeline
        self._tree = tree
        self._clock = clock

    async def recall(self, step: Step, arguments: Any, resolve: Callable[[Any], Any]) -> Recalled:
        """A result for a step that is about to start with these arguments."""
        if step.cache is None or not step.cache.enabled or step.type not in CACHEABLE:
            return Recalled()
        prints = await asyncio.to_thread(self._fingerprints, local_uris(arguments))
        key = cache_key(step, arguments, resolve(dict(step.extra)), prints)
        mark = digest(key)
        lifetime = step.cache.expire_after_s
        since = 0.0 if lifetime is None else self._clock.now() - lifetime
        found = await self._store.cached(self._pipeline, step.name, mark, since=since)
        if found is not None:
            return Recalled(key, mark, found)
        return Recalled(key, mark, None, await self._why(step, key, mark))

    async def _why(self, step: Step, key: dict[str, Any], mark: str) -> str:
        """Why nothing fits: field by field against the last result."""
        if await self._store.cached(self._pipeline, step.name, mark) is not None:
            return f"cache: the result has expired after {step.cache and step.cache.expire_after}"
        last = await self._store.cached(self._pipeline, step.name)
        if last is None:
            return "cache: no earlier result"
        changed = differences(last.cache_key, key)
        words = [f"{one.field}: {one.before!r} -> {one.now!r}" for one in changed[:_SHOWN]]
        rest = len(changed) - _SHOWN
        more = f" and {rest} more" if rest > 0 else ""
        return f"cache: changed since {last.execution_id}: {'; '.join(words)}{more}"

    def _fingerprints(self, uris: list[str]) -> dict[str, str]:
        found = {}
        for uri in uris:
            try:
                found[uri] = fingerprint(self._tree.path_of(uri))
            except (StorageError, OSError):
                found[uri] = "unreadable"
        return found


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files below a folder."""
    total = hashlib.sha256()
    if path.is_file():
        _add(total, path)
        return total.hexdigest()
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            file = Path(folder, name)
            total.update(f"{file.relative_to(path)}\0".encode("utf-8", "surrogateescape"))
            if file.is_file() and not file.is_symlink():
                _add(total, file)
    return total.hexdigest()


def _add(total: Any, file: Path) -> None:
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            total.update(block)
