"""The files of a tuning job: its training jobs' state, leaderboard, log, and record in the home."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import DefinitionError
from engine.jobs.attempt import LOG
from engine.steps.metrics import LINE_LIMIT, MetricDefinition, metrics_of_line
from engine.tuning.leaderboard import TrainingJob

READ_AT_ONCE = 1 << 20
"""Bytes of a log that are held in memory."""
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")


class TuningFiles:
    """Files in an attempt's folder.

    ``children/001.json`` says what the first training job is, before it starts, and how it ended;
    its own folder is ``children/001``, or ``children/001.2`` where that one's job was lost.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.children = folder / "children"

    def jobs(self) -> list[TrainingJob]:
        """The training jobs on record, by number."""
        files = sorted(self.children.glob("*.json"))
        found = [msgspec.json.decode(file.read_bytes(), type=TrainingJob) for file in files]
        return sorted(found, key=lambda job: job.number)

    def keep(self, job: TrainingJob) -> None:
        """Put a training job on record, or its end."""
        self.children.mkdir(mode=0o700, exist_ok=True)
        write_json(self.children / f"{job.number:03d}.json", job)

    def show_leaderboard(self, board: Mapping[str, Any]) -> None:
        """Write ``leaderboard.json``."""
        write_json(self._folder / "leaderboard.json", board)

    def say(self, line: str) -> None:
        """Add a line to the step's own log."""
        with open(self._folder / LOG, "a", encoding="utf-8", opener=_private) as file:
            file.write(line.replace("\n", " ") + "\n")


class ObjectiveLog:
    """The values of one metric in a log, while it grows.

    Args:
        definitions: the metric's own; of several that match a line the last counts.
    """

    def __init__(self, path: Path, definitions: Sequence[MetricDefinition]) -> None:
        self.values: list[float] = []
        self._path = path
        self._definitions = definitions
        self._read = 0
        self._begun = b""

    def look(self, *, ended: bool = False) -> None:
        """Take in what was written since; a line without an end counts when the job has ended."""
        try:
            file = self._path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self._read)
            while piece := file.read(READ_AT_ONCE):
                self._read += len(piece)
                *lines, rest = (self._begun + piece).split(b"\n")
                self._begun = rest[:LINE_LIMIT]
                for line in lines:
                    self._take(line)
        if ended:
            self._take(self._begun)
            self._begun = b""

    def _take(self, line: bytes) -> None:
        text = line[:LINE_LIMIT].decode("utf-8", "replace")
        found = [value for _, value in metrics_of_line(self._definitions, text)]
        self.values += found[-1:]


def keep_record(home: Path, record: Mapping[str, Any]) -> None:
    """Keep what a tuning job found out, for those that start warm."""
    folder = home / "tuning"
    folder.mkdir(mode=0o700, exist_ok=True)
    write_json(folder / f"{record['HyperParameterTuningJobName']}.json", record)


def read_record(home: Path, name: str) -> dict[str, Any]:
    """The record of a tuning job of this home that has ended.

    Errors: ``DefinitionError`` (``tuning-parent-unknown``).
    """
    if _NAME.fullmatch(name):
        try:
            found: dict[str, Any] = msgspec.json.decode(
                (home / "tuning" / f"{name}.json").read_bytes()
            )
            return found
        except FileNotFoundError:
            pass
    raise DefinitionError(
        f"this home has no ended tuning job {name!r}",
        code="tuning-parent-unknown",
        hint="A parent's name is the property HyperParameterTuningJobName of its step.",
    )


def write_json(path: Path, value: Any) -> None:
    """Write a file in one step: who reads it meanwhile finds the old one or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with open(draft, "wb", opener=_private) as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=1))
    os.replace(draft, path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
