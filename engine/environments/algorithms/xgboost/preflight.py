"""Reads CSV channels before training and names what XGBoost would swallow without a word.

The library takes any cell that is no number for missing or 0, a header line for one more example
with label 0, and a label column of True and False for a column of zeros. Nothing fails; the model
is wrong. Standard library only.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Iterable, Iterator, Sequence

from .errors import UserError

MODE_VARIABLE = "PIPETUI_PREFLIGHT"
MISSING_SHARE = 0.5
# what is read of a channel, so that checking never takes longer than training
BYTE_LIMIT = 128 * 1024 * 1024

_BOOLEANS = frozenset(("true", "false"))
_EXAMPLE_LENGTH = 40

_HEADER = "a header line"
_LABEL_TEXT = "a label that is no number"
_LABEL_BOOLEAN = "a True/False label"
_BOOLEAN = "a True/False cell"
_TEXT = "a cell that is no number"
_QUOTED = "a quoted number"
_CONSEQUENCES = {
    _HEADER: "XGBoost reads it as one more example with label 0; write the file without a header",
    _LABEL_TEXT: "XGBoost reads such labels as 0; encode the label as a number",
    _LABEL_BOOLEAN: "XGBoost reads such labels as 0; write them as 0 and 1",
    _BOOLEAN: "XGBoost reads such cells as missing or 0, never as 1; write them as 0 and 1",
    _TEXT: "XGBoost reads such cells as missing or 0; encode them as numbers",
    _QUOTED: "XGBoost does not take quotes off numbers; write them without",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """A cell: row and column count from 1; column 1 is the label."""

    file: str
    row: int
    column: int
    text: str


@dataclass
class Tally:
    """What was met in a channel so far; its size depends on the columns, not on the rows."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, Place] = field(default_factory=dict)
    rows: int = 0
    missing: Counter[int] = field(default_factory=Counter)
    label: float | None = None
    label_varies: bool = False

    def note(self, kind: str, place: Place) -> None:
        """Count an oddity; its first place is kept."""
        self.counts[kind] += 1
        self.first.setdefault(kind, place)

    def see_label(self, value: float) -> None:
        """Take note of the label of a row."""
        if self.label is None:
            self.label = value
        elif value != self.label:
            self.label_varies = True


def check(name: str, files: Sequence[Path], delimiter: str) -> list[str]:
    """Sentences about what would go wrong in a CSV channel; empty where all is well.

    Args:
        name: of the channel.
        files: its files; at most ``BYTE_LIMIT`` bytes of them are read, a line at a time.
        delimiter: between cells, one character.
    """
    tally = Tally()
    left = BYTE_LIMIT
    for file in files:
        if left <= 0:
            logger.info("preflight: %s: only the first files were read", name)
            break
        with file.open(encoding="utf-8", errors="replace", newline=None) as lines:
            scan(tally, file.name, _limited(lines, left), delimiter)
        left -= file.stat().st_size
    return findings(name, tally)


def report(found: Sequence[str], mode: str) -> None:
    """Log a warning for each finding.

    Raises:
        UserError: there are findings and ``mode`` is ``refuse``.
    """
    for finding in found:
        logger.warning("preflight: %s", finding)
    if found and mode == "refuse":
        raise UserError(
            f"The data would train a wrong model ({MODE_VARIABLE}=refuse): " + "; ".join(found)
        )


def mode_from_environment() -> str:
    """``warn``, ``refuse`` or ``off``, from the job's environment."""
    return os.environ.get(MODE_VARIABLE, "warn")


def scan(tally: Tally, file: str, lines: Iterable[str], delimiter: str) -> None:
    """Read the lines of one file into a tally."""
    numbered = ((row, line.rstrip("\r\n")) for row, line in enumerate(lines, 1))
    rest = ((row, line) for row, line in numbered if line.strip())
    head = [pair for pair in (next(rest, None), next(rest, None)) if pair is not None]
    if len(head) == 2 and _is_header(head[0][1].split(delimiter), head[1][1].split(delimiter)):
        row, line = head.pop(0)
        tally.note(_HEADER, Place(file, row, 1, line.split(delimiter)[0]))
    for row, line in chain(head, rest):
        tally.rows += 1
        cells = line.split(delimiter)
        try:
            values = list(map(float, cells))
        except ValueError:
            _scan_cells(tally, file, row, cells)
            continue
        total = sum(values)
        if total != total or "_" in line:
            # a sum that is no number has a NaN in it, or infinities of both signs
            _scan_cells(tally, file, row, cells)
        else:
            tally.see_label(values[0])


def findings(name: str, tally: Tally) -> list[str]:
    """A tally in sentences, one per kind of trouble."""
    found = []
    for kind, place in tally.first.items():
        count = tally.counts[kind]
        times = f"{count} times, first" if count > 1 else "once,"
        found.append(
            f"{name}: {kind} {times} in {place.file} row {place.row} column {place.column}"
            f" ({place.text!r}). {_CONSEQUENCES[kind]}"
        )
    if tally.label is not None and not tally.label_varies and tally.rows > 1:
        found.append(
            f"{name}: the label (column 1) is {tally.label:g} in all {tally.rows} rows that have"
            " one. Nothing can be learnt from it"
        )
    for column, count in sorted(tally.missing.items()):
        if count > MISSING_SHARE * tally.rows:
            found.append(
                f"{name}: column {column} is missing in {count} of {tally.rows} rows"
                f" ({count / tally.rows:.0%})"
            )
    return found


def _scan_cells(tally: Tally, file: str, row: int, cells: Sequence[str]) -> None:
    """Read a row that is not all numbers, cell by cell."""
    for column, cell in enumerate(cells, 1):
        text = cell.strip()
        value = _number(text)
        if value is not None and value == value:
            if column == 1:
                tally.see_label(value)
            continue
        if not text or value is not None:
            tally.missing[column] += 1
            continue
        tally.note(_kind(text, column), Place(file, row, column, text[:_EXAMPLE_LENGTH]))


def _kind(text: str, column: int) -> str:
    if text.lower() in _BOOLEANS:
        return _LABEL_BOOLEAN if column == 1 else _BOOLEAN
    if text[0] in "\"'" and _number(text.strip("\"'").strip()) is not None:
        return _QUOTED
    return _LABEL_TEXT if column == 1 else _TEXT


def _number(text: str) -> float | None:
    """The number a text is, or None; Python's ``1_000`` is not one to XGBoost."""
    if "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def _is_header(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether every cell of the first row is a name, and the second row is not like that."""
    names = [_is_name(cell) for cell in first]
    return all(names) and not all(_is_name(cell) for cell in second)


def _is_name(cell: str) -> bool:
    text = cell.strip().strip("\"'")
    return text.lower() not in _BOOLEANS and _number(text) is None


def _limited(lines: Iterable[str], limit: int) -> Iterator[str]:
    for line in lines:
        if limit <= 0:
            return
        limit -= len(line)
        yield line
