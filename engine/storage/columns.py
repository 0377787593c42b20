"""What the columns of a CSV or Parquet file hold, asked of duckdb. Needs duckdb."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROWS = 100_000
"""Rows that are looked at for a summary."""
SUMMARY = ("column", "type", "min", "max", "nulls", "distinct")
_SETTINGS: dict[str, Any] = {
    "threads": 1,
    "memory_limit": "256MB",
    "autoinstall_known_extensions": False,
}
_READERS = {
    "parquet": "read_parquet(?)",
    "csv": "read_csv(?, sample_size=2000, header={header}, delim='{delimiter}')",
}


class Unreadable(Exception):
    """duckdb cannot read the file; the text says why."""


class Columns:
    """A file as a table.

    Args:
        kind: ``parquet`` or ``csv``.
        header: whether the first row of a CSV file names the columns.

    Raises:
        ImportError: duckdb is not installed.
    """

    def __init__(self, path: Path, kind: str, *, header: bool = True, delimiter: str = ",") -> None:
        import duckdb

        self._path = path
        self._error = duckdb.Error
        self._connect = duckdb.connect
        self._reader = _READERS[kind].format(header=str(header).lower(), delimiter=delimiter)

    def ask(self, *questions: str) -> list[tuple[Sequence[str], list[tuple[Any, ...]]]]:
        """Names and types of the columns, and the rows, for each question about ``{table}``.

        Raises:
            Unreadable: duckdb does not understand the file.
        """
        # By descriptor, because duckdb would take `*` and `[` in a file name for a pattern.
        with open(self._path, "rb") as file:
            source = f"/proc/self/fd/{file.fileno()}"
            try:
                with self._connect(":memory:", config=_SETTINGS) as db:
                    return [self._one(db, question, source) for question in questions]
            except self._error as error:
                raise Unreadable(str(error).partition("\n")[0]) from error

    def _one(
        self, db: Any, question: str, source: str
    ) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
        found = db.execute(question.replace("{table}", self._reader), [source])
        names = [f"{item[0]} {item[1]}" for item in found.description or ()]
        return names, found.fetchall()

    def summary(self) -> tuple[list[tuple[str, ...]], int]:
        """A row for each column, as ``SUMMARY`` names its cells, and the rows looked at.

        Raises:
            Unreadable: duckdb does not understand the file.
        """
        wanted = "column_name, column_type, min, max, null_percentage, approx_unique, count"
        limited = f"SELECT * FROM {{table}} LIMIT {ROWS}"
        [(_, rows)] = self.ask(f"SELECT {wanted} FROM (SUMMARIZE {limited})")
        told: list[tuple[str, ...]] = [
            (name, kind, _text(low), _text(high), str(round(count * float(nulls or 0) / 100)),
             f"~{distinct}")
            for name, kind, low, high, nulls, distinct, count in rows
        ]  # fmt: skip
        return told, int(rows[0][-1]) if rows else 0


def _text(value: Any) -> str:
    """A least or greatest value, a number without the digits that nobody reads."""
    text = "" if value is None else str(value)
    try:
        return f"{float(text):.6g}" if len(text) > 10 else text
    except ValueError:
        return text
