"""Entry point: ``python <this folder> [--root FOLDER]``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path

_PACKAGE = "job_programs"


def _load_package() -> None:
    """Load the folder above as a package, for what the programs share, and leave ``sys.path``."""
    folder = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != folder]
    spec = importlib.util.spec_from_file_location(
        _PACKAGE,
        folder.parent / "__init__.py",
        submodule_search_locations=[str(folder.parent)],
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)


def main() -> int:
    """Run the search; returns its exit code."""
    parser = argparse.ArgumentParser(prog="automl")
    parser.add_argument("--root", help="the job's tree, in place of /opt/ml")
    arguments = parser.parse_args()
    _load_package()
    tree = importlib.import_module(f"{_PACKAGE}.job").Tree.find(arguments.root)
    return int(importlib.import_module(f"{_PACKAGE}.automl.program").main(tree))


if __name__ == "__main__":
    sys.exit(main())
