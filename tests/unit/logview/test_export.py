from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.logs.files import FileLog
from pipetui.bookmarks import MOST, Bookmarks
from pipetui.logview.export import Cancelled, Written, export
from pipetui.logview.matches import Question

TEXT = "".join(f"{'ERROR' if n % 1000 == 3 else 'line'} {n}\n" for n in range(50_000)) + "open"


@pytest.fixture
def log(tmp_path: Path) -> FileLog:
    path = tmp_path / "job.log"
    path.write_text(TEXT)
    return FileLog(path)


def test_a_whole_log_is_written_as_it_is_and_for_its_owner_alone(
    log: FileLog, tmp_path: Path
) -> None:
    target = tmp_path / "out.log"
    assert export(log, target, Question()) == Written(50_001, len(TEXT))
    assert target.read_text() == TEXT
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job.log", "out.log"]


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        (Question(re.compile("7$")), lambda line: line.endswith("7")),
        (Question(re.compile("line"), exclude=True), lambda line: "line" not in line),
        (Question(level=40), lambda line: line.startswith("ERROR")),
        (Question(re.compile("absent")), lambda line: False),
    ],
)
def test_the_shown_lines_are_written(
    log: FileLog, tmp_path: Path, question: Question, kept: object
) -> None:
    expected = [line for line in TEXT.split("\n") if kept(line)]  # type: ignore[operator]
    written = export(log, tmp_path / "out.log", question)
    assert (tmp_path / "out.log").read_text().split("\n")[: len(expected)] == expected
    assert written.lines == len(expected)


def test_a_file_that_is_there_stays_unless_it_may_be_replaced(log: FileLog, tmp_path: Path) -> None:
    target = tmp_path / "out.log"
    target.write_text("mine")
    with pytest.raises(FileExistsError):
        export(log, target)
    assert target.read_text() == "mine"
    export(log, target, replace=True)
    assert target.read_text() == TEXT


def test_what_is_given_up_leaves_nothing_behind(log: FileLog, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        export(log, tmp_path / "out.log", stopped=lambda: True)
    with pytest.raises(FileNotFoundError):
        export(log, tmp_path / "no-folder" / "out.log")
    assert [path.name for path in tmp_path.iterdir()] == ["job.log"]


# Bookmarks


def test_bookmarks_last_beside_those_of_another_session(tmp_path: Path) -> None:
    file = tmp_path / "ui" / "bookmarks.json"
    one, other = Bookmarks(file), Bookmarks(file)
    one.keep("a/train/1", [7, 3, 3])
    other.keep("b/train/1", [5])
    assert Bookmarks(file).of("a/train/1") == (3, 7) and one.of("b/train/1") == (5,)
    one.keep("a/train/1", [])
    assert other.of("a/train/1") == ()
    assert file.stat().st_mode & 0o777 == 0o600 and len(list(file.parent.iterdir())) == 1


def test_without_a_file_bookmarks_last_for_the_session() -> None:
    kept = Bookmarks()
    kept.keep("a", [1])
    assert kept.of("a") == (1,) and kept.of("b") == ()


@pytest.mark.parametrize(
    "text", ["", "not json", "[1]", '{"a": 3}', '{"a": ["x", -1, null]}', "\udc80"]
)
def test_a_file_that_makes_no_sense_is_worth_none(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bookmarks.json"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    kept = Bookmarks(file)
    assert kept.of("a") == ()
    kept.keep("a", [1])
    assert kept.of("a") == (1,)


def test_the_oldest_bookmarks_go_first() -> None:
    kept = Bookmarks()
    for number in range(MOST + 2):
        kept.keep(str(number), [1])
    assert kept.of("1") == () and kept.of("2") == (1,)
