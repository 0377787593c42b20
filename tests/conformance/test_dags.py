"""Any graph of steps, run by the whole engine, against the rules written down naively.

Steps are broken, flaky or cached by chance. A run, its retry once all is repaired, and a new run
are held against what section 3 of the reference says of failures, retries and caches. Every
interleaving, stops and lost attempts are those of ``tests/unit/planning/test_scheduler.py``.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.fold import ExecutionState
from engine.model.status import ExecutionStatus, StepAction, StepStatus
from tests.engine.embedded import Embedded, definition, processing

OK, NO, HELD = StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.BLOCKED
AGAIN = {"ExceptionType": ["Local.USER_CODE"], "IntervalSeconds": 0, "MaxAttempts": 1}


@dataclass(frozen=True)
class Node:
    """A step: what it waits for, and how it fares.

    Args:
        broken: it fails until it is repaired.
        flaky: its first attempt fails, and a policy lets it run once more.
        cached: its result may be taken over.
    """

    after: tuple[int, ...]
    broken: bool
    flaky: bool
    cached: bool


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    count = draw(st.integers(1, 6))
    return [
        Node(
            tuple(draw(st.sets(st.integers(0, number - 1), max_size=2))) if number else (),
            draw(st.integers(0, 3)) == 0,
            draw(st.integers(0, 3)) == 0,
            draw(st.booleans()),
        )
        for number in range(count)
    ]


def step(number: int, node: Node, folder: Path) -> dict[str, Any]:
    script = f"echo {number} >> ran; test ! -e broken-{number} || exit 1; "
    keys: dict[str, Any] = {"DependsOn": [f"S{one}" for one in node.after]}
    if node.flaky:
        script += f"test -e tried-{number} || {{ touch tried-{number}; exit 1; }}"
        keys["RetryPolicies"] = [AGAIN]
    if node.cached:
        keys["CacheConfig"] = {"Enabled": True, "ExpireAfter": "P1D"}
    return processing(f"S{number}", f"cd '{folder}'; {script}", **keys)


class Model:
    """What may have become of each step after a run, and how often it has run."""

    def __init__(self, nodes: list[Node], folder: Path) -> None:
        self.nodes = nodes
        self.folder = folder
        self.tried: set[int] = set()
        self.before: Counter[int] = Counter()
        self.flags = [folder / f"broken-{number}" for number, one in enumerate(nodes) if one.broken]
        for flag in self.flags:
            flag.touch()

    def repair(self) -> None:
        for flag in self.flags:
            flag.unlink()

    def runs_of(self, number: int, broken: bool) -> int:
        """How often a step runs that starts: its attempts until it is good, or given up."""
        node = self.nodes[number]
        if broken:
            return 2 if node.flaky else 1
        again = node.flaky and number not in self.tried
        if again:
            self.tried.add(number)
        return 2 if again else 1

    def check_first(self, state: ExecutionState) -> set[int]:
        """A first run; the steps that are good."""
        ends = {number: state.steps[f"S{number}"].status for number in range(len(self.nodes))}
        good = {number for number, status in ends.items() if status is OK}
        for number, status in ends.items():
            node, ready = self.nodes[number], set(self.nodes[number].after) <= good
            assert status in ((NO, HELD) if node.broken else (OK, HELD))
            assert ready or status is HELD, "it waits for what is not good"
        failed = any(status is NO for status in ends.values())
        assert failed is any(node.broken for node in self.nodes), "a broken one is reached at last"
        assert failed or HELD not in ends.values(), "only a failure holds anything up"
        self.ended_as(state, ExecutionStatus.FAILED if failed else ExecutionStatus.SUCCEEDED)
        started = {number for number, status in ends.items() if status is not HELD}
        self.ran({number: self.runs_of(number, self.nodes[number].broken) for number in started})
        return good

    def check_all_good(self, state: ExecutionState, kept: set[int], taken: set[int]) -> None:
        """A run of repaired steps, of which some were good already, or are taken from the cache."""
        assert {view.status for view in state.steps.values()} == {OK}
        self.ended_as(state, ExecutionStatus.SUCCEEDED)
        hits = {name for name, view in state.steps.items() if view.action is StepAction.CACHED}
        assert hits == {f"S{number}" for number in taken}
        rest = set(range(len(self.nodes))) - kept - taken
        self.ran({number: self.runs_of(number, False) for number in rest})

    def ended_as(self, state: ExecutionState, status: ExecutionStatus) -> None:
        assert state.execution.status is status

    def ran(self, expected: dict[int, int]) -> None:
        """Since the last time, each step has run this often, and no other has."""
        log = self.folder / "ran"
        now = Counter(map(int, log.read_text().split())) if log.exists() else Counter[int]()
        assert dict(now - self.before) == expected
        self.before = now


async def play(nodes: list[Node], parallel: int, folder: Path) -> None:
    embedded, model = Embedded(folder), Model(nodes, folder)
    document = definition(*(step(*one, folder) for one in enumerate(nodes)))
    file = embedded.write(document, "dag.json")
    state = await embedded.run(file, max_parallel=parallel)
    good = model.check_first(state)
    model.repair()
    if state.execution.status is ExecutionStatus.FAILED:
        state = await embedded.retry(state.execution.id)
        model.check_all_good(state, good, set())
        assert state.execution.retries == 1
    cached = {number for number, node in enumerate(nodes) if node.cached}
    again = await embedded.run(file, max_parallel=parallel)
    model.check_all_good(again, set(), cached)
    for number in cached:
        assert again.steps[f"S{number}"].source_execution == state.execution.id


@settings(max_examples=12, deadline=None)
@given(graphs(), st.integers(1, 3))
def test_any_graph_fails_is_retried_and_cached_by_the_rules(
    nodes: list[Node], parallel: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(nodes, parallel, Path(folder)))
