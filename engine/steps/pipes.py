"""Pipe mode: inputs that a job reads from named pipes, one for each epoch (sections 4.1 and 4.2).

What an input selects lies joined in a file beside the job's ``/opt/ml``; a shell that turns into
the job's command starts the feeders, which end with the job (see ``programs/feed_pipes.sh``).
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from engine.config import Config
from engine.environments.algorithms.serving.framing import LIMIT, record_io
from engine.errors import JobError
from engine.jobs.base import Job
from engine.jobs.process import shell
from engine.steps.augmented_manifest import DATA_TYPE, lines_of
from engine.steps.hosts import Host
from engine.steps.inputs import bring
from engine.steps.opt_ml import ROOT
from engine.steps.programs import __file__ as programs
from engine.storage.tree import LocalTree

PROGRAM = str(Path(programs).parent / "feed_pipes.sh")

_ORDERS = 32
"""Epochs with an order of their own, then they begin again; ``feed_pipes.sh`` knows the number."""
_LINE = 500
"""Names of parts on a line, which one ``cat`` gives."""


@dataclass(frozen=True, slots=True)
class Pipe:
    """An input to stream.

    Args:
        what: for people, such as ``channel train``.
        path: as the job sees it, without the epoch: ``/opt/ml/input/data/train``.
        source: an S3DataSource or an S3Input.
        compression: ``Gzip``, or ``None`` or nothing.
        records: whether each object, or value of an augmented manifest, is wrapped as a record of
            RecordIO.
        seed: of the order in which each epoch gives the objects, or the lines of an augmented
            manifest; None for that of their keys, or lines.
        below: the folder that ``path`` has to lie in.
    """

    what: str
    path: str
    source: Mapping[str, Any]
    compression: Any = None
    records: bool = False
    seed: Any = None
    below: str = ROOT


def stage(tree: LocalTree, host: Host, pipes: Sequence[Pipe]) -> None:
    """Join what each input selects for a host into the file that its pipes give.

    Where the order changes with the epoch it is a folder: of parts, and of lists of their names.

    Errors: those of ``bring`` and ``lines_of``; ``JobError`` (``record-too-large``,
    ``path-outside-opt-ml``, ``job-setting-invalid``).
    """
    for number, pipe in enumerate(pipes):
        place = host.ml.host_path(pipe.path, pipe.below)
        os.makedirs(place.parent, mode=0o700, exist_ok=True)
        stream = _stream(host, number)
        scratch = stream.with_suffix(".parts")
        os.makedirs(scratch, mode=0o700)
        units = _units(tree, host, pipe, scratch)
        if pipe.seed is None:
            with stream.open("wb") as joined:
                for unit in units:
                    _write(joined, unit, pipe)
        else:
            _write_shuffled(stream, units, pipe, _seed(pipe))
        shutil.rmtree(scratch)


def fed(job: Job, host: Host, pipes: Sequence[Pipe], config: Config) -> Job:
    """The job of a host with its pipes; as it is where it has none.

    The job runner ``process`` shows no ``/opt/ml``: there they are below ``ml`` of its folder.
    """
    if not pipes:
        return job
    words = []
    for number, pipe in enumerate(pipes):
        plain = config.job_runner == "process"
        place = str(host.ml.host_path(pipe.path, pipe.below)) if plain else pipe.path
        words += [place, str(_stream(host, number))]
    return replace(job, before=(shell(), PROGRAM, str(len(pipes)), *words))


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


def _units(
    tree: LocalTree, host: Host, pipe: Pipe, scratch: Path
) -> Iterator[Sequence[Path | bytes]]:
    """What is given in one piece: an object, or the values of a manifest's line."""
    if pipe.source.get("S3DataType") == DATA_TYPE:
        return lines_of(tree, host, pipe.source, scratch, pipe.what)
    bring(tree, host, pipe.source, scratch, what=pipe.what, compression=pipe.compression)
    return ([file] for file in _files(scratch))


def _write(sink: IO[bytes], unit: Sequence[Path | bytes], pipe: Pipe) -> None:
    for value in unit:
        if pipe.records:
            _write_record(sink, value, pipe.what)
        elif isinstance(value, bytes):
            sink.write(value)
        else:
            with value.open("rb") as data:
                shutil.copyfileobj(data, sink)


def _seed(pipe: Pipe) -> int:
    try:
        return int(pipe.seed)
    except (TypeError, ValueError) as problem:
        raise JobError(
            f"ClientError: {pipe.what}: its ShuffleConfig has the Seed {pipe.seed!r}",
            code="job-setting-invalid",
            hint="Seed is a whole number.",
        ) from problem


def _write_shuffled(
    folder: Path, units: Iterator[Sequence[Path | bytes]], pipe: Pipe, seed: int
) -> None:
    """Parts by number, and for each of ``_ORDERS`` epochs a list of them in an order of its own."""
    folder.mkdir(mode=0o700)
    names = []
    for number, unit in enumerate(units):
        names.append(str(number))
        with (folder / names[-1]).open("wb") as part:
            _write(part, unit, pipe)
    for epoch in range(_ORDERS):
        random.Random(f"{seed} {epoch}").shuffle(names)
        lines = (" ".join(names[at : at + _LINE]) for at in range(0, len(names), _LINE))
        text = "".join(f"{line}\n" for line in lines)
        (folder / f"order-{epoch}").write_text(text, encoding="ascii")


def _files(folder: Path) -> list[Path]:
    """The files below a folder, in the order of their keys."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(found, key=lambda path: os.fsencode(path.relative_to(folder)))


def _write_record(joined: IO[bytes], value: Path | bytes, what: str) -> None:
    size = len(value) if isinstance(value, bytes) else value.stat().st_size
    if size >= LIMIT:
        name = "a value" if isinstance(value, bytes) else value.name
        raise JobError(
            f"ClientError: {what}: {name} is too large to be one record of RecordIO",
            code="record-too-large",
            hint="Split it into files below 512 MiB, or leave RecordWrapperType out.",
        )
    for part in record_io(value if isinstance(value, bytes) else value.read_bytes()):
        joined.write(part)
