from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.jobs import identity
from engine.jobs.identity import ProcessIdentity


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        yield process
        process.kill()


def test_a_program_name_with_brackets_and_blanks_does_not_shift_the_fields() -> None:
    line = "42 (a) (b c) S 7 42 41 0 -1 4194304 66 0 0 0 0 0 0 0 20 0 1 0 156323 2654208 385"
    stat = identity.parse_stat(line)
    assert (stat.pid, stat.state, stat.parent, stat.group, stat.session) == (42, "S", 7, 42, 41)
    assert stat.start_ticks == 156323


@pytest.mark.parametrize("line", ["", "42", "42 (sh) S 1 2", "not a line"])
def test_a_line_that_is_cut_short_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        identity.parse_stat(line)


def test_the_current_process_is_alive_and_survives_json() -> None:
    own = identity.current()
    assert own.pid == os.getpid()
    assert own.alive()
    assert ProcessIdentity.from_dict({**own.as_dict(), "more": 1}) == own


def test_no_process_has_no_identity(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()
    assert identity.of(sleeper.pid) is None


def test_a_zombie_exists_but_is_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    own = identity.of(sleeper.pid)
    assert own is not None
    sleeper.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert (own.exists(), own.alive()) == (True, False)
    sleeper.wait()
    assert (own.exists(), own.alive()) == (False, False)


def test_a_number_in_other_hands_is_neither_alive_nor_signalled(
    sleeper: subprocess.Popen[bytes],
) -> None:
    own = identity.of(sleeper.pid)
    assert own is not None
    for other in (
        replace(own, start_ticks=own.start_ticks - 1),
        replace(own, boot_id="00000000-0000-0000-0000-000000000000"),
    ):
        assert not other.alive()
        assert other.open() is None
        assert not other.signal(signal.SIGKILL)
    assert own.alive()
    assert sleeper.poll() is None


def test_the_right_process_is_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    own = identity.of(sleeper.pid)
    assert own is not None
    assert own.signal(signal.SIGTERM)
    assert sleeper.wait() == -signal.SIGTERM
    assert not own.signal(signal.SIGTERM)
