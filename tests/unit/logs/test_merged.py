from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.logs.files import FileLog
from engine.logs.folded import FoldedLog
from engine.logs.merged import MergedLog

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
# Seconds of each line's time; None is a line that states none.
LOGS = st.lists(st.lists(st.none() | st.integers(0, 59), max_size=30), min_size=1, max_size=4)


def stamped(second: int | None, text: str) -> str:
    return text if second is None else f"2026-01-01T00:00:{second:02}Z {text}"


def write(path: Path, text: str, mode: str = "w") -> None:
    with path.open(mode) as file:
        file.write(text)


def merged(folder: Path, logs: list[list[int | None]], end: str = "\n") -> MergedLog:
    parts = []
    for name, seconds in enumerate(logs):
        path = folder / f"{name}.log"
        write(path, "\n".join(stamped(s, f"{name}/{n}") for n, s in enumerate(seconds)))
        if seconds:
            write(path, end, "a")
        parts.append((f"step-{name}", FileLog(path)))
    return MergedLog(parts)


def texts(log: MergedLog) -> list[str]:
    return [line.text for line in log.lines(0, log.count)]


@quick
@given(logs=LOGS, ended=st.booleans())
def test_every_line_is_kept_once_and_each_log_keeps_its_order(
    tmp_path: Path, logs: list[list[int | None]], ended: bool
) -> None:
    log = merged(tmp_path, logs, "\n" if ended else "")
    assert log.complete and log.count == sum(map(len, logs))
    lines = log.lines(0, log.count)
    for origin, seconds in enumerate(logs):
        own = [line.text for line in lines if line.origin == origin]
        assert own == [stamped(s, f"{origin}/{n}") for n, s in enumerate(seconds)]


@quick
@given(logs=LOGS)
def test_logs_that_are_in_order_are_in_order_together(
    tmp_path: Path, logs: list[list[int | None]]
) -> None:
    ordered = [sorted(s for s in seconds if s is not None) for seconds in logs]
    log = merged(tmp_path, [list(one) for one in ordered])
    times = [line.at for line in log.lines(0, log.count)]
    assert times == sorted(times, key=lambda at: at or 0)


@quick
@given(logs=LOGS, start=st.integers(0, 60), budget=st.sampled_from([1, 1 << 30]))
def test_searches_find_what_looking_at_every_line_finds(
    tmp_path: Path, logs: list[list[int | None]], start: int, budget: int
) -> None:
    log = merged(tmp_path, logs, "")
    sought = re.compile(r"[13579]$")
    hits: list[int] = []
    at, done = start, False
    while not done:
        step = log.scan(at, pattern=sought, budget=budget)
        hits, at, done = hits + step.hits, step.next, step.done
    assert hits == [n for n, text in enumerate(texts(log)) if sought.search(text) and n >= start]


def test_a_line_without_a_time_stays_behind_the_one_before_it(tmp_path: Path) -> None:
    log = merged(tmp_path, [[1, None, None, 9], [1, 5, None]])
    assert [text.rpartition(" ")[2] for text in texts(log)] == [
        *("0/0", "0/1", "0/2", "1/0", "1/1", "1/2", "0/3")
    ]


def test_what_comes_later_is_appended_and_an_open_line_waits_at_the_end(tmp_path: Path) -> None:
    log = merged(tmp_path, [[1], [2]])
    write(tmp_path / "0.log", stamped(9, "open"), "a")
    write(tmp_path / "1.log", stamped(3, "late") + "\n", "a")
    assert log.refresh()
    assert [text.rpartition(" ")[2] for text in texts(log)] == ["0/0", "1/0", "late", "open"]
    assert (log.count, log.settled) == (4, 3)
    write(tmp_path / "0.log", "ed\n", "a")
    log.refresh()
    assert texts(log)[-1].endswith("opened") and log.settled == 4


def test_a_log_that_is_replaced_is_merged_anew(tmp_path: Path) -> None:
    log = merged(tmp_path, [[1, 2, 3], [2]])
    generation = log.generation
    write(tmp_path / "0.log", stamped(7, "new") + "\n")
    assert log.refresh() and log.generation != generation
    assert [text.rpartition(" ")[2] for text in texts(log)] == ["1/0", "new"]


