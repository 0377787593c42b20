"""Environments on disk: built once, shared by every run, found again in under a millisecond.

``<root>/<key>`` holds one environment. It is in use only once ``complete.json`` lies in it, which
is written last; anything else there is a build that was cut short and is built anew. A lock file
beside it lets one process build while others wait.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from engine.environments.catalog import Resolution
from engine.environments.grade import Grade
from engine.environments.installation import Installation, OnLine
from engine.environments.installer import Installer, find_installer
from engine.errors import EnvironmentError_

MARKER = "complete.json"
_LOCK_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python environment that a job can run in.

    Attributes:
        python: its interpreter.
        bin: the folder to put first in ``PATH``.
        key: identity by content; empty for an interpreter of the host.
        path: its folder; for an interpreter of the host, the one above ``bin``.
    """

    python: Path
    bin: Path
    key: str
    grade: Grade
    path: Path


@dataclass(frozen=True, slots=True)
class BuiltEnvironment:
    """An environment on disk, as ``doctor`` lists it.

    Attributes:
        complete: False where a build was cut short; it is never used.
        built_at: Unix time in seconds.
        seconds: how long the build took.
    """

    key: str
    path: Path
    complete: bool
    requirements: tuple[str, ...] = ()
    interpreter: str = ""
    installer: str = ""
    built_at: float = 0.0
    seconds: float = 0.0


class Environments:
    """The environments below one folder.

    Args:
        root: ``<home>/environments``; made when first needed.
        interpreter: the Python that environments are built with.
        installer: what fills them; found on this host by default.
        offline: use the installer's cache only.
    """

    def __init__(
        self,
        root: Path,
        interpreter: str,
        installer: Installer | None = None,
        *,
        offline: bool = False,
    ) -> None:
        self._root = root
        self._interpreter = interpreter
        self._installer = installer or find_installer()
        self._offline = offline

    async def ensure(
        self,
        resolution: Resolution,
        *,
        extra_requirements: Path | None = None,
        on_line: OnLine = lambda line: None,
    ) -> Environment:
        """The environment of a resolution, built first where it is not there.

        Args:
            resolution: what ``resolve`` says about an image.
            extra_requirements: a step's ``requirements.txt``, installed over the pins as the
                containers do it; gives an environment of its own.
            on_line: gets the installer's lines while it builds.

        Raises:
            EnvironmentError_: the image cannot run here, or the build fails.
        """
        if resolution.kind == "refused":
            raise EnvironmentError_(
                f"{resolution.image.uri} cannot run here: {'; '.join(resolution.notes)}.",
                code="image-not-runnable",
                hint="Name an environment for this image in the configuration, or run it on AWS.",
            )
        interpreter = resolution.python or self._interpreter
        extra = _read_requirements(extra_requirements)
        if resolution.kind == "host" and not extra:
            return _host(interpreter, resolution.grade)
        key = _key(resolution, interpreter, extra)
        folder = self._root / key
        if not _usable(folder):
            plan = _Plan(
                key, folder, interpreter, resolution, extra_requirements if extra else None
            )
            async with self._lock(key, on_line):
                if not _usable(folder):
                    await self._build(plan, on_line)
        python = folder / "bin" / "python"
        return Environment(python, python.parent, key, resolution.grade, folder)

    def list(self) -> list[BuiltEnvironment]:
        """Every environment on disk, oldest first."""
        if not self._root.is_dir():
            return []
        folders = (entry for entry in self._root.iterdir() if entry.is_dir())
        return sorted((_read(folder) for folder in folders), key=lambda built: built.built_at)

    def remove(self, key: str) -> None:
        """Delete an environment; one that is being built is left alone.

        Raises:
            EnvironmentError_: there is none of this key, or it is being built.
        """
        folder = self._root / key
        if folder.parent != self._root or not folder.is_dir():
            raise EnvironmentError_(f"There is no environment {key}.", code="environment-not-found")
        with _try_lock(self._lock_file(key)) as held:
            if not held:
                raise EnvironmentError_(
                    f"Environment {key} is being built.",
                    code="environment-busy",
                    hint="Wait until the build ends.",
                )
            (folder / MARKER).unlink(missing_ok=True)
            shutil.rmtree(folder)

    async def _build(self, plan: _Plan, on_line: OnLine) -> None:
        started = time.monotonic()
        await asyncio.to_thread(shutil.rmtree, plan.folder, ignore_errors=True)
        log = self._root / f"{plan.key}.log"
        log.write_text("", encoding="utf-8")
        run = Installation(self._installer, log, on_line)
        await run(self._installer.create(plan.interpreter, plan.folder))
        if plan.resolution.kind == "host":
            await _see_packages_of(plan.interpreter, plan.folder)
        python = plan.folder / "bin" / "python"
        # What it is seeded with, too: else the first job that calls pip would write into it.
        await run((str(python), "-m", "compileall", "-qq", str(plan.folder / "lib")))
        pins = plan.folder / "requirements.txt"
        pins.write_text("\n".join([*plan.resolution.requirements, ""]), encoding="utf-8")
        if plan.resolution.requirements:
            await self._install(run, python, pins)
        if plan.extra_requirements is not None:
            await self._install(run, python, plan.extra_requirements)
        marker = {
            "requirements": [
                *plan.resolution.requirements,
                *_read_requirements(plan.extra_requirements).splitlines(),
            ],
            "interpreter": plan.interpreter,
            "installer": self._installer.name,
            "built_at": time.time(),
            "seconds": round(time.monotonic() - started, 3),
        }
        unfinished = plan.folder / f"{MARKER}.new"
        unfinished.write_text(json.dumps(marker, indent=1), encoding="utf-8")
        unfinished.rename(plan.folder / MARKER)

    async def _install(self, run: Installation, python: Path, requirements: Path) -> None:
        """Install a layer; without a network, from what the installer has kept."""
        command = self._installer.install(python, requirements, offline=self._offline)
        try:
            await run(command, requirements.parent)
        except EnvironmentError_:
            if self._offline or not run.network_trouble:
                raise
            command = self._installer.install(python, requirements, offline=True)
            await run(command, requirements.parent)

    def _lock_file(self, key: str) -> Path:
        return self._root / f"{key}.lock"

    @asynccontextmanager
    async def _lock(self, key: str, on_line: OnLine) -> AsyncIterator[None]:
        """Hold the right to build ``key``; waits for another process that has it."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        waiting = False
        while True:
            with _try_lock(self._lock_file(key)) as held:
                if held:
                    yield
                    return
            if not waiting:
                on_line(f"Waiting for another process that builds environment {key}")
                waiting = True
            await asyncio.sleep(_LOCK_POLL_S)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to build and where."""

    key: str
    folder: Path
    interpreter: str
    resolution: Resolution
    extra_requirements: Path | None


