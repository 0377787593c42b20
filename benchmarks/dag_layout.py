"""How long graphs of 10 to 5000 nodes take to draw and to pan: `python benchmarks/dag_layout.py`.

Prints milliseconds, the best of three: layers + order + place, whose bounds are 250 ms for 1000
nodes and 1 s for 5000, the whole picture at one line for each node, and as the view chooses. Then
what painting all rows of a 200x50 view costs in the middle of both, whose bound is 100 ms for ten
frames a second.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from textual.app import App, ComposeResult

from pipetui.dag.detail import Level
from pipetui.dag.graph import Dag, drawable
from pipetui.dag.layout import lay_out, split
from pipetui.dag.place import place
from pipetui.dag.widget import DagView
from tests.unit.dag.definitions import layered


def best(run: Callable[[], object], times: int = 3) -> float:
    """The least wall time of a few runs, in milliseconds."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        spent.append((time.perf_counter() - start) * 1000)
    return min(spent)


def grid(dag: Dag) -> None:
    """Layers, order and places, without lines and characters."""
    for part in split(drawable(dag), 1_000)[0]:
        items = len(part.graph.up)
        place(part.graph, [1] * items, [0] * items, 0)


class Shown(App[None]):
    """One graph, all over the terminal."""

    def __init__(self, dag: Dag) -> None:
        super().__init__()
        self.dag = dag

    def compose(self) -> ComposeResult:
        yield DagView(self.dag)


async def panning(dag: Dag, level: Level | None) -> float:
    """Milliseconds to paint every row anew, in the middle of the picture."""
    async with Shown(dag).run_test(size=(200, 50)) as pilot:
        view = pilot.app.query_one(DagView)
        await view.workers.wait_for_complete()
        for _ in range(1 if level is not None and view.picture.level < level else 0):
            view.action_zoom(1)
            await view.workers.wait_for_complete()
        await pilot.pause()
        view.scroll_to(view.picture.width // 2, view.picture.height // 2, animate=False)
        await pilot.pause()
        return best(lambda: [view.render_line(y) for y in range(view.size.height)])


def main() -> None:
    print(f"{'nodes':>6} {'grid ms':>9} {'lines ms':>9} {'auto ms':>9} {'pan ms':>7}")
    for count in (10, 50, 300, 1000, 5000):
        dag = layered(count, width=max(3, int(count**0.5) // 2))
        line = partial(lay_out, dag, width=200, height=50, level=Level.LINE)
        lines = best(line, 3 if count <= 1000 else 1)
        auto = best(partial(lay_out, dag, width=200, height=50))
        pan = max(asyncio.run(panning(dag, level)) for level in (None, Level.LINE))
        print(f"{count:>6} {best(partial(grid, dag)):>9.1f} {lines:>9.1f} {auto:>9.1f} {pan:>7.1f}")


if __name__ == "__main__":
    main()
