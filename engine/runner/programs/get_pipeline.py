"""Calls a file's ``get_pipeline`` and hands back what it makes: ``get_pipeline.py FILE``.

The answer is JSON on the standard output: ``{"definition", "name"}``, or ``{"error", "file",
"line"}``. What the file itself prints goes to standard error. Runs on any Python from 3.8 on.
"""

from __future__ import annotations

import inspect
import json
import os
import runpy
import sys
import traceback
from typing import Any

REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
KNOWN = {
    "region": REGION,
    "region_name": REGION,
    "role": "arn:aws:iam::000000000000:role/pipetui",
    "role_arn": "arn:aws:iam::000000000000:role/pipetui",
    "default_bucket": "pipetui",
    "sagemaker_session": None,
    "session": None,
}
"""What parameters of ``get_pipeline`` that have no default are given, by name."""


def make(file: str) -> dict[str, Any]:
    """The definition's text and the pipeline's name, where the result has one."""
    # Not __main__: what a file does as a program of its own is not meant.
    namespace = runpy.run_path(file, run_name="pipeline")
    function = namespace.get("get_pipeline")
    if not callable(function):
        raise LookupError("the file has no function get_pipeline")
    given = {}
    for name, parameter in inspect.signature(function).parameters.items():
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if named and (name in ("region", "role") or parameter.default is parameter.empty):
            if name not in KNOWN:
                raise TypeError(f"get_pipeline wants {name}: give it a default")
            given[name] = KNOWN[name]
    made = function(**given)
    definition = made.definition() if callable(getattr(made, "definition", None)) else made
    if isinstance(definition, dict):
        definition = json.dumps(definition)
    if not isinstance(definition, str):
        raise TypeError(
            f"get_pipeline gave back a {type(made).__name__};"
            " a pipeline, a dict or JSON text is wanted"
        )
    name = getattr(made, "name", "")
    return {"definition": definition, "name": name if isinstance(name, str) else ""}


def failure(problem: BaseException, file: str) -> dict[str, Any]:
    """What went wrong in one line, and the innermost place in the user's own folder."""
    words = traceback.format_exception_only(type(problem), problem)
    place: dict[str, Any] = {"file": file, "line": None}
    if isinstance(problem, SyntaxError) and problem.filename:
        place = {"file": problem.filename, "line": problem.lineno}
    else:
        folder = os.path.join(os.path.dirname(file), "")
        for frame in traceback.extract_tb(problem.__traceback__):
            if frame.filename.startswith(folder) and "site-packages" not in frame.filename:
                place = {"file": frame.filename, "line": frame.lineno}
    return {"error": words[-1].strip(), **place}


def main() -> None:
    """Answer on what was the standard output."""
    file = sys.argv[1]
    answer = os.dup(1)
    os.dup2(2, 1)
    # The file's neighbours can be imported, this program's cannot.
    sys.path[0] = os.path.dirname(file)
    sys.argv = [file]
    try:
        made = make(file)
    except (Exception, SystemExit) as problem:
        traceback.print_exc()
        made = failure(problem, file)
    sys.stdout.flush()
    with os.fdopen(answer, "w", encoding="utf-8") as stream:
        json.dump(made, stream)


if __name__ == "__main__":
    main()
