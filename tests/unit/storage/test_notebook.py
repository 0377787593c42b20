"""A notebook as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.storage.notebook import notebook_lines
from engine.storage.preview import Limit, preview

CELLS: list[dict[str, Any]] = [
    {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "words"]},
    {
        "cell_type": "code",
        "metadata": {"tags": ["parameters"]},
        "execution_count": 3,
        "source": "print(1)\nx",
        "outputs": [
            {"output_type": "stream", "name": "stdout", "text": ["1\n", "2\n"]},
            {"output_type": "execute_result", "data": {"text/plain": "'x'", "image/png": "aGk="}},
            {"output_type": "error", "ename": "E", "evalue": "v",
             "traceback": ["\x1b[0;31mE\x1b[0m: v"]},
        ],
    },
]  # fmt: skip
SHOWN = [
    "── cell 1 · markdown",
    "# Title",
    "words",
    "",
    "── cell 2 · code [3] · parameters",
    "print(1)",
    "x",
    "── stdout",
    "1",
    "2",
    "── output",
    "'x'",
    "(image/png)",
    "── error",
    "E: v",
]


def notebook(**more: Any) -> str:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": CELLS, **more})


def test_cells_and_their_outputs_are_shown_in_order() -> None:
    assert notebook_lines(notebook()) == SHOWN


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"cells": 1, "nbformat": 4}', '{"cells": [1], "nbformat": 4}',
             notebook(nbformat=3), notebook(cells=[{"source": ""}])],
)  # fmt: skip
def test_what_is_no_notebook_is_left_to_others(text: str) -> None:
    assert notebook_lines(text) is None


def test_a_notebook_larger_than_a_preview_is_shown_from_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "nb.ipynb"
    file.write_text(notebook(metadata={"padding": "x" * 10_000}), encoding="utf-8")
    shown = preview(file, Limit(bytes=1000, rows=4))
    assert (shown.kind, shown.lines, shown.truncated) == ("notebook", tuple(SHOWN[:4]), True)
    assert shown.title == "nb.ipynb: notebook, 10.5 kB"


def test_a_notebook_that_is_none_is_shown_as_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "nb.ipynb"
    file.write_text('{"a": 1}', encoding="utf-8")
    assert preview(file).kind == "json"


def test_what_acts_on_a_terminal_is_made_visible(tmp_path: Path) -> None:
    file = tmp_path / "nb.ipynb"
    cell = {"cell_type": "code", "metadata": {}, "source": "\x1b]52;c;aGk=\x07", "outputs": []}
    file.write_text(notebook(cells=[cell]), encoding="utf-8")
    assert preview(file).lines[1] == "␛]52;c;aGk=␇"
