"""The dataset of a quality check, as columns of cells.

A cell is text, a number or a truth value as its file has it; None where it is missing.
"""

from __future__ import annotations

import csv
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterable, Iterator, Mapping, Sequence

from .job import CheckError

Handler = Callable[[str], Any]
"""A record preprocessor's ``preprocess_handler``: a line to a dict, to several, or to none."""


@dataclass(frozen=True)
class Dataset:
    """Columns by name, in order; each has ``item_count`` cells."""

    columns: Mapping[str, Sequence[Any]]
    item_count: int

    def column(self, attribute: str) -> Sequence[Any]:
        """A column by its name or its index. Errors: ``CheckError`` where there is none."""
        if attribute in self.columns:
            return self.columns[attribute]
        names = list(self.columns)
        if attribute.isdigit() and int(attribute) < len(names):
            return self.columns[names[int(attribute)]]
        raise CheckError(f"The dataset has no column {attribute!r}; it has {', '.join(names)}.")


def read(source: Path, layout: Mapping[str, Any], handler: Handler | None = None) -> Dataset:
    """All files below ``source`` as one dataset.

    Args:
        layout: the job's ``dataset_format``: ``{"csv": {"header": true}}`` or
            ``{"json": {"lines": true}}``.
        handler: record preprocessor; it gets every line, a header line too.

    Errors: ``CheckError`` for another format, or where there are no rows.
    """
    files = sorted(
        file
        for file in ([source] if source.is_file() else source.rglob("*"))
        if file.is_file() and not file.name.startswith((".", "_"))
    )
    if handler is not None:
        dataset = _from_records(_preprocessed(files, handler), by_name=True)
    elif "csv" in layout:
        dataset = _from_csv(files, _flag((layout["csv"] or {}).get("header")))
    elif "json" in layout:
        lines = _flag((layout["json"] or {}).get("lines"))
        dataset = _from_records(_json_records(files, lines), by_name=False)
    else:
        raise CheckError(
            f"The dataset format {', '.join(layout) or 'nothing'} is not read here: it is csv or"
            " json, or has a record preprocessor."
        )
    if not dataset.item_count:
        raise CheckError(f"The dataset has no rows: {len(files)} file(s) at {source}.")
    return dataset


def load_function(script: str, name: str) -> Callable[..., Any]:
    """A function out of a script of the user's. Errors: ``CheckError`` where it has none."""
    spec = importlib.util.spec_from_file_location("check_script", script)
    if spec is None or spec.loader is None:
        raise CheckError(f"{script} is not a Python script.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not callable(found):
        raise CheckError(f"{Path(script).name} has no function {name}.")
    return found  # type: ignore[no-any-return]


def _flag(value: Any) -> bool:
    return value is True or str(value).lower() == "true"


def _from_csv(files: Iterable[Path], header: bool) -> Dataset:
    """Columns of CSV files; an empty cell is missing, as are those of a row that is too short."""
    names: list[str] = []
    columns: list[list[Any]] = []
    count = 0
    for file in files:
        with file.open(newline="", encoding="utf-8-sig") as text:
            rows = csv.reader(text)
            if header:
                heading = next(rows, [])
                names = names or heading
            for row in filter(None, rows):
                if not columns:
                    names = names or [f"_c{index}" for index in range(len(row))]
                    columns = [[] for _ in names]
                for index, column in enumerate(columns):
                    column.append((row[index] or None) if index < len(row) else None)
                count += 1
    return Dataset(dict(zip(names, columns)), count)


def _json_records(files: Iterable[Path], lines: bool) -> Iterator[Mapping[str, Any]]:
    for file in files:
        text = file.read_text(encoding="utf-8")
        if lines:
            values = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            value = json.loads(text)
            values = value if isinstance(value, list) else [value]
        for record in values:
            if not isinstance(record, dict):
                raise CheckError(f"{file.name} holds {json.dumps(record)[:80]}, not an object.")
            yield record


def _preprocessed(files: Iterable[Path], handler: Handler) -> Iterator[Mapping[str, Any]]:
    for file in files:
        for line in file.read_text(encoding="utf-8-sig").splitlines():
            given = handler(line)
            yield from [given] if isinstance(given, dict) else given or ()


def _from_records(records: Iterable[Mapping[str, Any]], by_name: bool) -> Dataset:
    """Columns of records; ``by_name`` sorts them, for the analyzer does so with dictionaries."""
    rows = list(records)
    names = list(dict.fromkeys(name for row in rows for name in row))
    ordered = sorted(names) if by_name else names
    return Dataset({name: [_cell(row.get(name)) for row in rows] for name in ordered}, len(rows))


def _cell(value: Any) -> Any:
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return None if value == "" else value
