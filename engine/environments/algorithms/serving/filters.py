"""The part of JSONPath that InputFilter and OutputFilter of a batch transform may use. Pure.

``$``, ``.name``, ``['name', 'name']``, ``[0, -1]``, ``[1:3]``, ``.*`` and ``[*]``, as the developer
guide's table of operators has it. One name or index selects a value; several of them, a slice and
``*`` select many, and what follows them applies to each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Callable

_STEP = re.compile(
    r"""\.?\[\s*(?:(?P<slice>(?:-?\d+)?\s*:\s*(?:-?\d+)?)
               |(?P<indexes>-?\d+(?:\s*,\s*-?\d+)*)
               |(?P<names>'[^']*'(?:\s*,\s*'[^']*')*|"[^"]*"(?:\s*,\s*"[^"]*")*)
               |(?P<all>\*))\s*\]
      |\.(?P<name>\*|[^.\[\]\s'"*]+)""",
    re.VERBOSE,
)

Select = Callable[[Any], Any]


class FilterError(ValueError):
    """A filter is no JSONPath of this subset, or does not fit a record."""


@dataclass(frozen=True)
class Step:
    """One step of a path: what it selects, and whether that is many values."""

    select: Select
    many: bool


@dataclass(frozen=True)
class Filter:
    """A parsed filter; make one with `parse`."""

    text: str
    steps: tuple[Step, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether it is ``$``, which changes nothing."""
        return not self.steps

    def apply(self, value: Any) -> Any:
        """What it selects of a record.

        Raises:
            FilterError: the record has no such element.
        """
        try:
            return _apply(value, self.steps)
        except (LookupError, TypeError):
            raise FilterError(f"{self.text} selects nothing in a record") from None


def parse(text: str) -> Filter:
    """The filter that a text stands for.

    Raises:
        FilterError: it is not of the supported subset.
    """
    if not text.startswith("$"):
        raise FilterError(f"{text!r} does not begin with $")
    steps, position = [], 1
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise FilterError(f"{text!r} cannot be read from {text[position:]!r} on")
        steps.append(_step(match))
        position = match.end()
    return Filter(text, tuple(steps))


def _step(match: re.Match[str]) -> Step:
    if match["slice"] is not None:
        bounds = (int(bound) if bound.strip() else None for bound in match["slice"].split(":"))
        return Step(_sliced(slice(*bounds)), True)
    if match["indexes"] is not None:
        numbers = [int(number) for number in match["indexes"].split(",")]
        if len(numbers) == 1:
            return Step(lambda value: _array(value)[numbers[0]], False)
        return Step(lambda value: [_array(value)[number] for number in numbers], True)
    if match["names"] is not None:
        names = [one or other for one, other in re.findall(r"'([^']*)'|\"([^\"]*)\"", match[0])]
        if len(names) > 1:
            return Step(lambda value: {name: _object(value)[name] for name in names}, True)
        return Step(lambda value: _object(value)[names[0]], False)
    if match["all"] or match["name"] == "*":
        return Step(lambda v: list(v.values()) if isinstance(v, dict) else _array(v), True)
    return Step(lambda value: _object(value)[match["name"]], False)


def _apply(value: Any, steps: tuple[Step, ...]) -> Any:
    if not steps:
        return value
    found, rest = steps[0].select(value), steps[1:]
    if not steps[0].many:
        return _apply(found, rest)
    if isinstance(found, dict):
        return {name: _apply(one, rest) for name, one in found.items()}
    return [_apply(one, rest) for one in found]


def _sliced(bounds: slice) -> Select:
    return lambda value: _array(value)[bounds]


def _array(value: Any) -> Any:
    if not isinstance(value, list):
        raise TypeError("not an array")
    return value


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value
