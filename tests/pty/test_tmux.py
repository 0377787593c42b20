"""The app inside tmux, and wide characters on a real screen."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pty.stage import Stage, step
from tests.pty.terminal import PIPETUI, ROOT, Terminal, environment

LARGE, SMALL = (120, 40), (90, 28)


class Tmux:
    """A tmux server of its own with the app in its only window."""

    def __init__(self, stage: Stage) -> None:
        self._command = ["tmux", "-S", str(stage.folder / "socket"), "-f", "/dev/null", "-u"]
        self._environment = environment(stage.home)
        settings = ["set", "-g", "status", "off", ";"]
        app = ["new-session", "-d", "-x", str(LARGE[0]), "-y", str(LARGE[1]), *PIPETUI, "@last"]
        self.tell(*settings, *app)

    def tell(self, *words: str) -> None:
        subprocess.run(
            [*self._command, *words], env=self._environment, cwd=ROOT, check=True, timeout=20
        )

    def attach(self, size: tuple[int, int]) -> Terminal:
        return Terminal([*self._command, "attach"], self._environment, size=size)


@pytest.fixture
def tmux(live: Stage) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("there is no tmux")
    server = Tmux(live)
    yield server
    server.tell("kill-server")


def test_detached_it_goes_on_and_attached_elsewhere_it_fits(live: Stage, tmux: Tmux) -> None:
    with tmux.attach(LARGE) as terminal:
        terminal.wait_for("first", "executing", "? help")
        terminal.send("\x02d")
        assert terminal.exit() == 0
    live.open("a")
    live.open("b")
    while live.status() == "Executing":
        pass
    with tmux.attach(SMALL) as terminal:
        terminal.wait_for("succeeded", "3 succeeded", "? help")
        terminal.settle()
        attached = terminal.text
    with live.terminal("@last", size=SMALL) as terminal:
        terminal.wait_for("3 succeeded", "? help")
        terminal.settle()
        assert attached == terminal.text


def test_two_that_attach_in_turn_leave_the_right_screen(live: Stage, tmux: Tmux) -> None:
    for size in (SMALL, LARGE, (200, 50), (60, 20), LARGE):
        with tmux.attach(size) as terminal:
            terminal.wait_for("first", "? help")
            terminal.send("\x02d")
            terminal.exit()
    with tmux.attach(LARGE) as terminal:
        terminal.send("G")
        terminal.wait_for("first", "second", "last", "? help")
        terminal.settle(quiet=0.4)
        rows = terminal.text.split("\n")
    assert sum("executing" in row for row in rows) >= 2
    assert "? help" in rows[-1]


def test_wide_characters_keep_the_columns(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    said = "訓練 🚀 läuft｜ende"
    stage.run([step("prepare", f"echo '{said}'; echo '列列列 next'; echo plain")])
    with stage.terminal("@last", size=(80, 24)) as terminal:
        terminal.wait_for("prepare", "? help")
        terminal.send("l")
        terminal.wait_for(said, "列列列 next", "plain")
        terminal.send("kkjj")
        terminal.settle()
        row = next(row for row in terminal.screen.display if said in row)
        below = next(row for row in terminal.screen.display if "列列列" in row)
        assert row.index(said) == below.index("列列列")
        terminal.send("\x1b")
        terminal.wait_for("STATUS", "? help")
        terminal.settle()
        assert "訓" not in terminal.text.split("STATUS")[0]


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_a_cut_line_of_wide_characters_ends_with_its_mark_in_the_last_cell(
    tmp_path: Path, locale: str
) -> None:
    stage = Stage(tmp_path)
    said = ("a" + "列" * 60, "列" * 60, "🚀" * 60, "x" * 120)
    stage.run([step("prepare", "; ".join(f"echo '{text}'" for text in said))])
    before, behind = ("‹", "›") if locale == "C.UTF-8" else ("<", ">")
    with stage.terminal("@last", size=(80, 24), LC_ALL=locale) as terminal:
        terminal.wait_for("prepare", "? help")
        terminal.send("l")
        terminal.wait_for("[Log]", behind)
        terminal.settle()
        assert _cells(terminal, 78) == [behind] * len(said)
        terminal.send("\x1b[C")
        terminal.wait_for("column 9")
        terminal.settle()
        assert _cells(terminal, 2) == [before] * len(said)
        assert _cells(terminal, 78) == [behind] * len(said)


def _cells(terminal: Terminal, column: int) -> list[str]:
    """What stands in a column of the first rows of the log."""
    return [terminal.screen.buffer[row][column].data for row in range(3, 7)]
