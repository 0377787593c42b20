"""Calls a Lambda handler: ``python lambda_function.py HANDLER FOLDER EVENT RESULT``.

Stands alone (standard library only), because it runs in the user's interpreter. ``HANDLER`` is
``module:function``; ``FOLDER`` takes this file's place on the import path. The event is read
from, and the result written to, JSON files. Exit code 1: the handler raised or gave what is no
JSON, the log has the traceback and the result file what Lambda answers then.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import traceback
from dataclasses import dataclass, field


@dataclass
class Context:
    """The part of Lambda's context object that a handler can rely on here."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    timeout_s: float
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "128"
    started: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return max(0, int((self.started + self.timeout_s - time.monotonic()) * 1000))


def main(handler: str, folder: str, event_file: str, result_file: str) -> int:
    """Call the handler; returns the exit code."""
    with open(event_file, encoding="utf-8") as file:
        request = json.load(file)
    sys.path[0] = folder
    module_name, _, function_name = handler.partition(":")
    try:
        function = getattr(importlib.import_module(module_name), function_name or "lambda_handler")
        code, result = 0, json.dumps(function(request["event"], Context(**request["context"])))
    except BaseException as error:
        traceback.print_exc()
        answer = {"errorType": type(error).__name__, "errorMessage": str(error)}
        code, result = 1, json.dumps(answer)
    with open(result_file, "w", encoding="utf-8") as file:
        file.write(result)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:5]))
