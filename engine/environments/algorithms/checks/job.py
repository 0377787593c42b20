"""The frame of a check's job: how it says what came of it, and why it failed."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

VIOLATIONS_FILE = "constraint_violations.json"


class CheckError(Exception):
    """The job cannot do what it was asked to, for a reason that lies in its input."""


Program = Callable[[Path, Mapping[str, str]], str]
"""Does the job in the tree at a path, with these variables; returns its exit message."""


def run(program: Program, root: Path, environment: Mapping[str, str]) -> int:
    """Run a program and leave its message, or its failure, where the service looks for them."""
    output = root / "output"
    output.mkdir(parents=True, exist_ok=True)
    try:
        message = program(root, environment)
    except CheckError as problem:
        return _fail(output, str(problem))
    except Exception as problem:
        traceback.print_exc()
        return _fail(output, f"{type(problem).__name__}: {problem}")
    (output / "message").write_text(message, encoding="utf-8")
    print(message)
    return 0


def _fail(output: Path, reason: str) -> int:
    (output / "failure").write_text(reason, encoding="utf-8")
    print(reason)
    return 1


def read_json(file: Path) -> Any:
    """The value in a JSON file. Errors: ``CheckError`` where it cannot be read."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise CheckError(f"{file.name} cannot be read: {problem}") from problem


def write_json(file: Path, value: Any) -> None:
    """Write a report."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def baseline(environment: Mapping[str, str], name: str) -> Any:
    """The earlier file to compare with (``baseline_constraints``); None where there is none."""
    path = environment.get(name)
    return read_json(Path(path)) if path else None


def closing_message(violations: Sequence[object]) -> str:
    """The analyzer's own exit message."""
    if not violations:
        return "Completed: Job completed successfully with no violations."
    count = len(violations)
    return f"CompletedWithViolations: Job completed successfully with {count} violations."
