"""Puts parameters into a notebook, where papermill puts them. Pure.

Notebooks are plain JSON of format 4 here.
"""

from __future__ import annotations

import keyword
import math
import shlex
from typing import Any, Mapping

_DEFAULTS = "parameters"
_INJECTED = "injected-parameters"


class ParameterError(Exception):
    """A parameter that cannot be a variable of the notebook."""


def inject(
    cells: list[dict[str, Any]], parameters: Mapping[str, Any], language: str = "python"
) -> list[dict[str, Any]]:
    """The cells with one that sets the parameters.

    It replaces the one of an earlier run, else follows the cell tagged ``parameters`` (the
    notebook's defaults), else comes first.

    Raises:
        ParameterError: a name is no identifier, or the language is neither Python nor bash.
    """
    if not parameters:
        return cells
    cell = _cell(parameters, language)
    for number, found in enumerate(cells):
        if _INJECTED in _tags(found):
            return [*cells[:number], cell, *cells[number + 1 :]]
    after = next((n + 1 for n, found in enumerate(cells) if _DEFAULTS in _tags(found)), 0)
    return [*cells[:after], cell, *cells[after:]]


def _cell(parameters: Mapping[str, Any], language: str) -> dict[str, Any]:
    if language not in ("python", "bash"):
        raise ParameterError(f"parameters cannot be given to a notebook in {language}")
    lines = ["# Parameters"]
    for name, value in parameters.items():
        if not name.isidentifier() or keyword.iskeyword(name):
            raise ParameterError(f"parameter {name!r} cannot be the name of a variable")
        if language == "bash":
            lines.append(f"{name}={shlex.quote(str(value))}")
        else:
            lines.append(f"{name} = {_literal(value)}")
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": [_INJECTED]},
        "outputs": [],
        "source": "\n".join(lines),
    }


def _literal(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return list(cell.get("metadata", {}).get("tags", []))
