"""What Model Monitor's statistics.json says of a column.

Rules are deequ's (``DataType``, ``StandardDeviation``, ``KLLSketch``), the form is that of the
analyzer's own files.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Sequence

from .dataset import Dataset
from .sketch import SHRINKING_FACTOR, SIZE, Ranks, Sketch

FRACTIONAL, INTEGRAL, STRING, UNKNOWN = "Fractional", "Integral", "String", "Unknown"
BUCKETS = 10
CATEGORIES_LIMIT = 1000
"""Categories listed of a text column; deequ's histogram keeps as many."""

_BOOLEAN = "Boolean"
_INTEGER = re.compile(r"[-+]? ?\d+")
_FRACTION = re.compile(r"[-+]? ?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][-+]?\d+)?")


def kind_of(cell: Any) -> str:
    """The type of one cell: Integral, Fractional, Boolean or String."""
    if isinstance(cell, bool):
        return _BOOLEAN
    if isinstance(cell, int):
        return INTEGRAL
    if isinstance(cell, float):
        return FRACTIONAL
    if _INTEGER.fullmatch(cell):
        return INTEGRAL
    if _FRACTION.fullmatch(cell):
        return FRACTIONAL
    return _BOOLEAN if cell in ("true", "false") else STRING


def inferred_type(kinds: Mapping[str, int]) -> str:
    """The type of a column with so many cells of each kind (deequ ``DataTypeHistogram``).

    Truth values alone would be Boolean there; statistics.json knows no such type.
    """
    if not kinds:
        return UNKNOWN
    if STRING in kinds or _BOOLEAN in kinds:
        return STRING
    return FRACTIONAL if FRACTIONAL in kinds else INTEGRAL


@dataclass(frozen=True)
class Column:
    """One column: what kinds its cells are of, and either its numbers or its categories."""

    name: str
    present: int
    missing: int
    kinds: Mapping[str, int]
    numbers: Sequence[float]
    categories: Mapping[str, int]

    @property
    def inferred_type(self) -> str:
        """Fractional, Integral, String or Unknown."""
        return inferred_type(self.kinds)

    @property
    def completeness(self) -> float:
        """Share of the rows that have a value."""
        return self.present / (self.present + self.missing)

    def share_of(self, expected: str) -> float:
        """Share of the values that are of a type; a whole number serves as a fraction as well."""
        if expected == STRING:
            return 1.0 if self.inferred_type == STRING else 0.0
        fitting = self.kinds.get(INTEGRAL, 0)
        if expected == FRACTIONAL:
            fitting += self.kinds.get(FRACTIONAL, 0)
        return fitting / self.present

    def statistics(self) -> dict[str, Any]:
        """The column's entry under ``features``."""
        common = {"num_present": self.present, "num_missing": self.missing}
        entry: dict[str, Any] = {"name": self.name, "inferred_type": self.inferred_type}
        if self.numbers:
            entry["numerical_statistics"] = {"common": common, **_numerical(self.numbers)}
        else:
            most = sorted(self.categories.items(), key=lambda pair: (-pair[1], pair[0]))
            buckets = [{"value": text, "count": n} for text, n in most[:CATEGORIES_LIMIT]]
            entry["string_statistics"] = {
                "common": common,
                "distinct_count": float(len(self.categories)),
                "distribution": {"categorical": {"buckets": buckets}},
            }
        return entry


def profile(dataset: Dataset) -> list[Column]:
    """Every column of a dataset."""
    return [_column(name, cells) for name, cells in dataset.columns.items()]


def statistics(columns: Iterable[Column], item_count: int) -> dict[str, Any]:
    """statistics.json of a dataset."""
    return {
        "version": 0.0,
        "dataset": {"item_count": item_count},
        "features": [column.statistics() for column in columns],
    }


def total(values: Iterable[float]) -> float:
    """The sum from left to right, rounded at each step as Spark's is.

    ``sum`` compensates from Python 3.12 on, and the last digits would differ.
    """
    result = 0.0
    for value in values:
        result += value
    return result


def population_deviation(values: Iterable[float]) -> float:
    """The standard deviation with divisor n.

    Welford's recurrence as in Spark's ``CentralMomentAgg``, so that the last digit agrees as well.
    """
    count, mean, squares = 0, 0.0, 0.0
    for value in values:
        count += 1
        delta = value - mean
        share = delta / count
        mean += share
        squares += delta * (delta - share)
    return math.sqrt(squares / count)


def _column(name: str, cells: Sequence[Any]) -> Column:
    values = [cell for cell in cells if not _missing(cell)]
    kinds = Counter(map(kind_of, values))
    numeric = inferred_type(kinds) in (FRACTIONAL, INTEGRAL)
    return Column(
        name,
        len(values),
        len(cells) - len(values),
        kinds,
        [_number(value) for value in values] if numeric else [],
        {} if numeric else Counter(map(_text, values)),
    )


def _missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, float) and not math.isfinite(cell))


def _number(cell: Any) -> float:
    return float(cell.replace(" ", "") if isinstance(cell, str) else cell)


def _text(cell: Any) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _numerical(numbers: Sequence[float]) -> dict[str, Any]:
    sketch = Sketch.of(numbers)
    added = total(numbers)
    return {
        "mean": added / len(numbers),
        "sum": added,
        "std_dev": population_deviation(numbers),
        "min": min(numbers),
        "max": max(numbers),
        "distribution": {
            "kll": {
                "buckets": _buckets(sketch, min(numbers), max(numbers)),
                "sketch": {
                    "parameters": {"c": SHRINKING_FACTOR, "k": float(SIZE)},
                    "data": sketch.levels,
                },
            }
        },
    }


def _buckets(sketch: Sketch, low: float, high: float) -> list[dict[str, float]]:
    """Ten buckets of equal width, half-open but the last (deequ ``KLLSketch``)."""
    ranks = Ranks(sketch.levels)
    bounds = [low + (high - low) * number / BUCKETS for number in range(BUCKETS + 1)]
    below = [*(ranks.below(bound) for bound in bounds[:-1]), ranks.total]
    return [
        {
            "lower_bound": bounds[number],
            "upper_bound": bounds[number + 1],
            "count": float(below[number + 1] - below[number]),
        }
        for number in range(BUCKETS)
    ]
