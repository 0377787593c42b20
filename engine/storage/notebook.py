"""A Jupyter notebook as text: its cells and what they gave, in the order of the file. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def notebook_lines(text: str) -> list[str] | None:
    """The lines to show of a notebook of format 4; None where the text is none.

    An output that has no text is named by its type.
    """
    try:
        notebook = json.loads(text)
        cells = notebook["cells"]
        if notebook["nbformat"] != 4:
            return None
        return [line for number, cell in enumerate(cells) for line in _cell(cell, number + 1)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _cell(cell: Json, number: int) -> Iterator[str]:
    if number > 1:
        yield ""
    kind = str(cell["cell_type"])
    count = cell.get("execution_count")
    tags = ", ".join(map(str, cell.get("metadata", {}).get("tags", [])))
    head = f"── cell {number} · {kind}" + (f" [{count}]" if count is not None else "")
    yield head + (f" · {tags}" if tags else "")
    yield from _joined(cell.get("source")).splitlines()
    for output in cell.get("outputs") or ():
        yield from _output(output)


def _output(output: Json) -> Iterator[str]:
    match output["output_type"]:
        case "stream":
            label, text = str(output.get("name", "output")), _joined(output.get("text"))
        case "error":
            label = "error"
            trace = "\n".join(map(str, output.get("traceback") or ()))
            text = trace or f"{output.get('ename')}: {output.get('evalue')}"
        case _:
            data: Json = output.get("data") or {}
            label = "output"
            text = _joined(data.get("text/plain", ""))
            others = [kind for kind in data if kind != "text/plain"]
            if others:
                text += f"\n({', '.join(others)})"
    yield f"── {label}"
    yield from _COLOURS.sub("", text).strip("\n").splitlines()


def _joined(text: Any) -> str:
    """A text of a notebook, which the format allows to come as a list of lines."""
    return "".join(map(str, text)) if isinstance(text, list) else str(text or "")
