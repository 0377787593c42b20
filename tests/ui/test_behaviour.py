"""What holds on every screen: keys, filters, refusals, sizes, foreign text, a failing source."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from engine.errors import CommandRejected, SourceError
from engine.model import events as e
from pipetui.actions import ACTIONS, BY_ID, Scope
from pipetui.config import Settings
from pipetui.screens.execution import ExecutionScreen
from pipetui.screens.executions import ExecutionsScreen
from pipetui.widgets.dag_pane import DagPane
from tests.ui import stories
from tests.ui.journey import LARGE, SMALL, Journey, journey
from tests.ui.recorded import NOW, RecordedSource


async def test_a_filter_narrows_the_list_and_esc_takes_it_away(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("slash")
        await trip.type("fan")
        await trip.sees("1 of 4")
        assert "churn-train" not in trip.text
        await trip.press("escape")
        await trip.until(lambda: "k3f9" in trip.text)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("!churn", {stories.CACHED}),
        ("~fnou", {stories.CACHED}),
        ("failed|fan", {stories.CACHED, stories.FAILED}),
    ],
)
async def test_filters_exclude_match_loosely_and_take_expressions(
    tmp_path: Path, typed: str, kept: set[str]
) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("slash")
        trip.app.screen.query_one("#filter", Input).value = typed
        home = trip.app.root
        assert isinstance(home, ExecutionsScreen)
        await trip.until(lambda: {row.key for row in home.list.rows} == kept)


async def test_nothing_that_changes_moves_the_cursor_or_takes_the_filter_away(
    tmp_path: Path,
) -> None:
    async with journey(tmp_path) as trip:
        home = trip.app.root
        assert isinstance(home, ExecutionsScreen)
        await trip.press("down", "slash")
        await trip.type("churn")
        await trip.until(lambda: home.list.key == stories.FAILED and len(home.list.rows) == 3)
        for index in range(3):
            created = e.ExecutionCreated("churn-new", "sha", {}, stories.STEPS)
            trip.source.add(f"new{index}", created, NOW + index)
        await trip.until(lambda: len(home.list.rows) == 6)
        assert home.list.key == stories.FAILED
        assert home.list.rows[home.list.cursor].key == stories.FAILED


async def test_help_shows_the_keys_of_the_focused_pane_and_those_of_everywhere(
    tmp_path: Path,
) -> None:
    async with journey(tmp_path, LARGE) as trip:
        await trip.press("enter", "4")
        await trip.sees("[Log]", "early stopping")
        await trip.press("question_mark")
        await trip.sees("LOG", "Raise the severity floor")
        await trip.press("G")
        await trip.sees("EVERYWHERE")
        assert "GRAPH" not in trip.text
        await trip.press("slash")
        await trip.type("severity")
        await trip.until(lambda: "EVERYWHERE" not in trip.text)


async def test_the_palette_performs_an_action_by_name(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("ctrl+p")
        await trip.until(lambda: trip.app.screen.is_modal)
        await trip.type("inbox")
        await trip.sees("Waiting for you: 2")


async def test_a_refused_action_is_greyed_and_says_why(tmp_path: Path) -> None:
    why = {"stop": "this source only looks"}
    async with journey(tmp_path, refused=why) as trip:
        await trip.sees("S stop")
        await trip.press("S")
        await trip.sees("stop: this source only looks")
        await trip.press("question_mark")
        await trip.sees("(this source only looks)")
        assert not trip.control.asked


async def test_read_only_refuses_everything_that_acts(tmp_path: Path) -> None:
    async with journey(tmp_path, read_only=True) as trip:
        for key in ("R", "S"):
            await trip.press(key)
            await trip.sees("read-only")
        assert len(trip.app.screen_stack) == 2


async def test_esc_goes_back_one_level_and_never_quits(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("down", "enter")
        await trip.sees("evaluate · attempt 1")
        await trip.press("4", "d")
        await trip.sees("ATTEMPTS")
        await trip.press("escape")
        await trip.sees("[Log]")
        await trip.press("escape")
        await trip.sees("[Steps]")
        await trip.press("escape", "escape", "escape")
        await trip.sees("pipetui  recorded")
        assert trip.app.is_running


async def test_q_leaves_the_screen_and_at_the_top_the_program(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("enter")
        await trip.sees("churn-train/k3f9")
        await trip.press("q")
        await trip.sees("pipetui  recorded")
        await trip.press("q")
        await trip.until(lambda: not trip.app.is_running)


async def test_keys_are_remapped_by_their_id(tmp_path: Path) -> None:
    settings = Settings(ascii=False, keys={"executions.stop": "ctrl+k"})
    async with journey(tmp_path, settings=settings) as trip:
        await trip.sees("ctrl+k stop")
        await trip.press("S")
        await trip.press("ctrl+k")
        await trip.sees("Stop churn-train/k3f9?")


async def test_resizing_keeps_the_selection_and_shows_the_panes_that_fit(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("down", "enter")
        await trip.sees("evaluate · attempt 1")
        await trip.press("up")
        await trip.pilot.resize_terminal(*LARGE)
        await trip.sees("check-rmse", "if")
        for size in ((40, 10), (20, 4), (139, 30), (140, 30), SMALL):
            await trip.pilot.resize_terminal(*size)
            await trip.pilot.pause()
        await trip.until(lambda: trip.app.screen.query_one("#steps").key == "train")  # type: ignore[attr-defined]
        await trip.sees("train · attempt 1")


@pytest.mark.parametrize("size", [(40, 10), (20, 5), (1, 1)])
async def test_tiny_terminals_do_not_break_any_screen(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with journey(tmp_path, size) as trip:
        await trip.press("down", "enter")
        await trip.until(lambda: trip.app.feed.watched == stories.FAILED)
        for key in (
            "2",
            "3",
            "4",
            "5",
            "6",
            "7",
            "1",
            "d",
            "escape",
            "w",
            "escape",
            "R",
            "escape",
            "a",
        ):
            await trip.press(key)
            await trip.pilot.pause()
        await trip.press("A")
        await trip.until(lambda: trip.app.screen.is_modal)


async def test_names_with_markup_escapes_and_wide_characters_are_only_text(
    tmp_path: Path,
) -> None:
    source = RecordedSource()
    nasty = (
        "[red]bold[/]",
        "\x1b[31mred\x07",
        "訓練ステップ",
        "a\nb\tc",
        "\u202edesrever",
        "[/nope",
    )
    steps = tuple(e.StepDeclared(name, "[b]Type[/b]") for name in nasty)
    source.add(
        "nasty1",
        e.ExecutionCreated("[blink]\x1b]0;owned\x07学習", "sha", {"[p]": "\x1b[2J"}, steps),
    )
    source.add("nasty1", e.StepStarted(nasty[0], 1, {"\x1b[1m": "[x]\x00"}), NOW)
    source.add("nasty1", e.StepFailed(nasty[0], "\x1b[31m[bold]boom\x9b2J\ntwo"), NOW)
    async with journey(tmp_path, source=source) as trip:
        await trip.sees("[blink]", "学習", "boom")
        await _clean(trip)
        await trip.press("enter")
        await trip.sees("[red]bold[/]", "訓練ステップ", "[/nope")
        for key in ("d", "escape", "w", "escape", "2", "3", "7", "6", "enter", "1", "R"):
            await trip.press(key)
            await trip.pilot.pause()
            await _clean(trip)


async def _clean(trip: Journey) -> None:
    forbidden = set(map(chr, range(32))) - {"\n"} | {"\x7f", "\x9b", "\u202e"}
    assert not forbidden & set(trip.text)


async def test_a_source_that_fails_is_said_and_tried_again(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        trip.source.broken = SourceError("the store is locked")
        trip.source.ring()
        await trip.sees("! the store is locked; trying again")
        assert "churn-train" in trip.text
        trip.source.broken = None
        await trip.until(lambda: "locked" not in trip.text)


async def test_times_are_shown_relative_local_and_in_utc(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.sees("2m ago")
        await trip.press("t", "t")
        await trip.sees("Z")
        assert "2m ago" not in trip.text


async def test_the_times_of_events_count_from_the_start_and_follow_the_key(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("enter", "6")
        await trip.sees("[Events]", "+00:00.0  ExecutionCreated", "StepStarted")
        trip.app.now = lambda: NOW + 3600
        await trip.press("t", "t")
        await trip.until(lambda: "ago" not in trip.text and "Z  StepStarted" in trip.text)


async def test_the_graph_opens_at_the_selected_step(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.FAILED) as trip:
        await trip.sees("evaluate · attempt 1")
        await trip.press("2")
        graph = trip.app.screen.query_one("#graph", DagPane)
        await trip.until(lambda: graph.picture.boxes)
        assert graph.selected == "evaluate"


async def test_why_of_a_step_that_did_not_fail_says_so(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.RUNNING) as trip:
        await trip.sees("train · attempt 1")
        assert "w why" in trip.footer
        screen = trip.app.screen
        assert isinstance(screen, ExecutionScreen) and screen.idle(BY_ID["execution.why"])
        await trip.press("w")
        await trip.sees("train did not fail")


async def test_the_inbox_opens_what_it_shows(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("a")
        await trip.sees("enter open")


async def test_a_rerun_begins_with_a_scope_that_works(tmp_path: Path) -> None:
    async with journey(tmp_path, execution=stories.FAILED) as trip:
        await trip.sees("evaluate · attempt 1")
        trip.control.plan_problem = CommandRejected("split is missing", hint="Run again from it.")
        trip.control.plan_works = ("failed",)
        await trip.press("R")
        await trip.sees("(•) failed only", "9 run")
        await trip.press("left")
        await trip.sees("(•) only this", "split is missing. Run again from it.")


async def test_failures_alone_and_another_order(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        home = trip.app.root
        assert isinstance(home, ExecutionsScreen)
        await trip.press("exclamation_mark")
        await trip.until(lambda: [row.key for row in home.list.rows] == [stories.FAILED])
        await trip.press("escape", "o")
        await trip.sees("longest first")
        assert home.list.rows[0].key == stories.WAITING


async def test_an_empty_home_says_how_to_begin(tmp_path: Path) -> None:
    async with journey(tmp_path, source=RecordedSource()) as trip:
        await trip.sees("No executions yet")


async def test_ascii_terminals_get_ascii_alone(tmp_path: Path) -> None:
    async with journey(tmp_path, settings=Settings(ascii=True)) as trip:
        await trip.sees("x evaluate")
        assert trip.text.replace("·", "").replace("…", "").isascii()


async def test_a_copy_says_what_was_copied(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.press("y")
        await trip.sees("copied arn:aws:sagemaker:local")


def test_every_action_has_a_handler_on_some_screen_or_pane() -> None:
    from pipetui.logview.widget import LogView
    from pipetui.screens import (
        audit,
        compare,
        confirm,
        execution,
        executions,
        history,
        inbox,
        models,
        pair,
        palette,
        reading,
        rerun,
    )
    from pipetui.widgets import (
        artifact_pane,
        dag_pane,
        event_pane,
        log_pane,
        metrics_pane,
        rows,
        timeline_pane,
    )

    owners = {
        Scope.GLOBAL: executions.ExecutionsScreen,
        Scope.LIST: rows.RowList,
        Scope.EXECUTIONS: executions.ExecutionsScreen,
        Scope.EXECUTION: execution.ExecutionScreen,
        Scope.GRAPH: dag_pane.DagPane,
        Scope.TIMELINE: timeline_pane.TimelineRows,
        Scope.METRICS: metrics_pane.MetricsPane,
        Scope.LOG: log_pane.LogPane,
        Scope.ARTIFACTS: artifact_pane.ArtifactPane,
        Scope.EVENTS: event_pane.EventPane,
        Scope.HISTORY: history.HistoryScreen,
        Scope.AUDIT: audit.AuditScreen,
        Scope.INBOX: inbox.InboxScreen,
        Scope.MODELS: models.ModelsScreen,
        Scope.COMPARE: compare.CompareScreen,
        Scope.PICTURES: pair.PairScreen,
        Scope.WHY: reading.WhyScreen,
        Scope.RERUN: rerun.RerunScreen,
        Scope.CONFIRM: confirm.Confirm,
    }
    missing = [one.id for one in ACTIONS if not hasattr(owners[one.scope], f"action_{one.handler}")]
    assert not missing
    assert issubclass(log_pane.LogPane, LogView)
    assert hasattr(palette.Palette, "action_yes")


async def test_the_focused_pane_gets_more_room_and_gives_it_back(tmp_path: Path) -> None:
    async with journey(tmp_path, LARGE, execution=stories.FAILED) as trip:
        await trip.sees("evaluate")
        screen = trip.app.screen
        assert isinstance(screen, ExecutionScreen)
        normal = screen.steps.size
        await trip.press("plus")
        await trip.until(lambda: screen.steps.size.width > normal.width)
        await trip.press("f")
        await trip.until(lambda: screen.steps.size.width == LARGE[0])
        await trip.press("escape")
        await trip.until(lambda: screen.steps.size == normal)


async def test_a_pause_keeps_the_picture_and_going_on_shows_what_was_missed(
    tmp_path: Path,
) -> None:
    async with journey(tmp_path) as trip:
        await trip.sees("churn-train")
        await trip.press("p")
        await trip.sees("paused")
        created = e.ExecutionCreated("churn-new", "sha", {}, stories.STEPS)
        trip.source.add("new1", created, NOW, "ana@host")
        await trip.until(lambda: len(trip.app.feed.executions) == 5)
        assert "churn-new" not in trip.text
        await trip.press("p")
        await trip.sees("churn-new")


async def test_rows_are_marked_one_by_one_and_in_ranges(tmp_path: Path) -> None:
    async with journey(tmp_path) as trip:
        await trip.sees("churn-train")
        home = trip.app.root
        assert isinstance(home, ExecutionsScreen)
        rows = home.list
        await trip.press("space", "down", "v")
        keys = [row.key for row in rows.rows[:3]]
        assert list(rows.marked) == keys
        await trip.press("escape")
        assert rows.marked == ()


async def test_a_breakpoint_is_set_on_a_step_that_waits_and_lets_a_held_one_go_on(
    tmp_path: Path,
) -> None:
    async with journey(tmp_path, LARGE, execution=stories.RUNNING) as trip:
        screen = trip.app.screen
        assert isinstance(screen, ExecutionScreen)
        await trip.until(lambda: screen.steps.rows)
        screen.steps.select("evaluate")
        await trip.press("B")
        await trip.sees("◎  evaluate", "breakpoint")
        trip.source.add(stories.RUNNING, e.StepHeld("evaluate"))
        await trip.sees("held: B lets")
        await trip.press("B")
        await trip.until(lambda: len(trip.control.asked) == 2)
        asked = [(stories.RUNNING, "evaluate", hold) for hold in (True, False)]
        assert trip.control.asked == [("change_breakpoint", one) for one in asked]


async def test_a_step_that_has_started_takes_no_breakpoint(tmp_path: Path) -> None:
    async with journey(tmp_path, LARGE, execution=stories.RUNNING) as trip:
        screen = trip.app.screen
        assert isinstance(screen, ExecutionScreen)
        await trip.until(lambda: screen.steps.rows)
        screen.steps.select("train")
        await trip.press("B")
        await trip.pilot.pause()
        assert trip.control.asked == []
