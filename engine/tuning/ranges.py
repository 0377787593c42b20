"""Ranges of hyperparameters: where a share from 0 to 1 of a range lies, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from engine.errors import DefinitionError

Point: TypeAlias = Mapping[str, str]
"""A value for each tuned hyperparameter, as text."""

AUTO_LOGARITHMIC_SPAN = 1000.0
"""``Auto`` is logarithmic where a range's end is this many times its beginning, else linear."""


class Scaling(StrEnum):
    """How densely the parts of a range are searched."""

    AUTO = "Auto"
    LINEAR = "Linear"
    LOGARITHMIC = "Logarithmic"
    REVERSE_LOGARITHMIC = "ReverseLogarithmic"


@dataclass(frozen=True, slots=True)
class Numeric:
    """A ContinuousParameterRange, or an IntegerParameterRange where ``integer`` is true.

    ``scaling`` is never Auto. Every integer, the first and the last too, has a part of its own.
    """

    name: str
    low: float
    high: float
    scaling: Scaling = Scaling.LINEAR
    integer: bool = False

    def at(self, share: float) -> str:
        """The value at ``share`` of the range (0 to 1)."""
        first, last = self._ends()
        value = self._from_scale(first + (last - first) * share)
        if self.integer:
            value = math.floor(value + 0.5)
        value = min(max(value, self.low), self.high)
        return str(int(value)) if self.integer else repr(value)

    def share(self, text: str) -> float | None:
        """At which share of the range a value lies; None for one outside of it."""
        try:
            value = float(text)
        except ValueError:
            return None
        if not self.low <= value <= self.high:
            return None
        first, last = self._ends()
        if first == last:
            return 0.0
        return min(max((self._to_scale(value) - first) / (last - first), 0.0), 1.0)

    def _ends(self) -> tuple[float, float]:
        half = 0.5 if self.integer else 0.0
        return self._to_scale(self.low - half), self._to_scale(self.high + half)

    def _to_scale(self, value: float) -> float:
        match self.scaling:
            case Scaling.LOGARITHMIC:
                return math.log(value)
            case Scaling.REVERSE_LOGARITHMIC:
                return -math.log1p(-value)
            case _:
                return value

    def _from_scale(self, value: float) -> float:
        match self.scaling:
            case Scaling.LOGARITHMIC:
                return math.exp(value)
            case Scaling.REVERSE_LOGARITHMIC:
                return -math.expm1(-value)
            case _:
                return value


@dataclass(frozen=True, slots=True)
class Categorical:
    """A CategoricalParameterRange."""

    name: str
    values: tuple[str, ...]

    def at(self, share: float) -> str:
        """The value at ``share`` of the range (0 to 1)."""
        return self.values[min(int(share * len(self.values)), len(self.values) - 1)]


Range: TypeAlias = Numeric | Categorical


def read_ranges(given: Mapping[str, Any]) -> tuple[Range, ...]:
    """The ranges of a ParameterRanges object, in the order continuous, integer, categorical.

    Errors: ``DefinitionError`` (``tuning-range-invalid``, ``tuning-ranges-automatic``).
    """
    if given.get("AutoParameters"):
        raise DefinitionError(
            "AutoParameters leave the choice of ranges to the service",
            code="tuning-ranges-automatic",
            hint="Give each hyperparameter a range in ParameterRanges.",
        )
    found: list[Range] = []
    for kind, integer in (("ContinuousParameterRanges", False), ("IntegerParameterRanges", True)):
        found += [_numeric(one, integer) for one in given.get(kind) or ()]
    found += [_categorical(one) for one in given.get("CategoricalParameterRanges") or ()]
    names = [one.name for one in found]
    for name in names:
        if not name or names.count(name) > 1:
            raise _invalid(name, "has no name" if not name else "has more than one range")
    if not found:
        raise _invalid("", "is missing: nothing is left to tune")
    return tuple(found)


def _numeric(given: Mapping[str, Any], integer: bool) -> Numeric:
    name = str(given.get("Name") or "")
    parse = int if integer else float
    try:
        low, high = parse(given["MinValue"]), parse(given["MaxValue"])
        scaling = Scaling(given.get("ScalingType") or "Auto")
    except (KeyError, TypeError, ValueError) as problem:
        raise _invalid(name, f"cannot be {dict(given)}") from problem
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise _invalid(name, f"goes from {low} to {high}")
    if scaling is Scaling.AUTO:
        wide = low > 0 and high / low >= AUTO_LOGARITHMIC_SPAN
        scaling = Scaling.LOGARITHMIC if wide else Scaling.LINEAR
    if scaling is Scaling.LOGARITHMIC and low <= 0:
        raise _invalid(name, f"is Logarithmic and begins at {low}, which is not above 0")
    if scaling is Scaling.REVERSE_LOGARITHMIC and (integer or low < 0 or high >= 1):
        raise _invalid(name, "is ReverseLogarithmic, which needs real numbers with 0 <= x < 1")
    return Numeric(name, low, high, scaling, integer)


def _categorical(given: Mapping[str, Any]) -> Categorical:
    name = str(given.get("Name") or "")
    values = given.get("Values")
    if not isinstance(values, list | tuple) or not values:
        raise _invalid(name, "has no Values")
    return Categorical(name, tuple(dict.fromkeys(str(value) for value in values)))


def _invalid(name: str, what: str) -> DefinitionError:
    return DefinitionError(
        f"the range of hyperparameter {name!r} {what}"
        if name
        else f"a hyperparameter range {what}",
        code="tuning-range-invalid",
        hint="A range has Name, and MinValue, MaxValue (and ScalingType) or Values.",
    )
