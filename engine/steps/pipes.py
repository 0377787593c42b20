"""Pipe mode: inputs that a job reads from named pipes, one for each epoch (sections 4.1 and 4.2).

What an input selects lies joined in a file beside the job's ``/opt/ml``; a shell that turns into
the job's command starts the feeders, which end with the job (see ``programs/feed_pipes.sh``).
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import JobError, PlanError
from engine.jobs.base import Job
from engine.jobs.process import shell
from engine.steps.hosts import Host
from engine.steps.inputs import bring
from engine.steps.opt_ml import ROOT
from engine.steps.programs import __file__ as programs
from engine.storage.tree import LocalTree

PROGRAM = str(Path(programs).parent / "feed_pipes.sh")
_RECORD_MAGIC = struct.pack("<I", 0xCED7230A)
_RECORD_LIMIT = 1 << 29
"""Bytes that a record of RecordIO stays below: its length has 29 bits."""


@dataclass(frozen=True, slots=True)
class Pipe:
    """An input to stream.

    Args:
        what: for people, such as ``channel train``.
        path: as the job sees it, without the epoch: ``/opt/ml/input/data/train``.
        source: an S3DataSource or an S3Input.
        compression: ``Gzip``, or ``None`` or nothing.
        records: whether each object is wrapped as a record of RecordIO.
        below: the folder that ``path`` has to lie in.
    """

    what: str
    path: str
    source: Mapping[str, Any]
    compression: Any = None
    records: bool = False
    below: str = ROOT


def refuse_pipe(step: Step, what: str, config: Config) -> PlanError | None:
    """Why an input cannot be streamed under this configuration."""
    if config.job_runner not in ("container", "process"):
        return None
    return PlanError(
        f"{step.name}: {what} is to be streamed (input mode Pipe), which the job runner"
        f" {config.job_runner} cannot do",
        code="pipe-mode-unsupported",
        hint="Set jobs.runner to auto, or use the input mode File or FastFile.",
        path=step.path,
    )


def stage(tree: LocalTree, host: Host, pipes: Sequence[Pipe]) -> None:
    """Join what each input selects for a host into the file that its pipes give.

    Errors: those of ``bring``; ``JobError`` (``record-too-large``, ``path-outside-opt-ml``).
    """
    for number, pipe in enumerate(pipes):
        place = host.ml.host_path(pipe.path, pipe.below)
        os.makedirs(place.parent, mode=0o700, exist_ok=True)
        stream = _stream(host, number)
        parts = stream.with_suffix(".parts")
        bring(tree, host, pipe.source, parts, what=pipe.what, compression=pipe.compression)
        with stream.open("wb") as joined:
            for file in _files(parts):
                if pipe.records:
                    _write_record(joined, file, pipe.what)
                else:
                    with file.open("rb") as data:
                        shutil.copyfileobj(data, joined)
        shutil.rmtree(parts)


def fed(job: Job, host: Host, pipes: Sequence[Pipe]) -> Job:
    """The job of a host with its pipes; as it is where it has none."""
    if not pipes:
        return job
    words = [
        word
        for number, pipe in enumerate(pipes)
        for word in (pipe.path, str(_stream(host, number)))
    ]
    return replace(job, command=(shell(), PROGRAM, str(len(pipes)), *words, *job.command))


def remove(hosts: Sequence[Host], pipes: Sequence[Pipe]) -> None:
    """Take away the pipes that no job reads any more, on which a reader would wait for ever."""
    for host in hosts:
        for pipe in pipes:
            place = host.ml.host_path(pipe.path)
            for left in place.parent.glob("*_*"):
                if left.is_fifo() and left.name.rpartition("_")[0] == place.name:
                    left.unlink()


def _stream(host: Host, number: int) -> Path:
    return host.folder / "pipes" / str(number)


def _files(folder: Path) -> list[Path]:
    """The files below a folder, in the order of their keys."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(found, key=lambda path: os.fsencode(path.relative_to(folder)))


def _write_record(joined: IO[bytes], file: Path, what: str) -> None:
    if file.stat().st_size >= _RECORD_LIMIT:
        raise JobError(
            f"ClientError: {what}: {file.name} is too large to be one record of RecordIO",
            code="record-too-large",
            hint="Split it into files below 512 MiB, or leave RecordWrapperType out.",
        )
    for part in _record(file.read_bytes()):
        joined.write(part)


def _record(data: bytes) -> Iterator[bytes]:
    """An object as a record of MXNet's RecordIO, padded to four bytes.

    A magic number within it, at a multiple of four, is left out and parts the record there: the
    three bits above the length tell a whole record (0) from first, middle and last parts (1, 2, 3).
    """
    start = 0
    at = data.find(_RECORD_MAGIC)
    while at >= 0:
        if at % 4:
            at = data.find(_RECORD_MAGIC, at + 1)
            continue
        yield _RECORD_MAGIC + struct.pack("<I", (2 if start else 1) << 29 | at - start)
        yield data[start:at]
        start = at + 4
        at = data.find(_RECORD_MAGIC, start)
    yield _RECORD_MAGIC + struct.pack("<I", (3 if start else 0) << 29 | len(data) - start)
    yield data[start:]
    yield bytes(-len(data) % 4)
