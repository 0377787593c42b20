from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.logs.severity import Level, Mark, level_of, marks, may_reach

LINES = [
    ("2026-01-01 10:00:00,123 - train - ERROR - boom", Level.ERROR),
    ("INFO:root:started ERROR counter at zero", Level.INFO),
    ("WARNING:root:careful", Level.WARN),
    ("[14:02:31] WARNING: ../src/learner.cc:553: unused", Level.WARN),
    ("train.py:12: UserWarning: deprecated", Level.WARN),
    ("ValueError: bad", Level.ERROR),
    ("botocore.exceptions.ClientError: denied", Level.ERROR),
    ("KeyboardInterrupt", Level.ERROR),
    ("CRITICAL out of everything", Level.ERROR),
    ("error: no such option", Level.ERROR),
    ("2026/01/01 [error] 12#0: refused", Level.ERROR),
    ("\x1b[31mERROR\x1b[0m coloured", Level.ERROR),
    ('{"level":"error","msg":"x"}', Level.ERROR),
    ('{"levelname": "WARNING", "message": "x"}', Level.WARN),
    ('{"severity":"Critical"}', Level.ERROR),
    ('{"level":50,"msg":"pino"}', Level.ERROR),
    ('{"level":30,"msg":"pino"}', Level.INFO),
    ('{"levelno": 40}', Level.ERROR),
    ("ts=1 level=warn msg=x", Level.WARN),
    ("lvl=debug msg=x", Level.DEBUG),
    ("E1123 10:00:00.1 pod.go:1] failed", Level.ERROR),
    ("W1123 10:00:00.1 pod.go:1] slow", Level.WARN),
    ("npm ERR! code 1", Level.ERROR),
    ("[42] train-rmse:2.31 error=0.1", Level.NONE),
    ("Epoch 1/10 error rate 0.4", Level.NONE),
    ("NOERROR is not a word of its own", Level.NONE),
    ("water level: 12 cm", Level.NONE),
    ("", Level.NONE),
]


@pytest.mark.parametrize(("text", "level"), LINES)
def test_the_level_a_line_states(text: str, level: Level) -> None:
    assert level_of(text) is level


@pytest.mark.parametrize(("text", "level"), LINES)
def test_the_quick_test_on_bytes_never_hides_a_line(text: str, level: Level) -> None:
    around = f"quiet\n{text}\nquiet\n".encode()
    assert all(may_reach(around, floor) for floor in Level if floor <= level)
    assert may_reach(f"{text}\n".encode(), level)


@given(st.lists(st.sampled_from([text for text, _ in LINES]) | st.text(max_size=30)))
def test_the_quick_test_agrees_with_every_text(texts: list[str]) -> None:
    data = "\n".join(texts).encode("utf-8", "replace")
    found = max((mark.level for mark in marks(data.decode().split("\n"))), default=Level.NONE)
    assert all(may_reach(data, floor) for floor in Level if floor <= found)


def test_the_quick_test_passes_over_quiet_text() -> None:
    assert not may_reach(b"[41] train-rmse:2.31\n[42] train-rmse:2.27\n", Level.WARN)


def test_a_chained_traceback_is_one_block() -> None:
    text = """INFO before
Traceback (most recent call last):
  File "a.py", line 1, in f
    ERROR = 1 / 0
ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in f
    raise KeyError("x")
Custom: 'x'
after"""
    found = list(marks(text.split("\n")))
    assert found[0] == Mark(Level.INFO, True)
    assert found[1] == Mark(Level.ERROR, True)
    assert set(found[2:-1]) == {Mark(Level.ERROR, False)}
    assert found[-1] == Mark(Level.NONE, True)


def test_a_logged_exception_is_one_block_with_the_line_that_logs_it() -> None:
    lines = ["ERROR:root:failed", "Traceback (most recent call last):", "  File", "KeyError: 1"]
    assert [mark.head for mark in marks(lines)] == [True, False, False, False]


def test_indented_lines_continue_the_line_above_and_nothing_else() -> None:
    found = list(marks(["WARNING x", "   detail", "next", "   detail"]))
    assert [mark.level for mark in found] == [Level.WARN, Level.WARN, Level.NONE, Level.NONE]
