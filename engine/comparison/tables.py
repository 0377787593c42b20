"""Two tables with named columns, cell by cell. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from engine.comparison.trees import Change

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class CellDifference:
    """A cell that differs; rows count from 1, without the row of names."""

    row: int
    column: str
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class TableDifference:
    """How two tables differ.

    Args:
        columns_removed: names of columns that only the table before has.
        columns_added: names of columns that only the table now has.
        moved: whether the columns of both stand in another order.
        cells: the first cells that differ, in rows and columns that both have.
        more: whether there are further ones.
    """

    rows_before: int
    rows_now: int
    columns_removed: tuple[str, ...] = ()
    columns_added: tuple[str, ...] = ()
    moved: bool = False
    cells: tuple[CellDifference, ...] = ()
    more: bool = False

    @property
    def change(self) -> Change:
        """Whether anything differs."""
        parts = self.columns_removed, self.columns_added, self.moved, self.cells
        same = self.rows_before == self.rows_now and not any(parts)
        return Change.SAME if same else Change.CHANGED


def read_table(text: str, delimiter: str = ",") -> list[list[str]] | None:
    """The rows of a text in CSV; None where it is none."""
    try:
        return [*csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except csv.Error:
        return None


def compare_tables(before: Rows, now: Rows, *, limit: int = 20) -> TableDifference:
    """Compare two tables by the names of their columns, row by row.

    A table whose first row holds a number has no row of names: its columns are called ``#1``,
    ``#2`` and so on.

    Args:
        limit: how many cells are told.
    """
    named = _has_names(before) and _has_names(now)
    old_names, new_names = _names(before, named), _names(now, named)
    old_rows, new_rows = before[named:], now[named:]
    places = [
        (name, at, new_names.index(name)) for at, name in enumerate(old_names) if name in new_names
    ]
    cells = (
        CellDifference(number, name, _cell(old, at), _cell(new, there))
        for number, (old, new) in enumerate(zip(old_rows, new_rows, strict=False), 1)
        for name, at, there in places
        if _cell(old, at) != _cell(new, there)
    )
    found = [*islice(cells, limit + 1)]
    order = [there for _, _, there in places]
    return TableDifference(
        rows_before=len(old_rows),
        rows_now=len(new_rows),
        columns_removed=tuple(name for name in old_names if name not in new_names),
        columns_added=tuple(name for name in new_names if name not in old_names),
        moved=order != sorted(order),
        cells=tuple(found[:limit]),
        more=len(found) > limit,
    )


def _has_names(rows: Rows) -> bool:
    return bool(rows) and not any(map(_is_number, rows[0]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _names(rows: Rows, named: bool) -> list[str]:
    """A name for each column; the second of two that are called alike is told apart."""
    given = list(rows[0]) if named else []
    width = max(map(len, rows), default=0)
    names: list[str] = []
    for name in [*given, *(f"#{number}" for number in range(len(given) + 1, width + 1))]:
        again, number = name, 1
        while again in names:
            number += 1
            again = f"{name} ({number})"
        names.append(again)
    return names


def _cell(row: Sequence[str], at: int) -> str:
    return row[at] if at < len(row) else ""
