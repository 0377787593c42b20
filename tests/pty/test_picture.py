"""An image over the whole terminal, on a stand-in for one that knows pixels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from tests.pty.stage import Stage, step
from tests.pty.terminal import Terminal

KITTY = "\x1b_Gi=31;OK\x1b\\\x1b[6;16;8t\x1b[?62;c"
SIXEL = "\x1b[?1;0;256S\x1b[?2;0;1000;1000S\x1b[6;16;8t\x1b[?63;4c"
_PIXELS = re.compile(rb"\x1b[P_][^\x1b]*\x1b\\")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    Image.radial_gradient("L").resize((900, 600)).save(tmp_path / "plot.png")
    draw = step("draw", f"cp '{tmp_path}/plot.png' /opt/ml/processing/output/")
    draw["Arguments"]["ProcessingOutputConfig"] = {  # type: ignore[index]
        "Outputs": [{"OutputName": "plots", "S3Output": {
            "S3Uri": "s3://bucket/plots", "LocalPath": "/opt/ml/processing/output",
            "S3UploadMode": "EndOfJob"}}]
    }  # fmt: skip
    # The default runner gives a step its /opt/ml, which the process runner may not.
    (made.home / "config.toml").write_text("[ui]\nrestore = false\n")
    made.run([draw])
    return made


def opened(terminal: Terminal, answers: str) -> None:
    """Go to the image and open it; the question is answered."""
    terminal.wait_for("draw", "? help")
    terminal.send("5")
    terminal.wait_for("plots")
    terminal.send("g\x1b[C")
    terminal.wait_for("▾ plots")
    terminal.send("j")
    terminal.wait_for("PNG image")
    terminal.settle()
    terminal.send("\r")
    terminal.wait(lambda: b"a=q" in terminal.raw)
    terminal.send(answers)


@pytest.mark.parametrize("answers, begin", [(KITTY, b"\x1b_Ga=T"), (SIXEL, b"\x1bP0;1q")])
def test_pixels_are_drawn_anew_for_another_size_and_a_repaint_and_any_key_leaves(
    stage: Stage, answers: str, begin: bytes
) -> None:
    with stage.terminal("@last", size=(100, 30)) as terminal:

        def drawn_again(since: int) -> bytes:
            terminal.wait(lambda: begin in terminal.raw[since:])
            terminal.settle(quiet=0.2)
            return bytes(terminal.raw[since:])

        opened(terminal, answers)
        assert _PIXELS.search(drawn_again(0))
        before = terminal.shown
        terminal.resize(80, 24)
        # What it can show depends on its size: it is asked again.
        terminal.wait(lambda: b"a=q" in terminal.raw[before:])
        terminal.send(answers)
        smaller = drawn_again(before)
        before = terminal.shown
        terminal.send("\x0c")
        repainted = drawn_again(before)
        for came in (smaller, repainted):
            cells = came[: came.index(begin)]
            assert (b"\x1b_Ga=d,d=I" in cells) is (answers == KITTY)
            # A sixel picture goes with the cells that are painted over it.
            assert b"any key leaves" in cells
        before = terminal.shown
        terminal.send("x")
        terminal.wait(lambda: b"[Artifacts]" in terminal.raw[before:])
        assert begin not in terminal.raw[before:]
        if answers == KITTY:
            assert terminal.raw.count(begin) == terminal.raw.count(b"\x1b_Ga=d,d=I")


def test_a_key_on_a_slow_link_gives_the_rest_up(stage: Stage) -> None:
    with stage.terminal("@last", rate=60_000) as terminal:
        opened(terminal, KITTY)
        terminal.wait(lambda: b"m=1;" in terminal.raw)
        terminal.send("x")
        terminal.wait(lambda: b"\x1b_Ga=d,d=I" in terminal.raw)
        assert b"\x1b_Gm=0;\x1b\\" in terminal.raw
