"""Entry point: ``python <this folder> PROGRAM [--root FOLDER]``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from pathlib import Path

_PACKAGE = "check_programs"


def _load_package() -> None:
    """Load this folder as a package of a name of its own, and take it off ``sys.path``."""
    folder = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != folder]
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)


def main() -> int:
    """Run the program named on the command line; returns its exit code."""
    parser = argparse.ArgumentParser(prog="checks")
    parser.add_argument("program", choices=("clarify", "quality"))
    parser.add_argument("--root", default="/opt/ml", help="the job's tree")
    arguments = parser.parse_args()
    _load_package()
    program = importlib.import_module(f"{_PACKAGE}.{arguments.program}")
    job = importlib.import_module(f"{_PACKAGE}.job")
    return int(job.run(program.main, Path(arguments.root), os.environ))


if __name__ == "__main__":
    sys.exit(main())
