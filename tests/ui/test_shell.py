"""A shell is asked for, and refused with the reason where there is none."""

from __future__ import annotations

from pathlib import Path

from engine.errors import CommandRejected
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, journey


async def test_a_shell_is_opened_only_after_a_question(tmp_path: Path) -> None:
    for size in (SMALL, LARGE):
        async with journey(tmp_path / str(size[0]), size, execution=stories.FAILED) as trip:
            await trip.sees("evaluate · attempt 1")
            await trip.press("T")
            await trip.sees("Open a shell in evaluate?", "secrets included")
            await trip.press("escape")
            await trip.until(lambda: not trip.app.screen.is_modal)
            assert not trip.control.asked
            await trip.press("T")
            await trip.sees("Open a shell in evaluate?")
            await trip.press("enter")
            await trip.until(lambda: trip.control.asked == [("shell", "evaluate")])
            # A test's terminal cannot be given away, and the app says so.
            await trip.sees("cannot be given to another program")


async def test_a_step_without_a_job_says_why_it_has_no_shell(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.FAILED) as trip:
        trip.control.shell_problem = CommandRejected("evaluate has no shell: steps run no job")
        await trip.sees("evaluate · attempt 1")
        await trip.press("T")
        await trip.sees("Open a shell")
        await trip.press("enter")
        await trip.sees("has no shell")


async def test_a_shell_acts_so_that_read_only_refuses_it(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.FAILED, read_only=True) as trip:
        await trip.sees("evaluate · attempt 1")
        await trip.press("T")
        await trip.sees("read-only")
        assert not trip.app.screen.is_modal
