"""What ended a job, in one line, from its exit and the end of its log."""

from __future__ import annotations

import pytest

from engine.jobs.base import Exit
from engine.logs.first_error import first_error
from engine.steps.failure import CAUSE_LIMIT, cause_of

TRACEBACK = """reading
Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 42, in <module>
    fit(rows)
  File "/usr/lib/python3.11/site-packages/pandas/frame.py", line 9, in __getitem__
    raise KeyError(key)
KeyError: 'label'
"""
MEMORY = TRACEBACK.replace("KeyError: 'label'", "MemoryError")
ONE, KILLED = Exit(code=1), Exit(signal=9)
CASES = {
    "traceback: the user's own line": (
        ONE, TRACEBACK, "", "KeyError: 'label' (train.py:42), exit code 1"),
    "memory": (ONE, MEMORY, "", "out of memory: MemoryError (train.py:42), exit code 1"),
    "disk": (
        ONE, "cp: x: No space left on device", "",
        "disk full: cp: x: No space left on device, exit code 1"),
    "timeout": (
        ONE, "requests.exceptions.ReadTimeout: the read timed out", "",
        "requests.exceptions.ReadTimeout: the read timed out, exit code 1"),
    "killed": (KILLED, "Killed", "", "killed by SIGKILL (perhaps out of memory)"),
    "killed for memory": (Exit(signal=9, oom=True), "", "", "killed by SIGKILL (out of memory)"),
    "no command": (Exit(code=127), "", "", "exit code 127 (the command was not found)"),
    "nothing is said": (Exit(code=3), "epoch 1\nepoch 2", "", "exit code 3"),
    "failure file with a traceback": (
        ONE, "", "Exception:\n" + TRACEBACK, "KeyError: 'label' (train.py:42), exit code 1"),
    "failure file before a bare traceback": (
        ONE, "ERROR odd\nTraceback (most recent call last)\n\x1b[0m    cell", "KeyError: 'gone'",
        "KeyError: 'gone', exit code 1"),
    "an error line alone": (ONE, "ERROR no rows", "", "ERROR no rows, exit code 1"),
    "failure file in words": (ONE, "", "no rows are left\nat all", "no rows are left, exit code 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_cause_is_the_error_its_place_and_the_end_of_the_job(case: str) -> None:
    exit, log, failure_file, told = CASES[case]
    assert cause_of(exit, log, failure_file) == told


def test_it_is_the_error_that_the_why_page_shows() -> None:
    block = first_error(TRACEBACK)
    assert block is not None
    assert cause_of(ONE, TRACEBACK).startswith(block.summary)


def test_a_cause_is_one_short_line_that_no_terminal_obeys() -> None:
    told = cause_of(ONE, "ERROR \x1b[2J\x07 bad\x9b " + "x" * 5000)
    assert len(told) <= CAUSE_LIMIT
    assert told.isprintable()
    assert told.endswith("exit code 1")
