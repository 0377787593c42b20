from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from engine.logs.base import UNKNOWN
from engine.logs.files import DISPLAY_CAP, MIB, FileLog
from engine.logs.index import BLOCK

LINE = b"2026-01-01 INFO epoch %07d\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "step.log"


def numbered(count: int) -> bytes:
    return b"".join(LINE % row for row in range(count))


def test_only_what_follows_the_last_carriage_return_is_shown(path: Path) -> None:
    path.write_bytes(b" 10%\r 50%\r100%\r\nplain\r\n 1%\r 2%")
    assert [line.text for line in FileLog(path).lines(0, 9)] == ["100%", "plain", " 2%"]


def test_bytes_that_are_not_text_are_shown_as_such(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00caf\xc3\nnext\n")
    log = FileLog(path)
    assert [line.text for line in log.lines(0, 9)] == ["\ufffd\ufffd\x00caf\ufffd", "next"]


def test_a_huge_line_is_cut_with_a_mark_and_its_neighbours_are_whole(path: Path) -> None:
    path.write_bytes(b"before\n" + b"x" * (3 * MIB) + b"\nafter\n")
    before, huge, after = FileLog(path).lines(0, 3)
    assert (before.text, after.text) == ("before", "after")
    assert huge.text.startswith("x" * DISPLAY_CAP)
    assert huge.text.endswith(" … [3,145,729 bytes]")


def test_of_a_huge_progress_line_the_last_state_is_shown(path: Path) -> None:
    path.write_bytes(b"".join(b"%d%%\r" % row for row in range(400_000)) + b"done\nafter\n")
    assert [line.text for line in FileLog(path).lines(0, 2)] == ["done", "after"]


def test_a_huge_line_without_an_end_is_searched_and_passed(path: Path) -> None:
    path.write_bytes(b"start needle" + b"x" * (3 * MIB) + b"\nneedle\n" + b"y" * (2 * MIB))
    log = FileLog(path)
    log.refresh()
    assert log.count == 3
    assert log.scan(0, pattern=re.compile("needle")).hits == [0, 1]
    assert log.find(re.compile("needle"), 3, -1) == 1
    assert log.find(re.compile("needle"), 1, -1) == 0


def test_the_end_of_a_large_log_is_there_before_its_lines_are_counted(path: Path) -> None:
    count = 400_000
    path.write_bytes(numbered(count))
    log = FileLog(path)
    assert not log.complete
    tail = log.tail(3)
    assert [line.text.encode() + b"\n" for line in tail] == [
        LINE % (count - 3 + n) for n in (0, 1, 2)
    ]
    assert {line.number for line in tail} == {UNKNOWN}
    steps = 0
    while log.refresh(MIB):
        steps += 1
    assert log.complete and steps > 3
    assert (log.count, log.tail(1)[0].number) == (count, count - 1)


def test_every_line_of_a_log_of_many_blocks_is_where_the_index_says(path: Path) -> None:
    count = 3 * BLOCK // len(LINE % 0) + 7
    path.write_bytes(numbered(count))
    log = FileLog(path)
    for row in [0, 1, count // 3, count // 2, count - 2, count - 1]:
        (line,) = log.lines(row, 1)
        assert line.text.encode() + b"\n" == LINE % row
    sought = re.compile(f"epoch {count // 2:07d}")
    assert log.find(sought) == log.find(sought, count, -1) == count // 2


def test_a_log_that_is_written_in_any_pieces_across_blocks_counts_right(path: Path) -> None:
    data = numbered(9_000)
    log = FileLog(path)
    with path.open("ab", buffering=0) as file:
        for start in range(0, len(data), 50_021):
            file.write(data[start : start + 50_021])
            log.refresh()
            written = data[: start + 50_021]
            assert log.count == len(written.splitlines())
    assert log.lines(8_999, 1)[0].text.encode() + b"\n" == LINE % 8_999


def test_a_rotated_log_goes_on_in_the_new_file(path: Path) -> None:
    path.write_bytes(b"old\n" * 10)
    log = FileLog(path)
    path.rename(path.with_suffix(".1"))
    assert log.refresh() is False and log.count == 10
    path.write_bytes(b"new\n" * 20)
    assert log.refresh() is True
    assert (log.count, log.lines(0, 1)[0].text) == (20, "new")


def test_a_log_truncated_and_written_beyond_its_old_size_is_noticed(path: Path) -> None:
    path.write_bytes(b"old\n" * 10)
    log = FileLog(path)
    path.write_bytes(b"new line\n" * 10)
    assert log.refresh() is True
    assert [line.text for line in log.lines(0, 2)] == ["new line"] * 2


def test_a_deleted_log_stays_readable_until_another_takes_its_name(path: Path) -> None:
    path.write_bytes(b"kept\n")
    log = FileLog(path)
    path.unlink()
    log.refresh()
    assert [line.text for line in log.lines(0, 9)] == ["kept"]
    path.write_bytes(b"again\n")
    log.refresh()
    assert [line.text for line in log.lines(0, 9)] == ["again"]


def test_links_folders_and_pipes_are_not_opened_but_explained(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret\n")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, problem in {
        "link": "The log is a symbolic link, which is not followed.",
        "pipe": "The log is not a regular file.",
        "folder": "The log is not a regular file.",
    }.items():
        log = FileLog(tmp_path / name)
        assert (log.count, log.problem) == (0, problem)


def test_a_closed_log_is_empty_and_opens_again(path: Path) -> None:
    path.write_bytes(b"a\n")
    log = FileLog(path)
    log.close()
    assert log.count == 0 and log.lines(0, 1) == []
    log.refresh()
    assert log.count == 1


def test_a_line_in_the_middle_of_a_traceback_is_known_for_what_it_is(path: Path) -> None:
    body = "".join(f'  File "a.py", line {n}, in f\n' for n in range(20))
    path.write_text(f"x\nTraceback (most recent call last):\n{body}KeyError: 1\nafter\n")
    log = FileLog(path)
    (line,) = log.lines(15, 1)
    assert (line.level, line.head) == (40, False)
    assert log.scan(15, level=40).hits == list(range(15, 23))
    assert log.scan(0, level=40, heads=True).hits == [1]


def test_a_traceback_across_the_pieces_of_a_search_stays_whole(path: Path) -> None:
    filler = b"quiet line of text\n" * 3500
    frames = b"".join(b'  File "a.py", line %d, in f\n' % n for n in range(4000))
    path.write_bytes(
        filler + b"Traceback (most recent call last):\n" + frames + b"Odd: 1\n" + filler
    )
    hits = FileLog(path).scan(0, level=40, budget=1 << 40).hits
    assert hits == list(range(3500, 3500 + 4002))
