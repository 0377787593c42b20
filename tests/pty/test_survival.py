"""Terminals that shrink, hang, or go away."""

from __future__ import annotations

import pytest

from tests.pty.stage import Stage
from tests.pty.terminal import Terminal


def test_a_hang_up_ends_the_app_and_not_the_run(live: Stage) -> None:
    with live.terminal("@last") as terminal:
        terminal.wait_for("first", "executing")
        before = terminal.shown
        terminal.hang_up()
        assert terminal.exit() == 0
        assert b"Traceback" not in terminal.raw[before:]
    assert live.status() == "Executing"
    live.open("a")
    live.open("b")
    with live.terminal("@last") as terminal:
        terminal.wait_for("succeeded", "3 succeeded")


def test_a_terminal_that_is_gone_ends_the_app(ended: Stage) -> None:
    with ended.terminal("@last") as terminal:
        terminal.wait_for("prepare", "? help")
        terminal.vanish()
        assert terminal.process.wait(20) is not None


def test_resizing_without_end_leaves_the_right_screen(ended: Stage) -> None:
    with ended.terminal("@last", size=(120, 40)) as terminal:
        terminal.wait_for("prepare", "? help")
        for columns in (80, 200, 33, 150, 60, 90):
            terminal.resize(columns, 20 + columns % 17)
            terminal.listen(0.02)
        terminal.resize(100, 30)
        terminal.wait_for("prepare", "? help")
        terminal.settle()
        stormy = terminal.text
    with ended.terminal("@last", size=(100, 30)) as terminal:
        terminal.wait_for("prepare", "? help")
        terminal.settle()
        assert stormy == terminal.text


@pytest.mark.parametrize("size", [(20, 5), (1, 1)])
def test_a_tiny_terminal_is_no_trouble(ended: Stage, size: tuple[int, int]) -> None:
    with ended.terminal("@last", size=size) as terminal:
        terminal.wait(lambda: terminal.shown > 0)
        terminal.settle()
        terminal.send("j?")
        terminal.settle()
        assert terminal.process.poll() is None, terminal.text
        terminal.resize(100, 30)
        terminal.send("\x1b")
        terminal.wait_for("prepare")


def _stalled_until(terminal: Terminal, live: Stage) -> None:
    """Keys and news while nothing is read, until the run has moved on."""
    for key in "jkjk":
        terminal.send(key)
    live.open("a")
    live.open("b")


def test_a_stalled_terminal_gets_one_picture_of_the_present(live: Stage) -> None:
    with live.terminal("@last", size=(200, 50)) as terminal:
        terminal.wait_for("first", "executing")
        terminal.listen(1.0)
        before = terminal.shown
        _stalled_until(terminal, live)
        while live.status() != "Succeeded":
            pass
        terminal.wait_for("succeeded", "3 succeeded", limit=10)
        terminal.settle()
        assert terminal.shown - before < 60_000


def test_leaving_gives_the_terminal_back(ended: Stage) -> None:
    with ended.terminal("@last") as terminal:
        terminal.wait_for("prepare", "? help")
        terminal.send("\x03")
        assert terminal.exit() == 0
        last_question = terminal.raw.rindex(b"\x1b[6n")
        assert terminal.raw.rindex(b"\x1b[?1049l") > last_question
        assert terminal.raw.rindex(b"\x1b[?25h") > last_question


def test_a_terminal_that_answers_nothing_is_painted_too(ended: Stage) -> None:
    with ended.terminal("@last", answers=False) as terminal:
        terminal.wait_for("prepare", "? help")
        terminal.send("?")
        terminal.wait_for("LISTS AND TEXT")
        terminal.send("\x1b")
        terminal.wait(lambda: "LISTS AND TEXT" not in terminal.text)


def test_the_end_of_a_run_rings_and_is_told_to_the_desktop(live: Stage) -> None:
    with live.terminal() as terminal:
        terminal.wait_for("executing", "? help")
        live.open("a")
        live.open("b")
        terminal.wait(lambda: b"\x1b]777;notify;pipetui;" in terminal.raw)
        told = bytes(terminal.raw[terminal.raw.index(b"\x1b]9;") :])
        assert b"succeeded after" in told.split(b"\x07")[0]
        assert told.split(b"\x07")[2] == b""


def test_a_command_of_the_persons_own_is_told_of_the_end(live: Stage) -> None:
    live.configure(f"[ui]\nnotify = \"sh -c 'echo $0 > {live.folder}/told'\"\n")
    with live.terminal() as terminal:
        terminal.wait_for("executing", "? help")
        live.open("a")
        live.open("b")
        told = live.folder / "told"
        terminal.wait(lambda: told.exists() and "succeeded" in told.read_text())
        assert b"\x1b]9;" not in terminal.raw
