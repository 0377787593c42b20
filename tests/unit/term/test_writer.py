"""A writer never waits, whatever the terminal does."""

from __future__ import annotations

import os

from pipetui.term.writer import Writer


def test_who_writes_to_a_full_pipe_does_not_wait() -> None:
    there, here = os.pipe()
    writer = Writer(here, lambda _: None)
    sent = b"x" * 1_000_000
    writer.write(sent)
    assert writer.unwritten > 0
    found = b""
    while len(found) < len(sent):
        found += os.read(there, 65536)
    writer.close()
    assert found == sent
    assert writer.unwritten == 0
    os.close(here)
    os.close(there)


def test_what_a_lost_terminal_is_sent_is_dropped() -> None:
    there, here = os.pipe()
    os.close(there)
    told: list[int] = []
    writer = Writer(here, told.append)
    writer.write(b"gone")
    writer.close()
    writer.write(b"more")
    assert writer.unwritten == 0
    assert told == [0]
    os.close(here)


def test_closing_does_not_wait_for_a_terminal_that_hangs() -> None:
    there, here = os.pipe()
    writer = Writer(here, lambda _: None)
    writer.write(b"x" * 1_000_000)
    writer.close(limit=0.05)
    os.close(there)
    writer.close()
    os.close(here)
