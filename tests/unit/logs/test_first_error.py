from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.logs.first_error import first_error

TRACEBACK = """Traceback (most recent call last):
  File "/opt/ml/code/train.py", line 7, in main
    go()
  File "/usr/lib/python3.11/subprocess.py", line 571, in run
    raise X
{}
"""


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ("KeyError: 'x'", "traceback"),
        ("MemoryError", "out-of-memory"),
        ("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried", "out-of-memory"),
        ("OSError: [Errno 28] No space left on device", "disk-full"),
        ("TimeoutError: timed out", "timeout"),
    ],
)
def test_a_traceback_points_to_the_users_own_line(end: str, kind: str) -> None:
    found = first_error("start\n" + TRACEBACK.format(end) + "done\n")
    assert found is not None
    assert (found.kind, found.summary) == (kind, end)
    assert (found.file, found.line) == ("/opt/ml/code/train.py", 7)
    assert (found.first_line, found.last_line) == (1, 6)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Killed", "killed"),
        ("run.sh: line 3:  4242 Killed                  python train.py", "killed"),
        ("Out of memory: Killed process 4242 (python)", "out-of-memory"),
        ("cp: error writing 'x': No space left on device", "disk-full"),
        ("ERROR: could not find a version", "error"),
        ("curl: (28) Operation timed out after 300 s", "timeout"),
        ("ERROR request timed out", "timeout"),
    ],
)
def test_a_line_that_names_the_trouble_is_found(line: str, kind: str) -> None:
    found = first_error(f"INFO fine\n{line}\nINFO after\n")
    assert found is not None
    assert (found.kind, found.summary, found.first_line, found.last_line) == (kind, line, 1, 1)


def test_what_ended_the_process_is_preferred_to_what_it_survived() -> None:
    text = TRACEBACK.format("ValueError: handled") + "on\n" + TRACEBACK.format("KeyError: fatal")
    found = first_error(text)
    assert found is not None and found.summary == "KeyError: fatal"


def test_an_exception_that_only_passes_a_failure_on_yields_to_the_one_before() -> None:
    text = TRACEBACK.format("ValueError: root") + "on\n"
    text += TRACEBACK.format("subprocess.CalledProcessError: Command 'x' died")
    found = first_error(text)
    assert found is not None and found.summary == "ValueError: root"


def test_a_kill_behind_a_traceback_is_the_better_answer() -> None:
    found = first_error(TRACEBACK.format("ValueError: handled") + "Killed\n")
    assert found is not None and found.kind == "killed"


def test_an_error_keeps_its_indented_lines() -> None:
    found = first_error("ERROR: a\n  b\n  c\nnext\n")
    assert found is not None and (found.first_line, found.last_line) == (0, 2)


@pytest.mark.parametrize("text", ["", "\n\n", "INFO all is well\n[42] error=0.1\n"])
def test_a_log_without_trouble_has_no_error(text: str) -> None:
    assert first_error(text) is None


@given(st.text() | st.text(alphabet="Traceback (most recent call last):\nError \x1b[0mKilled"))
def test_any_text_gives_a_block_within_it_or_none(text: str) -> None:
    found = first_error(text)
    assert found is None or 0 <= found.first_line <= found.last_line <= text.count("\n")
