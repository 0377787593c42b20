"""The data of the job: files to a table of features and a target, in two parts."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

import numpy as np  # type: ignore[import-not-found,unused-ignore]
import pandas as pd  # type: ignore[import-untyped,import-not-found,unused-ignore]

from .inference import Frame, read_csv, typed
from .problem import PARQUET, AutoMLError, Problem, class_name


@dataclass(frozen=True)
class Table:
    """Typed features, and the target as numbers: a quantity, or the position of a class."""

    features: Frame
    target: Any

    def pick(self, rows: Any) -> Table:
        """The rows at these positions."""
        return Table(self.features.iloc[rows].reset_index(drop=True), self.target[rows])


def read(folder: Path, target: str, content_type: str) -> Frame:
    """All files of a channel, rows without a target left out; cells are text.

    Errors: ``AutoMLError`` where they cannot be read, differ, or have no such column.
    """
    files = sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith((".", "_"))
    )
    if not files:
        raise AutoMLError(f"Channel {folder.name} has no files.")
    names, first = _file(files[0], content_type)
    frames = [first]
    for file in files[1:]:
        header, frame = _file(file, content_type)
        if header != names:
            raise AutoMLError(f"{file.name} does not have the columns of {files[0].name}.")
        frames.append(frame)
    frame = pd.concat(frames, ignore_index=True).set_axis(names, axis=1)
    if target not in frame.columns:
        raise AutoMLError(
            f"Channel {folder.name} has no column {target!r} (TargetAttributeName); it has"
            f" {', '.join(names[:20])}."
        )
    return frame[frame[target].notna()].reset_index(drop=True)


def _file(file: Path, content_type: str) -> tuple[list[str], Frame]:
    """The names in a file's header, and the rows below it."""
    try:
        if content_type == PARQUET:
            # the cells as a request in CSV has them
            cells = read_csv(io.StringIO(pd.read_parquet(file).to_csv(index=False)))
        else:
            cells = read_csv(file)
    except (ValueError, OSError) as problem:
        raise AutoMLError(f"{file.name} cannot be read: {problem}") from problem
    names = list(cells.iloc[0])
    if len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
        raise AutoMLError(f"The header of {file.name} has names that are empty or not unique.")
    return names, cells[1:]


def kinds(frame: Frame, target: str) -> dict[str, str]:
    """Each feature's kind: ``number`` where every cell is one, else ``text``.

    A column without a single value is ``empty``: a request has it, the pipelines do not see it.

    Errors: ``AutoMLError`` where there is nothing else.
    """
    found = {name: _kind(frame[name].dropna()) for name in frame.columns if name != target}
    if not set(found.values()) - {"empty"}:
        raise AutoMLError(f"There are no columns with values beside {target}.")
    return found


def _kind(values: Any) -> str:
    if values.empty:
        return "empty"
    return "number" if pd.to_numeric(values, errors="coerce").notna().all() else "text"


def table(frame: Frame, target: str, columns: Mapping[str, str], problem: Problem) -> Table:
    """Features and target of rows. Errors: ``AutoMLError`` for columns or classes that differ."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise AutoMLError(f"The validation data has no column {', '.join(missing)}.")
    if not problem.classifies:
        values = pd.to_numeric(frame[target], errors="coerce")
        if values.isna().any():
            raise AutoMLError(f"{target} of the validation data holds what is no number.")
        return Table(typed(frame, columns), values.to_numpy(float))
    positions = {name: position for position, name in enumerate(problem.classes)}
    names = [class_name(cell) for cell in frame[target]]
    strange = sorted(set(names) - set(positions))
    if strange:
        raise AutoMLError(
            f"{target} of the validation data has classes that the training data lacks:"
            f" {', '.join(strange[:5])}."
        )
    return Table(typed(frame, columns), np.array([positions[name] for name in names]))


def split(whole: Table, fraction: float, problem: Problem, seed: int) -> tuple[Table, Table]:
    """Rows to train with and rows to validate with, drawn by the seed, class by class.

    Each part has at least one row, and two rows, of each class.
    """
    chance = np.random.default_rng(seed)
    groups = [whole.target == position for position in range(len(problem.classes))]
    chosen = np.zeros(len(whole.target), dtype=bool)
    for group in groups or [np.ones(len(whole.target), dtype=bool)]:
        rows = chance.permutation(np.flatnonzero(group))
        chosen[rows[: min(max(1, round(fraction * len(rows))), len(rows) - 2)]] = True
    return whole.pick(np.flatnonzero(~chosen)), whole.pick(np.flatnonzero(chosen))
