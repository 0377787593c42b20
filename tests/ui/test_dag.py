"""The graph widget in a running application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from rich.console import Console, RenderableType
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from pipetui.dag.detail import Level, NodeStatus
from pipetui.dag.graph import Dag, DagEdge, DagNode, EdgeKind
from pipetui.dag.widget import DagView
from tests.unit.dag.definitions import layered

RUNNING = NodeStatus(">", "executing", "blue", "01:58", "63%", rank=3)
FAILED = NodeStatus("x", "failed", "red", "00:04", rank=9, failed=True)
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
        self.terminal = Console(force_terminal=True, color_system="truecolor", legacy_windows=False)

    def compose(self) -> ComposeResult:
        yield DagView(self.dag)

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if isinstance(renderable, CompositorUpdate):
            self.sent += len(renderable.render_segments(self.terminal).encode())
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
    """The widget's present rows."""
    return "\n".join(view.render_line(y).text.rstrip() for y in range(view.size.height)).rstrip()


async def test_the_view_shows_the_largest_level_that_fits() -> None:
    async with shown(CHURN, (200, 50)) as (_, view, _app):
        assert view.picture.level is Level.DETAIL
        assert "o ◆ check-rmse" in text(view)
    async with shown(CHURN, (80, 24)) as (_, view, _app):
        assert view.picture.level is Level.BOX
    async with shown(CHURN, (80, 8)) as (_, view, _app):
        assert text(view) == (
            "                                     ┌───if─ o register\n"
            "o preprocess ── o train ── o ◆ check-rmse ─┤\n"
            "                                     └─else─ o fail"
        )


@pytest.mark.parametrize("status", [RUNNING, FAILED, SKIPPED], ids=lambda s: s.word)
@pytest.mark.parametrize("level", [Level.LINE, Level.BOX, Level.DETAIL])
async def test_a_status_change_costs_less_than_400_bytes(level: Level, status: NodeStatus) -> None:
    async with shown(layered(40, width=5), (200, 50)) as (pilot, view, app):
        while view.picture.level != level:
            view.action_zoom(1 if view.picture.level < level else -1)
        view.scroll_to(0, 0, animate=False)
        await pilot.pause()
        for name in list(view.picture.boxes)[5:9]:
            before, was = app.sent, text(view)
            view.set_status(name, status)
            await pilot.pause()
            spent = app.sent - before
            assert spent < 400, (name, spent)
            assert spent > 0 or text(view) == was


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
    async with shown(CHURN, (80, 8)) as (_, view, _app):
        view.set_status("fail", SKIPPED)
        assert "└┄else┄ - fail" in text(view)
        assert "┌───if─ o register" in text(view)


async def test_arrow_keys_walk_edges_and_siblings_and_tell_the_screen() -> None:
    async with shown(CHURN) as (pilot, view, app):
        view.focus()
        for direction in ("right", "right", "right", "right", "down", "left"):
            view.action_walk(direction)  # type: ignore[arg-type]
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
    async with shown(dag, (80, 12)) as (_, view, app):
        view.selected = "train-4"
        view.action_fold()
        assert view.selected == "train[0..8]"
        view.set_statuses({"train-1": FAILED, "train-2": RUNNING})
        view.action_zoom(-1)
        view.action_zoom(-1)
        view._level = Level.LINE
        view.action_zoom(0)
        del app
        assert "▤ train[0..8]" in text(view) or view.picture.level is Level.HEAT
        view.action_fold()
        assert set(trains) <= set(view.picture.boxes)


async def test_a_large_graph_is_laid_out_aside_while_the_former_picture_stays() -> None:
    async with shown(CHURN) as (pilot, view, _app):
        view.set_dag(layered(1_200, width=20))
        assert "preprocess" in view.picture.boxes
        await view.workers.wait_for_complete()
        await pilot.pause()
        assert len(view.picture.boxes) == 1_200


async def test_the_map_is_there_only_for_a_large_picture_on_a_wide_screen() -> None:
    for dag, size, there in (
        (layered(200, width=9), (200, 50), True),
        (layered(200, width=9), (80, 24), False),
        (CHURN, (200, 50), False),
    ):
        async with shown(dag, size) as (_, view, _app):
            view.action_zoom(0)
            strip = view.render_line(view.size.height - 1)
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
