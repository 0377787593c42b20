"""A log that holds a secret, by all the ways that it is shown."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.pty.stage import Stage, step
from tests.pty.terminal import PIPETUI, ROOT, environment

SECRET = "hunter2-and-more"


def stage_with_secret(folder: Path) -> Stage:
    """A home with an execution whose log tells a secret twice."""
    stage = Stage(folder)
    tells = step("tells", "echo opened with $DB_PASSWORD; echo again $DB_PASSWORD")
    tells["Arguments"]["Environment"] = {"DB_PASSWORD": SECRET}  # type: ignore[index]
    stage.run([tells])
    return stage


def test_screen_pager_and_export_mask_it_until_it_is_shown(tmp_path: Path) -> None:
    stage = stage_with_secret(tmp_path)
    paged, exported = tmp_path / "paged.txt", tmp_path / "exported.log"
    with stage.terminal("@last", PAGER=f"tee {paged}") as terminal:
        terminal.wait_for("opened with ******", "2 masked")
        terminal.send("l")
        terminal.send("\x05")
        terminal.wait_for("Export the log?", "Secrets are written as ******")
        terminal.send(f"{exported}\r")
        terminal.wait_for("2 masked,")
        terminal.send("1o")
        terminal.wait(lambda: paged.exists() and paged.read_text().count("\n") == 2)
        terminal.wait_for("? help")
        assert SECRET.encode() not in terminal.raw
        for file in (paged, exported):
            assert file.read_text() == "opened with ******\nagain ******\n"
        paged.unlink()
        terminal.send("*")
        terminal.wait_for(f"opened with {SECRET}", "secrets shown")
        terminal.send("o")
        terminal.wait(lambda: paged.exists() and paged.read_text().count("\n") == 2)
        terminal.wait_for("? help")
    assert paged.read_text() == f"opened with {SECRET}\nagain {SECRET}\n"


def test_a_command_shows_it_where_it_is_asked_to(tmp_path: Path) -> None:
    stage = stage_with_secret(tmp_path)
    for option, told in (((), "******"), (("--secrets",), SECRET)):
        said = subprocess.run(
            [*PIPETUI, "logs", "@last", "tells", *option], text=True,
            env=environment(stage.home), cwd=ROOT, capture_output=True, timeout=60,
        )  # fmt: skip
        assert said.stdout == f"opened with {told}\nagain {told}\n"


def test_line_by_line_it_is_masked(tmp_path: Path) -> None:
    stage = stage_with_secret(tmp_path)
    said = subprocess.run(
        [*PIPETUI, "@last", "--linear"], input="log tells\nquit\n", text=True,
        env=environment(stage.home), cwd=ROOT, capture_output=True, timeout=60,
    )  # fmt: skip
    assert "opened with ******\nagain ******\n" in said.stdout
    assert SECRET not in said.stdout
