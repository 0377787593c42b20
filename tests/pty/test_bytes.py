"""What the app costs on the line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pty.stage import Stage, step
from tests.pty.terminal import Terminal

WIDE = (200, 50)
STATUS_CHANGE = 400
FAILURE_SELECTED, FAILURE = 1080, 780
FAILURE_SELECTED_SSH, FAILURE_SSH = 850, 600
"""The failed step, its reason, the one it blocks, the edge between them, the key that helps."""
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


def sent_by(terminal: Terminal, keys: str, change: Callable[[], None], seen: str) -> bytes:
    """What a change sends where nothing else happens but that a second passes."""
    terminal.wait_for("executing", "? help")
    terminal.send("t")
    terminal.wait_for("local")
    terminal.send(keys)
    terminal.settle(quiet=BETWEEN_TICKS_S, limit=30)
    before = terminal.shown
    change()
    terminal.wait(lambda: seen in terminal.text)
    terminal.listen(ONE_FRAME_S)
    return bytes(terminal.raw[before:])


@pytest.mark.parametrize(
    ("where", "keys", "seen"),
    [
        ((), "", "✔ first"),
        (("@last",), "G", "1 of 3"),
        (("@last",), "g", "1 of 3"),
        (("@last",), "gl", "1 of 3"),
    ],
    ids=["list", "another step selected", "the step selected", "its log followed"],
)
@pytest.mark.parametrize("depth", ["truecolor", ""])
def test_one_status_change_is_a_few_cells(
    live: Stage, where: tuple[str, ...], keys: str, seen: str, depth: str
) -> None:
    with live.terminal(*where, size=WIDE, COLORTERM=depth) as terminal:
        sent = sent_by(terminal, keys, lambda: live.open("a"), seen)
        assert len(sent) <= STATUS_CHANGE, sent


@pytest.mark.parametrize(
    ("keys", "most", "over"),
    [
        ("g", FAILURE_SELECTED, ""),
        ("G", FAILURE, ""),
        ("g", FAILURE_SELECTED_SSH, "a 1 b 2"),
        ("G", FAILURE_SSH, "a 1 b 2"),
    ],
    ids=["the step selected", "another", "the step selected, ssh", "another, ssh"],
)
def test_a_failure_with_all_that_follows_from_it_is_one_packet(
    tmp_path: Path, keys: str, most: int, over: str
) -> None:
    stage = Stage(tmp_path)
    fails = step("first", f"{stage.gate('a')}; echo boom; exit 3")
    stage.run(
        [fails, step("second", stage.gate("b")), step("last", "true", ["first"])], detach=True
    )
    try:
        with stage.terminal("@last", size=WIDE, SSH_CONNECTION=over) as terminal:
            sent = sent_by(terminal, keys, lambda: stage.open("a"), "1 failed")
            assert len(sent) <= most, sent
    finally:
        stage.end()


def test_a_key_is_painted_before_a_busy_log(live: Stage) -> None:
    talk = "head -c 9000 /dev/urandom | base64 -w 150; sleep 0.1"
    live.run([step("talk", live.gate("c", meanwhile=talk))], detach=True, name="talk")
    with live.terminal("@last", size=(120, 40), rate=32_000, SSH_CONNECTION="a 1 b 2") as terminal:
        terminal.wait_for("talk", "executing")
        terminal.send("l")
        terminal.wait(lambda: "follow" in terminal.text)
        terminal.send("?")
        assert terminal.wait_for("ONE EXECUTION", limit=10) < 5
