"""One line about the selected node: how it stands, what it waits for, what lies around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from pipetui.dag.cells import UNICODE, Glyphs
from pipetui.dag.detail import PENDING, NodeStatus, Part, Role, clean, fit, gathered
from pipetui.dag.graph import Dag, DagEdge

_MOST_NAMES = 3


class Surroundings:
    """The edges into and out of each step of a graph."""

    def __init__(self, dag: Dag) -> None:
        self.before: dict[str, list[DagEdge]] = {}
        self.after: dict[str, list[DagEdge]] = {}
        for edge in dag.edges:
            self.before.setdefault(edge.target, []).append(edge)
            self.after.setdefault(edge.source, []).append(edge)


def caption(
    name: str,
    members: Sequence[str],
    around: Surroundings,
    statuses: Mapping[str, NodeStatus],
    width: int,
    *,
    eta: str = "",
    told: bool = False,
    glyphs: Glyphs = UNICODE,
) -> list[Part]:
    """The line's parts, together exactly `width` cells.

    Args:
        members: the steps that a folded node stands for; empty for a step.
        around: of the whole graph, with nothing folded.
        eta: when a waiting step may start, as text.
        told: the box of a step says its state and time itself.
    """
    status = gathered(members, statuses) if members else statuses.get(name, PENDING)
    told = told and not members
    facts = [] if members or told else [" ".join(filter(None, (status.word, status.elapsed)))]
    facts.append(_also(name, members, around, statuses))
    situation = status.detail if members else _situation(name, around, statuses, eta)
    # What changes stands behind what stays, but for what a step waits for.
    facts.insert(len(facts) - (status.waiting and not members), situation)
    head = glyphs.pile if members else " " if told else status.glyph
    parts = [
        (fit(head, 1, glyphs), Role.STATUS),
        (" " + clean(name), Role.NAME),
        ("  " + "  ".join(clean(fact) for fact in facts if fact), Role.FACT),
    ]
    return _trimmed(parts, width, glyphs)


def overview(
    dag: Dag,
    statuses: Mapping[str, NodeStatus],
    hidden: int,
    width: int,
    glyphs: Glyphs = UNICODE,
) -> list[Part]:
    """The line where no node is selected: how many steps there are, and how they stand.

    Args:
        hidden: how many nodes fewer than steps are drawn.
    """
    count = len(dag.nodes)
    steps = f"{count} step{'' if count == 1 else 's'}"
    drawn = f" in {count - hidden} nodes" if hidden else ""
    status = gathered((node.name for node in dag.nodes), statuses)
    return [(fit(f"  {steps}{drawn}  {status.detail}", width, glyphs), Role.FACT)]


def waits_for(
    name: str, around: Surroundings, statuses: Mapping[str, NodeStatus]
) -> tuple[str, ...]:
    """The steps right before a waiting one that have not ended."""
    edges = around.before.get(name, ())
    return tuple(edge.source for edge in edges if not statuses.get(edge.source, PENDING).ended)


def reason_to_wait(name: str, around: Surroundings) -> str:
    """What the graph lets a step wait for, in a few words that no status changes."""
    edges = around.before.get(name, ())
    if not edges:
        return ""
    first = min(edges, key=lambda edge: not edge.kind.word)
    more = f" +{len(edges) - 1}" if len(edges) > 1 else ""
    return (f"{first.kind.word} of " if first.kind.word else "after ") + first.source + more


def _situation(
    name: str, around: Surroundings, statuses: Mapping[str, NodeStatus], eta: str
) -> str:
    """Why it stands as it does: what it waits for, which branch led to it, its own note."""
    status = statuses.get(name, PENDING)
    if status.waiting:
        names = waits_for(name, around, statuses)
        if names:
            return f"waits for {_listed(names)}" + (f" (ETA {eta})" if eta else "")
        return status.note or "waits for its turn (parallelism)"
    if status.untaken:
        return status.note or "not taken"
    branches = [edge for edge in around.before.get(name, ()) if edge.kind.word]
    taken = f"taken: {branches[0].kind.word} of {branches[0].source}" if branches else ""
    return "  ".join(filter(None, (status.note or status.detail, taken)))


def _also(
    name: str,
    members: Sequence[str],
    around: Surroundings,
    statuses: Mapping[str, NodeStatus],
) -> str:
    """Its neighbours: those before it where they are not told yet, and those behind."""
    own = set(members or (name,))
    order = members or (name,)
    before = [
        edge.source
        for step in order
        for edge in around.before.get(step, ())
        if members or not edge.kind.word
    ]
    after = [e.target for step in order for e in around.after.get(step, ())]
    status = PENDING if members else statuses.get(name, PENDING)
    told = status.waiting and not members
    # Why it does not run names whom it waited for.
    cause = {status.note.split(" ")[0]} if status.untaken else set()
    sources = [] if told else [one for one in dict.fromkeys(before) if one not in own | cause]
    targets = [one for one in dict.fromkeys(after) if one not in own]
    words = [f"after {_listed(sources)}"] if sources else []
    words += [f"before {_listed(targets)}"] if targets else []
    return "  ".join(words)


def _listed(names: Sequence[str]) -> str:
    more = f" +{len(names) - _MOST_NAMES}" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _trimmed(parts: Sequence[Part], width: int, glyphs: Glyphs) -> list[Part]:
    """The parts cut at the width, the last one filled up to it."""
    result: list[Part] = []
    left = width
    for index, (text, role) in enumerate(parts):
        last = index == len(parts) - 1
        room = left if last or cell_len(text) > left else cell_len(text)
        result.append((fit(text, room, glyphs), role))
        left -= room
    return result