def test_long_logs_are_merged_in_steps_and_found_across_pages(tmp_path: Path) -> None:
    log = merged(tmp_path, [[n % 60 for n in range(9_000)], [None] * 100, [30] * 5_000])
    assert not log.complete and log.tail(3)[-1].number == -1
    while log.refresh(1 << 22):
        pass
    assert log.complete and log.count == 14_100
    row = log.find(re.compile(" 2/4999$"))
    assert row is not None and log.lines(row, 1)[0].text.endswith(" 2/4999")
    assert log.find(re.compile(" 2/4999$"), log.count, -1) == row
    assert log.find(re.compile("absent")) is None


def test_an_error_is_numbered_as_the_merged_lines(tmp_path: Path) -> None:
    log = merged(tmp_path, [[1, 2], [3]])
    write(tmp_path / "1.log", stamped(4, "ERROR: broken") + "\n", "a")
    write(tmp_path / "0.log", stamped(5, "fine") + "\n", "a")
    log.refresh()
    block = log.first_error()
    assert block is not None
    assert log.lines(block.first_line, 1)[0].text.endswith("ERROR: broken")


def test_the_whole_text_names_the_log_of_each_line(tmp_path: Path) -> None:
    log = merged(tmp_path, [[2], [1]], "")
    assert log.raw(0, 9) == (
        b"step-0 | 2026-01-01T00:00:02Z 0/0\nstep-1 | 2026-01-01T00:00:01Z 1/0\n"
    )


def test_a_problem_names_its_log_and_some_logs_there_must_be(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    log = MergedLog([("good", FileLog(tmp_path / "x")), ("bad", FileLog(tmp_path / "folder"))])
    assert log.problem == "bad: The log is not a regular file."
    with pytest.raises(ValueError, match="between 1 and"):
        MergedLog([])


# Folded


def folded(path: Path, text: str, rare_first: bool = True) -> FoldedLog:
    path.write_text(text)
    return FoldedLog(FileLog(path), rare_first=rare_first)


TEXT = "epoch 1\nepoch 2\n  detail\nWARNING x\nepoch 3\nKeyError: 'a'"


def test_folded_rows_are_rare_first_or_in_order_and_lead_to_their_first_line(
    tmp_path: Path,
) -> None:
    log = folded(tmp_path / "a", TEXT)
    assert log.texts(0, 9) == ["1x WARNING x", "1x KeyError: 'a'", "3x epoch 1"]
    assert [log.line_of(row) for row in range(3)] == [3, 5, 0]
    assert [line.level for line in log.lines(0, 3)] == [30, 40, 0]
    in_order = folded(tmp_path / "a", TEXT, rare_first=False)
    assert [in_order.line_of(row) for row in range(3)] == [0, 3, 5]
    assert log.complete and log.folded == 5


def test_folded_rows_are_searched_and_exported_as_they_are_shown(tmp_path: Path) -> None:
    log = folded(tmp_path / "a", TEXT)
    assert log.scan(0, pattern=re.compile("epoch")).hits == [2]
    assert log.scan(0, pattern=re.compile("epoch"), exclude=True).hits == [0, 1]
    assert log.scan(0, level=40).hits == [1] and log.scan(0, stop=1).hits == [0]
    assert log.find(re.compile("x"), 1) == 1 and log.find(re.compile("x"), 1, -1) == 0
    assert log.raw(2, 9) == b"3x epoch 1\n"
    block = log.first_error()
    assert block is not None and block.first_line == 1


def test_rows_that_grow_are_a_new_generation_and_what_stays_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a"
    log = folded(path, TEXT)
    generation = log.generation
    assert not log.refresh() and log.generation == generation
    write(path, "\nepoch 4\n", "a")
    assert log.refresh() and log.generation > generation
    assert log.tail(1)[0].text == "4x epoch 1"


@quick
@given(lines=st.lists(st.sampled_from(["a 1", "b 2", "c", "  x"]), max_size=50))
def test_folded_counts_are_those_of_the_lines_that_head_something(
    tmp_path: Path, lines: list[str]
) -> None:
    log = folded(tmp_path / "a", "".join(f"{line}\n" for line in lines))
    counted = sum(int(text.split("x")[0]) for text in log.texts(0, log.count))
    assert counted == sum(not line.startswith(" ") for line in lines)
