"""The log widget in a running application, at both sizes it must be good at."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.events import MouseScrollUp
from textual.geometry import Region
from textual.pilot import Pilot

from engine.logs.files import FileLog
from pipetui.logview.widget import LogView

SIZES = [(80, 24), (200, 50)]
both_sizes = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
TRACE = 'Traceback (most recent call last):\n  File "a.py", line 3, in f\nKeyError: 1\n'


class Watched(LogView):
    """Counts what it is asked to paint."""

    refreshed: list[Region]

    def refresh(self, *regions: Region, **options: bool) -> Watched:
        if hasattr(self, "refreshed"):
            self.refreshed += regions or [self.size.region]
        super().refresh(*regions, **options)
        return self


class LogApp(App[None]):
    def __init__(self, path: Path, unicode: bool = True) -> None:
        super().__init__()
        self.log_file = FileLog(path)
        self.unicode = unicode
        self.statuses: list[str] = []

    def compose(self) -> ComposeResult:
        yield Watched(self.log_file, unicode=self.unicode)

    def on_log_view_status_changed(self, message: LogView.StatusChanged) -> None:
        self.statuses.append(message.text)


@asynccontextmanager
async def opened(
    path: Path, size: tuple[int, int] = (80, 24), unicode: bool = True
) -> AsyncIterator[tuple[Pilot[None], Watched]]:
    app = LogApp(path, unicode)
    async with app.run_test(size=size) as pilot:
        log = app.query_one(Watched)
        log.refreshed = []
        yield pilot, log


def screen(log: LogView) -> list[str]:
    return [log.render_line(y).text for y in range(log.size.height)]


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def write(path: Path, text: str) -> None:
    path.write_text(text)


def rotate(path: Path) -> None:
    path.rename(path.with_suffix(".1"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "step.log"
    path.write_text("".join(f"line {n}\n" for n in range(500)))
    return path


@both_sizes
async def test_it_follows_pauses_when_scrolled_up_and_follows_again(
    path: Path, size: tuple[int, int]
) -> None:
    async with opened(path, size) as (pilot, log):
        assert screen(log)[-1].startswith("  line 499 ")
        append(path, "grown\n")
        log.poll()
        assert screen(log)[-1].startswith("  grown ")
        await pilot.press("up", "pageup")
        top = screen(log)[0].rstrip(" ┃")
        append(path, "more\n" * 1_234)
        log.poll()
        assert screen(log)[0].rstrip(" ┃") == top
        assert screen(log)[-1].endswith(" +1,234 new ▼ ")
        assert log.status.startswith("paused +1,234 new | 1,735 lines")
        await pilot.press("F")
        assert screen(log)[-1].startswith("  more ") and log.status.startswith("follow")
        await pilot.press("g")
        assert screen(log)[0].startswith("  line 0 ")
        await pilot.press("G")
        assert log.view.follow


async def test_the_wheel_scrolls_and_pauses(path: Path) -> None:
    async with opened(path) as (pilot, log):
        log.post_message(MouseScrollUp(log, 3, 3, 0, 0, 0, False, False, False))
        await pilot.pause()
        assert not log.view.follow and screen(log)[0].startswith("  line 473 ")


@both_sizes
async def test_it_opens_at_the_error_and_goes_from_one_to_the_next(
    path: Path, size: tuple[int, int]
) -> None:
    append(path, "ERROR: first\n" + "x\n" * 300 + TRACE + "y\n" * 300)
    async with opened(path, size) as (pilot, log):
        log.open_at_first_error()
        assert any(row.startswith("✖ Traceback") for row in screen(log))
        assert any(row.startswith("│ KeyError: 1") for row in screen(log))
        await pilot.press("E")
        assert any(row.startswith("✖ ERROR: first") for row in screen(log))
        await pilot.press("e")
        assert any(row.startswith("✖ Traceback") for row in screen(log))
        assert "2 err" in log.status


async def test_search_goes_from_hit_to_hit_and_says_where_it_is(path: Path) -> None:
    async with opened(path) as (pilot, log):
        log.search("line 4.7")
        assert "/line 4.7/ 10 of 10" in log.status
        await pilot.press("N")
        assert "/line 4.7/ 9 of 10" in log.status
        await pilot.press("n", "n")
        assert "/line 4.7/ 1 of 10" in log.status
        hits = [
            segment.text
            for y in range(log.size.height)
            for segment in log.render_line(y)
            if segment.style and segment.style.reverse
        ]
        assert hits == ["line 407", "line 417"]
        log.search("")
        assert "/" not in log.status


async def test_filter_floor_wrap_and_columns(path: Path) -> None:
    append(path, f"WARNING careful\n{'wide ' * 100}END\n")
    async with opened(path) as (pilot, log):
        log.filter("!line")
        assert "2 of 502 lines | filter !line" in log.status
        log.filter("")
        await pilot.press("s", "s")
        assert log.screen_text == "WARNING careful"
        await pilot.press("s", "s", "w")
        assert screen(log)[-1].startswith("  ") and "END" in screen(log)[-1]
        await pilot.press("w", "right")
        assert screen(log)[-2].startswith("! ‹areful ")
        await pilot.press("left")
        assert screen(log)[-2].startswith("! WARNING careful ")


async def test_a_search_goes_on_by_itself_in_a_log_too_long_for_one_poll(path: Path) -> None:
    write(path, ("x" * 999 + "\n") * 40_000 + "needle\n")
    async with opened(path) as (pilot, log):
        log.search("needle")
        while not log.status.endswith("/needle/ 1 of 1"):
            await pilot.pause()
        assert "40,001 lines" in log.status and screen(log)[-1].startswith("  needle ")


async def test_a_poll_without_news_paints_nothing_and_one_with_news_only_the_rows(
    tmp_path: Path,
) -> None:
    path = tmp_path / "short.log"
    path.write_text("one\n")
    async with opened(path) as (_, log):
        log.poll()
        assert log.refreshed == []
        append(path, "two\nthree\n")
        log.poll()
        assert log.refreshed == [Region(0, 1, 80, 1), Region(0, 2, 80, 1)]


@both_sizes
async def test_a_flood_repaints_no_more_than_the_screen_in_a_poll(
    path: Path, size: tuple[int, int]
) -> None:
    async with opened(path, size) as (_, log):
        append(path, "".join(f"flood {n}\n" for n in range(1_000)))
        log.poll()
        assert sum(region.area for region in log.refreshed) <= size[0] * size[1]
        assert screen(log)[-1].startswith("  flood 999 ")


async def test_truncation_and_rotation_show_what_is_there_now(path: Path) -> None:
    async with opened(path) as (pilot, log):
        await pilot.press("pageup")
        write(path, "short\n")
        log.poll()
        assert log.screen_text == "short"
        rotate(path)
        write(path, "rotated\n" * 3)
        log.poll()
        assert log.screen_text == "rotated\n" * 2 + "rotated"


async def test_another_log_is_shown_with_the_same_choices(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.log"
    other.write_text("line x\nother\n")
    async with opened(path) as (_, log):
        log.filter("line")
        log.show_source(FileLog(other))
        assert log.screen_text == "line x"
        log.show_source(None)
        log.poll()
        assert log.screen_text == "" and set(screen(log)) == {" " * 80}


async def test_status_messages_tell_every_change_once(path: Path) -> None:
    async with opened(path) as (pilot, log):
        log.poll()
        await pilot.press("up")
        app = pilot.app
        assert isinstance(app, LogApp)
        assert app.statuses == ["follow | 500 lines", "paused | 500 lines"]


@both_sizes
async def test_giant_and_wide_lines_are_cut_to_the_exact_width(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "wide.log"
    path.write_text(f"{'日本語' * 300}\n{'x' * 5_000_000}\n{'é' * 400}\n[bold]not markup[/]\n")
    async with opened(path, size) as (pilot, log):
        for keys in ((), ("right",), ("w",)):
            await pilot.press(*keys)
            log.poll()
            assert {cell_len(row) for row in screen(log)} == {size[0]}
        await pilot.press("w", "left")
        assert any(row.startswith("  [bold]not markup[/]") for row in screen(log))


async def test_without_unicode_the_signs_are_ascii(path: Path) -> None:
    append(path, TRACE)
    async with opened(path, unicode=False) as (pilot, log):
        await pilot.press("up")
        append(path, "new\n")
        log.poll()
        assert "".join(screen(log)).isascii()


HOSTILE = [
    "\x1b]52;c;aGFja2Vk\x07",
    "\x1b]0;owned\x1b\\",
    "\x1bPq#0;2;0;0;0\x1b\\",
    "\x1b[2J\x1b[H",
    "\x9b31m\x85\x90",
    "\u202edesrever\u2066\u200b\ufeff",
    "\x00\x07\x08\x0b\x0c\x7f",
    "[red]x[/red] [/] [link=file:///]",
    "日本語\u0301\U0001f468\u200d\U0001f469",
    "\udc80",
    "ERROR \x1b[31mred\x1b[0m\ttab",
]
FORBIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def hostile_lines(count: int) -> list[str]:
    """The corpus, then random mixtures of it with any characters; always the same."""
    chance = random.Random(14)
    mixtures = (
        "".join(
            chance.choice(HOSTILE) if chance.random() < 0.3 else chr(chance.randrange(0x110000))
            for _ in range(chance.randrange(12))
        )
        for _ in range(count)
    )
    return HOSTILE + [text.replace("\n", "") for text in mixtures]


async def test_no_line_of_ten_thousand_sends_a_control_character_to_the_terminal(
    tmp_path: Path,
) -> None:
    path = tmp_path / "hostile.log"
    path.write_bytes("\n".join(hostile_lines(10_000)).encode("utf-8", "surrogatepass"))
    async with opened(path) as (_, log):
        log.action_scroll_home()
        log.action_scroll_right()
        log.search("red|x")
        pages = 0
        while not log.view.follow:
            pages += 1
            rows = screen(log)
            assert {cell_len(row) for row in rows} == {80}
            assert not [c for c in "".join(rows) if unicodedata.category(c) in FORBIDDEN]
            log.action_page_down()
        assert pages > 400
