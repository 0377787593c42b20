"""How long the layout of graphs of 10 to 5000 nodes takes: `python benchmarks/dag_layout.py`.

Prints milliseconds, the best of three: layers + order + place, whose bounds are 250 ms for 1000
nodes and 1 s for 5000, and the whole picture at one line for each node, and as the view chooses.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipetui.dag.detail import Level
from pipetui.dag.graph import Dag, drawable
from pipetui.dag.layout import lay_out, split
from pipetui.dag.place import place
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


def main() -> None:
    print(f"{'nodes':>6} {'grid ms':>9} {'lines ms':>9} {'auto ms':>9}")
    for count in (10, 50, 300, 1000, 5000):
        dag = layered(count, width=max(3, int(count**0.5) // 2))
        line = partial(lay_out, dag, width=200, height=50, level=Level.LINE)
        lines = f"{best(line):.1f}" if count <= 1000 else "-"
        auto = best(partial(lay_out, dag, width=200, height=50))
        print(f"{count:>6} {best(partial(grid, dag)):>9.1f} {lines:>9} {auto:>9.1f}")


if __name__ == "__main__":
    main()
