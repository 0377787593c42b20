"""What the app costs on the line."""

from __future__ import annotations

import pytest

from tests.pty.stage import Stage, step

WIDE = (200, 50)
STATUS_CHANGE = 400
FIRST_PAINT = 100_000
PULSES_S = 2.5
BETWEEN_TICKS_S, ONE_FRAME_S = 0.5, 0.25


def test_the_first_screen_is_small(ended: Stage) -> None:
    with ended.terminal("@last", size=WIDE) as terminal:
        terminal.wait_for("prepare", "? help")
        terminal.settle()
        assert terminal.shown <= FIRST_PAINT


def test_an_idle_screen_sends_nothing(ended: Stage) -> None:
    with ended.terminal("@last", size=WIDE) as terminal:
        terminal.wait_for("prepare", "? help")
        terminal.settle()
        assert terminal.listen(PULSES_S) == b""


@pytest.mark.parametrize("where", [(), ("@last",)])
@pytest.mark.parametrize("depth", ["truecolor", ""])
def test_one_status_change_is_a_few_cells(live: Stage, where: tuple[str, ...], depth: str) -> None:
    with live.terminal(*where, size=WIDE, COLORTERM=depth) as terminal:
        terminal.wait_for("executing", "? help")
        terminal.send("Gt")
        terminal.wait_for("local")
        terminal.settle(quiet=BETWEEN_TICKS_S, limit=30)
        before = terminal.shown
        live.open("a")
        terminal.wait(lambda: "1/3" in terminal.text or "1 of 3" in terminal.text)
        terminal.listen(ONE_FRAME_S)
        sent = bytes(terminal.raw[before:])
        assert len(sent) <= STATUS_CHANGE, sent


def test_a_key_is_painted_before_a_busy_log(live: Stage) -> None:
    talk = "head -c 9000 /dev/urandom | base64 -w 150; sleep 0.1"
    live.run([step("talk", live.gate("c", meanwhile=talk))], detach=True, name="talk")
    with live.terminal("@last", size=(120, 40), rate=32_000, SSH_CONNECTION="a 1 b 2") as terminal:
        terminal.wait_for("talk", "executing")
        terminal.send("l")
        terminal.wait(lambda: "follow" in terminal.text)
        terminal.send("?")
        assert terminal.wait_for("ONE EXECUTION", limit=10) < 5
