"""The register of rows is complete, and every test that it names is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.rows import ROWS
from tests.shared import SHARED, needs_shared

ROOT = Path(__file__).parents[2]
SECTIONS = {
    "sagemaker-pipelines": {"1.1", "1.3", "1.4", "2", "2.2", "3.7", "3.8", "3.9", "4.8"},
    "checks": {"1", "3"},
    "environments": {"1", "2", "4"},
}
"""Sections of each reference with a table of what an engine does."""


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """Every test there is in the files that the register names, with and without parameters."""
    files = sorted({node.partition("::")[0] for node in ROWS.values()})
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", *files],
        cwd=ROOT, env={**os.environ, "PYTEST_ADDOPTS": "-p no:cacheprovider"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    nodes = {line for line in done.stdout.splitlines() if "::" in line}
    return nodes | {node.partition("[")[0] for node in nodes}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_shown_by_a_test_that_exists(row: str, collected: set[str]) -> None:
    assert ROWS[row] in collected


def rows_of(reference: str) -> list[str]:
    """Section and first cell of every row; two cells where the first one is a switch."""
    prefix = "" if reference == "sagemaker-pipelines" else f"{reference} "
    section, head, found = "", False, []
    for line in (SHARED / "spec" / f"{reference}.md").read_text(encoding="utf-8").splitlines():
        if title := re.match(r"#+ (\d(?:\.\d)?)\.? ", line):
            section = title[1]
        if not line.startswith("|"):
            head = True
        elif head:
            head = False
        elif section in SECTIONS[reference] and not line.startswith("|-"):
            first, second = [cell.strip() for cell in line.split("|")[1:3]]
            switch = len(first) == 1
            found.append(f"{section} {first} {second}" if switch else f"{section} {first}")
    return [prefix + row.replace("`", "") for row in found]


@needs_shared
@pytest.mark.parametrize(
    ("reference", "least"), [("sagemaker-pipelines", 60), ("checks", 16), ("environments", 28)]
)
def test_every_row_of_the_references_tables_is_in_the_register(reference: str, least: int) -> None:
    rows = rows_of(reference)
    assert len(rows) > least
    assert [row for row in rows if row not in ROWS] == []
