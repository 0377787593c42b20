from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import JobError
from engine.jobs import attempt
from engine.jobs.base import Exit


@pytest.mark.parametrize("text", ["", "{", '{"code": 0}', '{"code": 1'])
def test_an_incomplete_record_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "exit.json").write_text(text)
    assert attempt.read_exit(str(tmp_path)) is None


def test_a_complete_record_has_its_time_from_the_file(tmp_path: Path) -> None:
    record = tmp_path / "exit.json"
    record.write_text('{"code": 3}\n')
    end = attempt.read_exit(str(tmp_path))
    assert end == Exit(code=3, ended_at=record.stat().st_mtime)


def test_a_failed_mount_is_named(tmp_path: Path) -> None:
    (tmp_path / "exit.json").write_text('{"code": 125, "failure": "mount"}\n')
    end = attempt.read_exit(str(tmp_path))
    assert end is not None and "mounted" in end.note


def test_without_a_record_only_the_shims_own_exit_code_counts(tmp_path: Path) -> None:
    assert attempt.exit_without_record(str(tmp_path), 4) == Exit(code=4)
    assert attempt.exit_without_record(str(tmp_path), None) == Exit(lost=True)


def test_without_a_record_a_kill_that_was_asked_for_is_known(tmp_path: Path) -> None:
    attempt.mark_stopped(str(tmp_path), killed=False)
    assert attempt.exit_without_record(str(tmp_path), None) == Exit(lost=True, stopped=True)
    attempt.mark_stopped(str(tmp_path), killed=True)
    assert attempt.exit_without_record(str(tmp_path), None) == Exit(signal=9, stopped=True)


def test_a_job_of_an_earlier_boot_says_so(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text("1 another-boot e/s/1\n")
    end = attempt.exit_without_record(str(tmp_path), None)
    assert end.lost and "restarted" in end.note


def test_an_attempt_is_either_claimed_or_abandoned(tmp_path: Path) -> None:
    assert attempt.abandon(str(tmp_path))
    assert attempt.abandon(str(tmp_path))
    assert attempt.read_claim(str(tmp_path)) is None


def test_a_claimed_attempt_cannot_be_abandoned(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text("7 boot e/s/1\n")
    assert not attempt.abandon(str(tmp_path))
    assert attempt.read_claim(str(tmp_path)) == attempt.Claim(7, "boot", "e/s/1")


def test_abandoning_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError) as caught:
        attempt.abandon(str(tmp_path / "missing"))
    assert caught.value.code == "job-directory-unusable"


def test_the_tail_of_a_log_is_bounded_and_survives_bad_bytes(tmp_path: Path) -> None:
    (tmp_path / "job.log").write_bytes(b"x" * 100 + b"\xff\xfeend")
    assert attempt.log_tail(str(tmp_path), 5) == "\ufffd\ufffdend"
    assert attempt.log_tail(str(tmp_path / "missing")) == ""