async def _see_packages_of(interpreter: str, folder: Path) -> None:
    """Let an environment import what an interpreter of the host has, behind its own packages."""
    program = "import sys; print('\\n'.join(p for p in sys.path if 'site-packages' in p))"
    process = await asyncio.create_subprocess_exec(
        interpreter, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    paths, _ = await process.communicate()
    _write_path_file(folder, paths)


def _write_path_file(folder: Path, paths: bytes) -> None:
    for site_packages in folder.glob("lib/python*/site-packages"):
        (site_packages / "host.pth").write_bytes(paths)


def _key(resolution: Resolution, interpreter: str, extra: str) -> str:
    """Identity of the environment to build: its pins or its interpreter, and the step's own."""
    base = resolution.key or _hash(os.path.realpath(interpreter), interpreter)
    return _hash(base, extra) if extra else base


def _usable(folder: Path) -> bool:
    """Whether the build was finished and the interpreter below it is still there."""
    return (folder / MARKER).exists() and (folder / "bin" / "python").exists()


def _host(interpreter: str, grade: Grade) -> Environment:
    python = Path(shutil.which(interpreter) or interpreter)
    if not python.exists():
        raise EnvironmentError_(
            f"There is no Python at {interpreter}.",
            code="environment-interpreter-missing",
            hint="Name an interpreter that exists in the configuration.",
        )
    return Environment(python, python.parent, "", grade, python.parent.parent)


def _read_requirements(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentError_(
            f"The step's requirements cannot be read: {error}.",
            code="requirements-unreadable",
            file=str(file),
        ) from error


def _read(folder: Path) -> BuiltEnvironment:
    try:
        marker: dict[str, Any] = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return BuiltEnvironment(folder.name, folder, complete=False)
    return BuiltEnvironment(
        folder.name,
        folder,
        complete=True,
        requirements=tuple(marker["requirements"]),
        interpreter=marker["interpreter"],
        installer=marker["installer"],
        built_at=marker["built_at"],
        seconds=marker["seconds"],
    )


@contextmanager
def _try_lock(file: Path) -> Iterator[bool]:
    """Whether the lock could be had at once; it ends with the block or with the process."""
    import fcntl

    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = True
    except BlockingIOError:
        held = False
    try:
        yield held
    finally:
        os.close(descriptor)


def _hash(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:16]
