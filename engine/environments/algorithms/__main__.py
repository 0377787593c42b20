"""Entry point: ``python <this folder> PROGRAM [--root FOLDER]``.

The folder is loaded as a package under a name of its own, and leaves ``sys.path``: the folder
``xgboost`` in it must not hide the library.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
from pathlib import Path

_PROGRAMS = {
    "xgboost": "xgboost.training",
    "script-mode": "script_mode.runner",
    "notebook": "notebook.runner",
    "repack": "repack.model",
    "clarify": "checks.clarify",
    "quality": "checks.quality",
    "automl": "automl.program",
    "serve": "serving.model_server",
    "transform": "serving.transform",
    "endpoint": "serving.endpoint",
}
_PACKAGE = "job_programs"


def _load_package() -> None:
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
    parser = argparse.ArgumentParser(prog="algorithms")
    parser.add_argument("program", choices=sorted(_PROGRAMS))
    parser.add_argument("--root", help="the job's tree, in place of /opt/ml")
    arguments = parser.parse_args()
    _load_package()
    tree = importlib.import_module(f"{_PACKAGE}.job").Tree.find(arguments.root)
    program = importlib.import_module(f"{_PACKAGE}.{_PROGRAMS[arguments.program]}")
    return int(program.main(tree))


if __name__ == "__main__":
    sys.exit(main())
