"""The programs that run inside environments must stand on their own there."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from engine.environments.programs import FOLDER

SOURCES = sorted(FOLDER.rglob("*.py"))
ALLOWED = set(sys.stdlib_module_names) | {
    "boto3", "jmespath", "nbclient", "nbformat", "numpy", "pandas", "pyarrow", "shap", "sklearn",
    "jupyter_client", "smclarify", "xgboost",
    "mpi_utils",
}  # fmt: skip
"""What the environments of the programs hold, and the file that lies beside ``mpi_function``."""


@pytest.mark.parametrize("source", SOURCES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_a_program_needs_only_its_environment_and_python_3_8(source: Path) -> None:
    tree = ast.parse(source.read_text(), feature_version=(3, 8))
    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and node.level == 0
            else []
        )
    }
    assert {name.split(".")[0] for name in imported} <= ALLOWED


def test_a_folder_named_after_a_library_does_not_hide_it(tmp_path: Path) -> None:
    (tmp_path / "xgboost.py").write_text("raise SystemExit('the library')")
    done = subprocess.run(
        [sys.executable, FOLDER, "xgboost", "--root", tmp_path],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr.strip()) == (1, "the library")
