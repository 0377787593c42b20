"""A bench for job runners: each one that works on this host, jobs for it, pipes into them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.jobs import ladder
from engine.jobs.base import Job, JobRunner

PATH = "/usr/bin:/bin"
PODMAN = ("--runtime=runc", "--ulimit=nofile=1024:20000", "--ulimit=nproc=1000:1000")
PODMAN_OPTIONS = ("--network=host", *PODMAN)
IMAGE = "localhost/pipetui-contract:latest"
PATIENCE_S = 60
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def probe(tmp_path_factory: pytest.TempPathFactory) -> ladder.Probe:
    cache = tmp_path_factory.mktemp("home") / "job-runners.json"
    return asyncio.run(ladder.probe(str(cache)))


@pytest.fixture(scope="session")
def image(probe: ladder.Probe, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A small image out of the host's own programs; skips where no container can run."""
    if not probe.findings["container"].works:
        pytest.skip(probe.findings["container"].why)
    tool = probe.findings["container"].detail["tool"]
    archive = tmp_path_factory.mktemp("image") / "root.tar"
    with tarfile.open(archive, "w") as tar:
        for path in _with_libraries("sh", "sleep", "cat", "head", "env", "ls"):
            tar.add(os.path.realpath(path), path)
    subprocess.run([tool, "import", archive, IMAGE], check=True, capture_output=True)
    trial = subprocess.run(
        [tool, "run", "--rm", *PODMAN_OPTIONS, IMAGE, "/bin/sh", "-c", "exit 7"],
        capture_output=True,
        text=True,
        check=False,
    )
    if trial.returncode != 7:
        pytest.skip(f"no container can run: {trial.stderr}")
    yield IMAGE
    subprocess.run([tool, "rmi", "--force", IMAGE], check=True, capture_output=True)


def _with_libraries(*programs: str) -> set[str]:
    paths = set()
    for program in programs:
        path = f"/bin/{program}"
        listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        paths |= {path, *(word for word in listed.split() if word.startswith("/"))}
    return paths


@dataclass
class Bench:
    """One runner, and jobs for it whose files the test can find from outside."""

    runner: JobRunner
    home: Path
    image: str = ""
    count: int = field(default=0)

    @property
    def name(self) -> str:
        return self.runner.name

    def job(self, *command: str, **more: str) -> Job:
        self.count += 1
        directory = self.home / f"attempt {self.count}"
        (directory / "ml").mkdir(parents=True, mode=0o700)
        return Job(
            id=f"execution/step/{os.getpid()}.{self.count}",
            directory=str(directory),
            command=command,
            environment={"PATH": PATH, **more},
            ml="" if self.name == "process" else str(directory / "ml"),
            working_directory=str(directory / "ml") if self.name == "process" else "/opt/ml",
            image=self.image,
        )

    def script(self, text: str, **more: str) -> Job:
        """A job whose shell script finds its files in its working directory."""
        return self.job("sh", "-c", text, **more)


@pytest.fixture(
    params=[
        "process",
        "namespace",
        "rewrite",
        pytest.param("container", marks=pytest.mark.container),
    ]
)
def bench(request: pytest.FixtureRequest, probe: ladder.Probe, tmp_path: Path) -> Bench:
    finding = probe.findings[request.param]
    if not finding.works:
        pytest.skip(f"{request.param}: {finding.why}")
    image = request.getfixturevalue("image") if request.param == "container" else ""
    return Bench(ladder.choose(probe, request.param, PODMAN_OPTIONS), tmp_path, image)


def log(job: Job) -> bytes:
    return Path(job.directory, "job.log").read_bytes()


def read(job: Job, name: str) -> str:
    return Path(job.directory, "ml", name).read_text()


def write(job: Job, name: str, text: str) -> None:
    path = Path(job.directory, "ml", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class Fifos:
    """Named pipes in a job's working directory, to be told of its progress and to hold it up."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def ear(self, job: Job, name: str) -> Ear:
        """One that the job writes to, or holds open as a sign of life."""
        return Ear(self._open(job, name, os.O_RDONLY))

    def gate(self, job: Job, name: str) -> Gate:
        """One that the job reads from, and so waits at."""
        return Gate(self._open(job, name, os.O_RDWR))

    def close(self) -> None:
        self._stack.close()

    def _open(self, job: Job, name: str, mode: int) -> int:
        path = Path(job.directory, "ml", name)
        os.mkfifo(path)
        descriptor = os.open(path, mode | os.O_NONBLOCK)
        self._stack.callback(os.close, descriptor)
        return descriptor


@dataclass
class Ear:
    descriptor: int

    async def heard(self) -> bytes:
        """The next bytes that come; none once all who had it open are gone."""
        loop, ready = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.descriptor, ready.set)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await ready.wait()
        finally:
            loop.remove_reader(self.descriptor)
        return os.read(self.descriptor, 100)


@dataclass
class Gate:
    descriptor: int

    def open(self) -> None:
        os.write(self.descriptor, b"go\n")


@pytest.fixture
def fifos() -> Iterator[Fifos]:
    fifos = Fifos()
    yield fifos
    fifos.close()
