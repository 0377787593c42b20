"""The log's keys in the whole app, at both sizes it must be good at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.model import events as e
from pipetui.ui import PipetuiApp
from pipetui.widgets.log_pane import LogPane
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, Journey, journey

both_sizes = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
DAY = "2026-09-21T14:13:"
TRACE = (
    "Traceback (most recent call last):",
    '  File "a.py", line 3, in f',
    "KeyError: 1",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    "Traceback (most recent call last):",
    '  File "a.py", line 5, in f',
    "ValueError: 2",
)


def lines(*texts: str) -> str:
    return "".join(f"{text}\n" for text in texts)


async def log_open(trip: Journey, text: str, step: str = "train") -> LogPane:
    """The running execution's log tab, with this text in a step's log."""
    view = trip.source.states[stories.RUNNING].steps[step]
    (Path(view.directory or "") / "job.log").write_text(text, "utf-8")
    await trip.until(lambda: trip.app.screen.query("#steps"))
    pane = trip.app.screen.query_one(LogPane)
    await trip.until(lambda: step in pane.title)
    await trip.press("l")
    await trip.until(lambda: trip.app.focused is pane)
    pane.poll()
    return pane


@both_sizes
async def test_times_are_shown_in_every_way(tmp_path: Path, size: tuple[int, int]) -> None:
    async with journey(tmp_path, size, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, lines(f"{DAY}20Z first", f"{DAY}21.5Z second", "no time"))
        assert f"{DAY}20Z first" in pane.screen_text
        seen = []
        for _ in range(5):
            await trip.press("t")
            seen.append(pane.screen_text.split("\n")[1])
        assert seen[0].endswith("500 second") and seen[0].startswith(("+", "-"))
        assert seen[2] == "09-21 14:13:21.500 second"
        assert seen[3:] == ["second", f"{DAY}21.5Z second"]
        await trip.press("t")
        await trip.sees("times since the start")


@both_sizes
async def test_lines_are_folded_and_unfolded_where_they_first_stand(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    text = lines(*(f"epoch {n} done" for n in range(300)), "KeyError: 'a'", "epoch 300 done")
    async with journey(tmp_path, size, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, text)
        await trip.press("x")
        assert pane.screen_text.split("\n") == ["  1x KeyError: 'a'", "301x epoch 0 done"]
        await trip.sees("folded, rare first")
        await trip.press("x")
        assert pane.screen_text.split("\n")[0] == "301x epoch 0 done"
        await trip.press("x")
        assert "301x" not in pane.screen_text
        await trip.press("x", "g", "enter")
        assert "KeyError: 'a'" in pane.screen_text and "folded" not in pane.title
        assert pane.line_in_hand == 300 and not pane.view.follow


@both_sizes
async def test_a_line_is_opened_whole_with_its_block_and_its_json(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    trace = ("Traceback (most recent call last):", '  File "a.py", line 3, in f', "KeyError: 1")
    spoken = json.dumps({"level": "error", "message": "[bold]no markup[/]", "n": {"rows": 7}})
    async with journey(tmp_path, size, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, lines("x", *trace, spoken))
        await trip.press("c")
        assert pane.screen_text.endswith('ERROR [bold]no markup[/] n={"rows":7}')
        await trip.press("enter")
        await trip.sees("train · attempt 1  line 5", "message [bold]no markup[/]", "rows 7")
        await trip.press("escape")
        await trip.until(lambda: trip.app.focused is pane)
        await trip.press("E", "E", "enter")
        await trip.sees("TEXT, 3 lines", "KeyError: 1", 'File "a.py"')


@both_sizes
async def test_bookmarks_are_walked_and_last(tmp_path: Path, size: tuple[int, int]) -> None:
    text = lines(*(f"line {n}" for n in range(200)))
    async with journey(tmp_path, size, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, text)
        await trip.press("b", "g", "b")
        assert pane.bookmarks == (0, 199) and "2 bookmarks" in pane.status
        await trip.press("u")
        assert pane.line_in_hand == 199
        await trip.press("U")
        assert pane.line_in_hand == 0
        await trip.press("escape", "up")
        await trip.until(lambda: "train" not in pane.title)
        await trip.press("down")
        await trip.until(lambda: "train" in pane.title)
        assert pane.bookmarks == (0, 199)


@both_sizes
async def test_a_range_is_copied_and_it_is_said_how_much(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, lines(*(f"line {n}" for n in range(200))))
        await trip.press("v", "up", "up")
        assert pane.copied == "line 197\nline 198\nline 199" and "3 picked" in pane.status
        await trip.press("y")
        await trip.sees("copied 3 lines: line 197")
        await trip.press("v", "G")
        assert pane.view.follow and len(pane.copied.split("\n")) > 3


async def test_too_much_to_copy_is_refused_with_how_much_it_is(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.RUNNING) as trip:
        await log_open(trip, lines(*("x" * 1_000 for _ in range(90))))
        await trip.press("v", "g", "y")
        await trip.sees("90,089 bytes are too long", "74,994 fit")


@both_sizes
async def test_a_log_is_exported_as_shown_and_nothing_is_overwritten_unasked(
    tmp_path: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = tmp_path / f"{stories.RUNNING}-train.1.log"
    async with journey(tmp_path, size, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, lines(*(f"line {n}" for n in range(200))))
        await trip.press("ctrl+e")
        await trip.sees("Export the log?", "empty: the file above")
        await trip.press("enter")
        await trip.until(target.exists)
        await trip.sees("wrote 200 lines")
        assert target.read_text() == lines(*(f"line {n}" for n in range(200)))
        pane.filter("7$")
        await trip.press("ctrl+e")
        await trip.sees("Only the lines that are shown")
        await trip.press("enter", "enter")
        await trip.sees("There is one already")
        assert target.read_text().startswith("line 0")
        await trip.press("escape")
        await trip.press("ctrl+e", "enter", "enter")
        await trip.sees("There is one already")
        await trip.press("enter")
        await trip.until(lambda: target.read_text().startswith("line 7\nline 17"))
        pane.filter("7$")
        await trip.until(lambda: trip.app.focused is pane)
        await trip.press("ctrl+e")
        await trip.sees("Export the log?")
        await trip.type("other.txt")
        await trip.type("all")
        await trip.until((tmp_path / "other.txt").exists)
        await trip.until(lambda: (tmp_path / "other.txt").read_text().startswith("line 0\n"))


@both_sizes
async def test_marked_steps_are_read_as_one_log_in_the_order_of_time(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size, execution=stories.RUNNING) as trip:
        state = trip.source.states[stories.RUNNING]
        path = Path(state.steps["train"].directory or "") / "job.log"
        path.write_text(lines(f"{DAY}20Z from train", f"{DAY}40Z from train"))
        other = lines(f"{DAY}10Z from split", f"{DAY}30Z from split")
        place = stories.attempt_folder(tmp_path, stories.RUNNING, "split", other)
        trip.source.add(stories.RUNNING, e.StepStarted("split", 2, {}, place))
        await trip.until(lambda: trip.app.screen.query("#steps"))
        pane = trip.app.screen.query_one(LogPane)
        await trip.until(lambda: "train" in pane.title)
        await trip.press("space", "up", "up", "space")
        await trip.until(lambda: pane.title == "train + split")
        names = [text.rpartition(" ")[2] for text in pane.screen_text.split("\n")]
        assert names == ["split", "train", "split", "train"]
        await trip.press("l")
        await trip.sees("train + split", "  split 2026", "  train 2026")
        with path.open("a") as file:
            file.write(f"{DAY}50Z grown\n")
        await trip.sees("  train 2026-09-21T14:13:50Z grown")


async def test_on_a_wide_terminal_errors_and_warnings_stand_as_bars(tmp_path: Path) -> None:
    text = lines(*("ERROR x" for _ in range(100)), *(f"line {n}" for n in range(900)))
    async with journey(tmp_path, LARGE, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, text)
        assert pane.view.heat
        assert pane.render_line(0).text.endswith("████████")
        assert pane.render_line(pane.size.height - 1).text.endswith(" " * 8)
        await trip.pilot.resize_terminal(80, 24)
        await trip.until(lambda: not pane.view.heat)


async def test_colours_in_a_log_are_those_of_the_theme_and_nothing_else_gets_through(
    tmp_path: Path,
) -> None:
    text = "\x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07 \x1b[2J \u202eevil [red]markup[/]\n"
    async with journey(tmp_path, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, text)
        strip = pane.render_line(0)
        app = trip.app
        assert isinstance(app, PipetuiApp)
        red = next(one for one in strip if one.text == "red")
        other = next(one for one in strip if "markup" in one.text)
        assert red.style and other.style and red.style.color != other.style.color
        assert "\x1b" not in strip.text and "\u202e" not in strip.text
        assert "[red]markup[/]" in strip.text


@both_sizes
async def test_minutes_and_hours_are_jumped_by_the_times_in_the_lines(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    stamps = [
        f"2026-09-21T{14 + n // 60}:{n % 60:02}:{s:02}Z at {n}" for n in range(90) for s in (0, 30)
    ]
    async with journey(tmp_path, size, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, lines(*stamps))
        await trip.press("g", "m")
        assert pane.line_in_hand == 2 and not pane.view.follow
        await trip.press("h")
        assert pane.line_in_hand == 122
        await trip.press("M")
        assert pane.line_in_hand == 120
        await trip.press("H", "H")
        assert pane.line_in_hand == 0


async def test_where_nothing_says_when_a_jump_in_time_says_so(tmp_path: Path) -> None:
    async with journey(tmp_path, SMALL, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, lines("one", "two"))
        await trip.press("m")
        await trip.sees("nobody knows when")
        assert pane.view.follow


async def test_an_empty_log_is_not_copied(tmp_path: Path) -> None:
    async with journey(tmp_path, SMALL, execution=stories.RUNNING) as trip:
        await log_open(trip, "")
        await trip.press("y")
        await trip.sees("nothing is here to be copied")


async def test_the_severity_floor_says_what_it_hides_and_keeps_plain_prints(tmp_path: Path) -> None:
    text = lines("DEBUG deep", "a print", "INFO on", "WARNING mind", *TRACE)
    async with journey(tmp_path, SMALL, execution=stories.RUNNING) as trip:
        pane = await log_open(trip, text)
        seen = []
        for _ in range(3):
            await trip.press("s")
            seen.append((pane.screen_text.split("\n"), pane.status))
        assert seen[0][0] == ["a print", "INFO on", "WARNING mind", *TRACE]
        assert seen[1][0] == ["WARNING mind", *TRACE] and seen[2][0] == list(TRACE)
        told = ("debug hidden", "info and plain hidden", "all but errors hidden")
        assert all(one in status for one, (_, status) in zip(told, seen, strict=True))
