"""The graph widget in a running application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pyte
import pytest
from rich.console import Console, RenderableType
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from pipetui.dag.detail import Level, NodeStatus
from pipetui.dag.export import Format
from pipetui.dag.graph import Dag, DagEdge, DagNode, EdgeKind
from pipetui.dag.picture import Direction
from pipetui.dag.widget import DagView
from pipetui.term.canvas import Canvas
from pipetui.term.spans import cut
from tests.unit.dag.definitions import dag_of, layered

SAMPLES = Path(__file__).resolve().parents[2] / "sample_pipelines"
RUNNING = NodeStatus(">", "executing", "blue", "01:58", "63%", rank=3)
FAILED = NodeStatus("x", "failed", "red", "00:04", rank=9, failed=True)
DONE = NodeStatus("+", "succeeded", "green", "00:06", rank=1, ended=True)
SKIPPED = NodeStatus("-", "skipped", "dim", untaken=True)
CHURN = Dag(
    (
        DagNode("preprocess", "Processing"),
        DagNode("train", "Training"),
        DagNode("check-rmse", "Condition", "rmse <= 6.0"),
        DagNode("register", "RegisterModel"),
        DagNode("fail", "Fail"),
    ),
    (
        DagEdge("preprocess", "train"),
        DagEdge("train", "check-rmse"),
        DagEdge("check-rmse", "register", EdgeKind.BRANCH_IF),
        DagEdge("check-rmse", "fail", EdgeKind.BRANCH_ELSE),
    ),
)


class DagApp(App[None]):
    """Shows one graph, counts the bytes that a terminal would get and the nodes selected."""

    def __init__(self, dag: Dag) -> None:
        super().__init__()
        self.dag = dag
        self.sent = 0
        self.picked: list[tuple[str, tuple[str, ...]]] = []
        self.screen_cells = pyte.Screen(200, 50)
        self.stream = pyte.Stream(self.screen_cells)
        self.canvas = Canvas()
        self.terminal = Console(force_terminal=True, color_system="truecolor", legacy_windows=False)

    def compose(self) -> ComposeResult:
        yield DagView(self.dag)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if isinstance(renderable, ChopsUpdate | LayoutUpdate):
            sequence, _ = cut(renderable, self.terminal, self.canvas, 1_000_000)
            self.sent += len(sequence.encode())
            self.stream.feed(sequence)
        super()._display(screen, renderable)

    def on_dag_view_selected(self, message: DagView.Selected) -> None:
        self.picked.append((message.name, message.members))


@asynccontextmanager
async def shown(
    dag: Dag, size: tuple[int, int] = (200, 50)
) -> AsyncIterator[tuple[Pilot[None], DagView, DagApp]]:
    app = DagApp(dag)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot, app.query_one(DagView), app


def text(view: DagView) -> str:
    """The present rows of the picture."""
    rows = range(view.sight.height - 1)
    return "\n".join(view.render_line(y).text.rstrip() for y in rows).rstrip()


def caption(view: DagView) -> str:
    """The line below the picture."""
    return view.render_line(view.sight.height - 1).text.rstrip()


async def test_the_view_shows_the_largest_level_that_fits() -> None:
    async with shown(CHURN, (200, 50)) as (_, view, _app):
        assert view.picture.level is Level.DETAIL
        assert "o ◆ check-rmse" in text(view)
    async with shown(CHURN, (80, 24)) as (_, view, _app):
        assert view.picture.level is Level.BOX
    async with shown(CHURN, (80, 7)) as (_, view, _app):
        assert text(view) == (
            "o preprocess ── o train ── o ◆ check-rmse ─┬───if─ o register\n"
            "                                           └─else─ o fail"
        )


@pytest.mark.parametrize("status", [RUNNING, FAILED, SKIPPED], ids=lambda s: s.word)
@pytest.mark.parametrize("level", [Level.LINE, Level.BOX, Level.DETAIL])
async def test_a_status_change_costs_less_than_400_bytes(level: Level, status: NodeStatus) -> None:
    for dag in (CHURN,) if status is SKIPPED else (CHURN, layered(40, width=5)):
        async with shown(dag, (200, 50)) as (pilot, view, app):
            while view.picture.level != level:
                view.action_zoom(1 if view.picture.level < level else -1)
            view.scroll_to(0, 0, animate=False)
            await pilot.pause()
            for name in list(view.picture.boxes)[:9]:
                before, was = app.sent, text(view)
                view.set_status(name, status)
                await pilot.pause()
                spent = app.sent - before
                assert spent < 400, (name, spent)
                assert spent > 0 or text(view) == was


async def test_a_terminal_that_gets_only_the_changes_shows_the_whole_picture() -> None:
    async with shown(CHURN) as (pilot, view, app):
        for name, status in (("train", RUNNING), ("fail", SKIPPED), ("register", FAILED)):
            view.set_status(name, status)
            view.selected = name
            await pilot.pause()
        lines = [line.rstrip() for line in app.screen_cells.display]
        assert "\n".join(lines[:-1]).rstrip() == text(view)
        assert lines[-1] == caption(view)
        cell = app.screen_cells.buffer[view.picture.box("train").y + 1]
        assert cell[view.picture.box("train").x + 1].data == ">"


async def test_a_status_appears_with_its_glyph_and_leaves_everything_in_place() -> None:
    async with shown(CHURN) as (_, view, _app):
        before = text(view)
        view.set_status("train", RUNNING)
        after = text(view)
        assert "> train" in after and "01:58" in after
        assert [len(line) for line in before.splitlines()] == [
            len(line) for line in after.splitlines()
        ]


async def test_the_branch_not_taken_is_dashed() -> None:
    async with shown(CHURN, (80, 7)) as (_, view, _app):
        view.set_status("fail", SKIPPED)
        assert "└┄else┄ - fail" in text(view)
        assert "┬───if─ o register" in text(view)


async def test_arrow_keys_walk_edges_and_siblings_and_tell_the_screen() -> None:
    async with shown(CHURN) as (pilot, view, app):
        view.focus()
        walk: list[Direction] = ["right", "right", "right", "right", "down", "left"]
        for direction in walk:
            view.action_walk(direction)
        await pilot.pause()
        assert [name for name, _ in app.picked] == [
            "preprocess",
            "train",
            "check-rmse",
            "register",
            "fail",
            "check-rmse",
        ]


async def test_a_click_selects_the_box_under_it() -> None:
    async with shown(CHURN) as (pilot, view, app):
        region = view.picture.box("train")
        await pilot.click(DagView, offset=(region.x + 2, region.y + 1))
        assert app.picked == [("train", ())]


async def test_next_failed_goes_round_in_both_directions() -> None:
    async with shown(CHURN) as (_, view, _app):
        view.action_next_failed()
        assert view.selected is None
        view.set_statuses({"train": FAILED, "fail": FAILED})
        view.action_next_failed()
        assert view.selected == "train"
        view.action_next_failed()
        assert view.selected == "fail"
        view.action_next_failed()
        assert view.selected == "train"
        view.action_next_failed(-1)
        assert view.selected == "fail"


async def test_zoom_goes_from_heat_map_to_detail_and_fit_returns() -> None:
    async with shown(CHURN) as (_, view, _app):
        for _ in range(4):
            view.action_zoom(-1)
        assert view.picture.level is Level.HEAT
        for _ in range(2):
            view.action_zoom(1)
        assert view.picture.level is Level.BOX
        view.action_fit()
        assert view.picture.level is Level.DETAIL


async def test_a_fold_counts_its_members_and_opens_again() -> None:
    trains = [f"train-{index}" for index in range(9)]
    dag = Dag(
        tuple(map(DagNode, ["split", *trains])),
        tuple(DagEdge("split", name) for name in trains),
    )
    async with shown(dag, (80, 12)) as (_, view, _app):
        view.selected = "train-4"
        view.action_fold()
        assert view.selected == "train[0..8]"
        view.set_statuses({"train-1": FAILED, "train-2": RUNNING})
        while view.picture.level > Level.LINE:
            view.action_zoom(-1)
        assert "▤ train[0..8] x 1  > 1  o 7" in text(view)
        view.action_fold()
        assert set(trains) <= set(view.picture.boxes)


async def test_a_graph_that_does_not_fit_opens_folded_and_x_opens_one_fold_at_a_time() -> None:
    dag = dag_of(SAMPLES / "wide_and_deep" / "pipeline.json")
    async with shown(dag, (200, 50)) as (_, view, _app):
        assert len(view.picture.boxes) < 20
        assert view.picture.height < view.size.height
        assert caption(view).startswith("  200 steps in 18 nodes  o 200")
        view.seek("Layer-3-07")
        assert view.selected == "Layer[50]"
        view.action_fold()
        assert view.selected == "Layer-1[1..10]"
        view.action_fold()
        assert view.selected is not None and view.selected.startswith("Layer-1-")
        view.action_fold()
        assert view.selected == "Layer-1[1..10]"
        view.action_zoom(-1)
        assert (view.picture.level, len(view.picture.boxes)) == (Level.HEAT, 200)
        view.action_fit()
        assert len(view.picture.boxes) < 20


async def test_the_caption_stands_above_the_scroll_bar_of_a_large_picture() -> None:
    async with shown(layered(50, width=9), (80, 24)) as (pilot, view, app):
        await pilot.pause()
        assert view.show_horizontal_scrollbar
        row = "".join(app.screen_cells.buffer[view.sight.height - 1][x].data for x in range(40))
        assert row.strip() == "50 steps  o 50"


async def test_the_caption_says_what_a_waiting_step_waits_for_and_for_how_long() -> None:
    async with shown(CHURN, (80, 7)) as (_, view, _app):
        view.set_statuses({"preprocess": DONE, "train": RUNNING})
        view.seek("check-rmse")
        assert caption(view).startswith("o check-rmse  pending  waits for train  before register")
        view.set_durations({"train": 20.0})
        view.set_expected({"train": 95.0})
        assert "waits for train (ETA 01:15)" in caption(view)
        view.set_status("train", DONE)
        assert "waits for its turn (parallelism)" in caption(view)


async def test_the_caption_tells_branches_taken_from_those_that_were_not() -> None:
    async with shown(CHURN, (80, 7)) as (_, view, _app):
        view.set_statuses({"check-rmse": DONE, "register": DONE})
        view.set_status("fail", replace(SKIPPED, note="branch not taken: check-rmse is True"))
        view.seek("register")
        assert caption(view) == "+ register  succeeded 00:06  taken: if of check-rmse"
        view.seek("fail")
        assert "- fail  skipped  branch not taken: check-rmse is True" in caption(view)


async def test_the_heat_map_names_the_selected_step_and_its_neighbours() -> None:
    async with shown(layered(1_200, width=20)) as (pilot, view, _app):
        await view.workers.wait_for_complete()
        await pilot.pause()
        assert view.picture.level is Level.HEAT
        view.action_walk("right")
        view.action_walk("right")
        assert view.selected is not None
        assert view.selected in caption(view) and "waits for " in caption(view)


async def test_marks_stand_before_names_and_move_nothing() -> None:
    async with shown(CHURN, (80, 7)) as (_, view, _app):
        before = text(view)
        view.set_marks({"train", "fail"})
        assert text(view) == before.replace("o train", "o*train").replace("o fail", "o*fail")
        view.set_marks(set())
        assert text(view) == before


async def test_critical_and_failed_paths_are_lines_of_their_own_kind() -> None:
    async with shown(CHURN, (80, 7)) as (_, view, _app):
        view.set_durations({"preprocess": 1, "train": 9, "check-rmse": 1, "register": 2})
        view.action_critical_path()
        view.set_status("fail", FAILED)
        assert text(view) == (
            "o preprocess ━━ o train ━━ o ◆ check-rmse ═╦━━━if━ o register\n"
            "                                           ╚═else═ x fail"
        )


async def test_what_is_shown_can_be_written_in_every_form() -> None:
    async with shown(CHURN, (80, 7)) as (_, view, _app):
        view.set_status("fail", FAILED)
        for form in Format:
            assert "register" in view.exported(form, "churn")


async def test_a_large_graph_is_laid_out_aside_while_the_former_picture_stays() -> None:
    async with shown(CHURN) as (pilot, view, _app):
        view.set_dag(layered(1_200, width=20))
        assert "preprocess" in view.picture.boxes
        await view.workers.wait_for_complete()
        await pilot.pause()
        assert len(view.picture.boxes) == 1_200


async def test_a_slow_layout_never_replaces_a_newer_picture() -> None:
    async with shown(CHURN) as (pilot, view, _app):
        view.set_dag(layered(1_200, width=20))
        view.set_dag(layered(12, width=3))
        await view.workers.wait_for_complete()
        await pilot.pause()
        assert len(view.picture.boxes) == 12


async def test_the_map_is_there_only_for_a_large_picture_on_a_wide_screen() -> None:
    for dag, size, there in (
        (layered(200, width=9), (200, 50), True),
        (layered(200, width=9), (80, 24), False),
        (CHURN, (200, 50), False),
    ):
        async with shown(dag, size) as (_, view, _app):
            view.action_zoom(0)
            strip = view.render_line(view.sight.height - 2)
            colours = {segment.style.bgcolor for segment in strip if segment.style}
            assert (len(colours) > 1) is there


async def test_names_cannot_reach_the_terminal_as_commands() -> None:
    dag = Dag((DagNode("a\x1b]52;c;aGk=\x07b\u202ec"), DagNode("学習-データ")))
    async with shown(dag, (80, 24)) as (_, view, _app):
        drawn = text(view)
        assert drawn.replace("\n", "").isprintable()
        assert "a·]52;c;aGk=·b·c" in drawn and "学習-データ" in drawn


async def test_the_widget_binds_no_keys_of_its_own() -> None:
    async with shown(CHURN) as (pilot, view, app):
        view.focus()
        await pilot.press("right", "down", "z", "x", "0", "H")
        assert app.picked == []
        assert view.picture.level is Level.DETAIL
