"""What is known to be secret is not read from a log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.logs.files import FileLog
from engine.logs.masked import MaskedLog

TEXT = """2026-09-21T14:13:20Z connecting with hunter2-hunter2 as hunter2
plain
Traceback (most recent call last):
  File "a.py", line 3, in f
ValueError: hunter2 (refused)
"""


@pytest.fixture
def log(tmp_path: Path) -> MaskedLog:
    file = tmp_path / "job.log"
    file.write_text(TEXT)
    return MaskedLog(FileLog(file), {"hunter2", "hunter2-hunter2"}, "***")


def test_a_secret_is_in_nothing_that_is_read(log: MaskedLog) -> None:
    first = log.lines(0, 1)[0]
    assert first.text == "2026-09-21T14:13:20Z connecting with *** as ***"
    assert first.at is not None and first.text[first.stamp :].startswith("connecting")
    error = log.first_error()
    assert error is not None and error.summary == "ValueError: *** (refused)"
    texts = [line.text for line in (*log.lines(0, 9), *log.tail(9))] + log.texts(0, 9)
    assert "hunter2" not in " ".join(texts) + log.raw(0, 9).decode()


def test_a_line_without_a_secret_is_the_logs_own(log: MaskedLog, tmp_path: Path) -> None:
    assert log.lines(1, 3) == FileLog(tmp_path / "job.log").lines(1, 3)


def test_searches_go_through_the_log_itself(log: MaskedLog) -> None:
    sought = re.compile("refused")
    assert log.scan(0, pattern=sought).hits == [4] and log.find(sought) == 4
    assert log.scan(0, level=40).hits == [2, 3, 4]
    assert log.offset(1) == TEXT.index("plain")


def test_a_mask_and_a_secret_are_only_text(tmp_path: Path) -> None:
    file = tmp_path / "job.log"
    file.write_text("a (b+c)* d\n")
    log = MaskedLog(FileLog(file), ["(b+c)*"], r"\g<0>")
    assert log.texts(0, 1) == [r"a \g<0> d"] and log.raw(0, 1) == rb"a \g<0> d" + b"\n"
