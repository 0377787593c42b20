"""What of this host and home works, what does not, and what to do about it."""

from __future__ import annotations

import platform
import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.errors import PipetuiError
from engine.home import Home

LOW_SPACE = 1_000_000_000
"""Bytes of free disk below which a run is likely to fail."""
_ESCAPED = re.compile(r"\\([0-7]{3})")
NETWORK_FILESYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "lustre", "gpfs", "beegfs", "ceph", "9p"}
)
"""SQLite's write-ahead log needs shared memory, which these do not share between hosts."""


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    Args:
        area: what was looked at: ``home``, ``store``, ``runner``, ``jobs``, ...
        detail: what was found, in a few words.
        hint: what to do about it; empty where nothing needs doing.
    """

    area: str
    state: State
    detail: str
    hint: str = ""


async def diagnose(home: Home) -> list[Check]:
    """Look at everything a run needs. A check that breaks is a failure of its own area."""
    try:
        home.prepare()
    except PipetuiError as problem:
        return [_failure("home", problem), *_collect("python", _python)]
    return [
        *_collect("home", lambda: _home(home)),
        *_collect("store", lambda: _store(home)),
        *_collect("runner", lambda: _runners(home)),
        *_collect("config", lambda: _config(home)),
        *await _jobs(home),
        *_collect("environments", lambda: _environments(home)),
        *_collect("python", _python),
    ]


def _collect(area: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    found: list[Check] = []
    try:
        found.extend(look())
    except PipetuiError as problem:
        found.append(_failure(area, problem))
    except (OSError, sqlite3.Error) as problem:
        found.append(Check(area, State.FAILURE, str(problem)))
    return found


def _failure(area: str, problem: PipetuiError) -> Check:
    return Check(area, State.FAILURE, problem.message, problem.hint)


def _home(home: Home) -> Iterator[Check]:
    yield Check("home", State.OK, str(home.root))
    kind = filesystem_of(home.root, Path("/proc/self/mountinfo").read_text("utf-8", "replace"))
    if kind in NETWORK_FILESYSTEMS:
        yield Check(
            "home",
            State.WARNING,
            f"it lies on a network file system ({kind}), where the store can be damaged",
            "Choose a folder on a local disk with --home or PIPETUI_HOME.",
        )
    free = shutil.disk_usage(home.root).free
    state = State.WARNING if free < LOW_SPACE else State.OK
    hint = "Free some space." if free < LOW_SPACE else ""
    yield Check("home", state, f"{free / 1e9:.1f} GB free, file system {kind or 'unknown'}", hint)


def filesystem_of(path: Path, mountinfo: str) -> str:
    """The kind of file system a path lies on, by the text of ``/proc/self/mountinfo`` (proc(5))."""
    found, longest = "", -1
    for line in mountinfo.splitlines():
        head, _, tail = line.partition(" - ")
        fields = head.split()
        if len(fields) < 5 or not tail:
            continue
        point = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), fields[4])
        # The last of several mounts on one point is the one in sight.
        if path.is_relative_to(point) and len(point) >= longest:
            found, longest = tail.split()[0], len(point)
    return found


def _store(home: Home) -> Iterator[Check]:
    from engine.store.connection import connect

    if not home.database.exists():
        yield Check("store", State.OK, "none yet; the first run makes it")
        return
    db = connect(home.database, read_only=True)
    try:
        said = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
        executions, events = (
            int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
            for table in ("execution", "event")
        )
    finally:
        db.close()
    size = home.database.stat().st_size / 1e6
    if said == "ok":
        what = f"sound: {executions} executions, {events} events, {size:.1f} MB"
        yield Check("store", State.OK, what)
    else:
        hint = "Copy the file, then salvage it with the sqlite3 command's .recover."
        yield Check("store", State.FAILURE, f"damaged: {said}", hint)


def _runners(home: Home) -> Iterator[Check]:
    from engine.runner.process import alive
    from engine.store import queries
    from engine.store.connection import connect

    if not home.database.exists():
        yield Check("runner", State.OK, "no execution is under way")
        return
    db = connect(home.database, read_only=True)
    try:
        unfinished = queries.unfinished(db)
        holders = {one.id: queries.holder(db, one.id) for one in unfinished}
    finally:
        db.close()
    if not unfinished:
        yield Check("runner", State.OK, "no execution is under way")
    for one in unfinished:
        holder = holders[one.id]
        if holder is not None and alive(holder):
            where = f"process {holder.pid} on {holder.host}, lease epoch {one.epoch}"
            yield Check("runner", State.OK, f"{one.id} {one.pipeline}: {where}")
        else:
            what = f"{one.id} {one.pipeline}: its runner (process {one.runner_pid}) is gone"
            yield Check("runner", State.WARNING, what, "`pipetui resume` starts a new one.")


def _config(home: Home) -> Iterator[Check]:
    from engine.config import load_config

    config = load_config(home.config)
    there = home.config if home.config.exists() else "no config.toml; all defaults"
    yield Check("config", State.OK, f"{there}; up to {config.parallel} steps at once")


async def _jobs(home: Home) -> list[Check]:
    from engine.jobs.ladder import Probe, probe

    try:
        found: Probe = await probe(str(home.root / "host" / "probe.json"))
    except PipetuiError as problem:
        return [_failure("jobs", problem)]
    best = next((name for name, finding in found.findings.items() if finding.works), "")
    checks = []
    for name, finding in found.findings.items():
        words = (
            f"{name}: {finding.why}" if finding.works else f"{name} does not work: {finding.why}"
        )
        mark = " (taken first)" if name == best else ""
        checks.append(Check("jobs", State.OK if finding.works else State.WARNING, words + mark))
    return checks


def _environments(home: Home) -> Iterator[Check]:
    from engine.config import load_config
    from engine.environments.build import Environments
    from engine.environments.installer import find_installer
    from engine.steps.container import base_interpreter

    interpreter = base_interpreter(load_config(home.config))
    installer = find_installer()
    yield Check("environments", State.OK, f"built on {interpreter} with {installer.name}")
    for built in Environments(home.environments, interpreter, installer).list():
        yield _environment(built)


def _environment(built: Any) -> Check:
    if not built.complete:
        what = f"{built.key}: its build was cut short; the next use builds it anew"
        return Check("environments", State.WARNING, what)
    few = ", ".join(built.requirements[:3])
    more = f" and {len(built.requirements) - 3} more" if len(built.requirements) > 3 else ""
    return Check("environments", State.OK, f"{built.key}: {few}{more}, {built.seconds:.0f} s")


def _python() -> Iterator[Check]:
    here = f"{platform.python_implementation()} {platform.python_version()}"
    yield Check("python", State.OK, f"{here}, {sys.executable}")
    yield Check("python", State.OK, f"SQLite {sqlite3.sqlite_version}")
