"""What people did, over all executions: who, when, what, to which, and how it went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.deeds import Deed
from pipetui.viewmodel.executions import short_id
from pipetui.viewmodel.lines import BLANK, Column, Line, Row, Span, Tone, heading, words, wrap
from pipetui.viewmodel.secrets import about_lines
from pipetui.viewmodel.state import Display

if TYPE_CHECKING:
    from engine.api import Event

COLUMNS = (
    Column("WHEN", 15, keep=8, right=True),
    Column("WHO", 10, grow=1, most=24, keep=7),
    Column("DID", 12, keep=9),
    Column("TO", 16, grow=2, most=44, tail=True),
    Column("HOW", 12, grow=3),
)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that somebody did.

    Args:
        target: what it was done to: an execution, a step of one, a model package, a pipeline.
        result: what came of it.
    """

    did: str
    target: str
    result: str = ""
    comment: str = ""
    client: str = ""


def action(event: Event, fact: Mapping[str, Any], pipelines: Mapping[str, str]) -> Action:
    """What an event says that somebody did.

    Args:
        fact: the event's fact as plain JSON.
        pipelines: execution id -> its pipeline's name.
    """
    known = pipelines.get(event.execution_id, "")
    place = f"{known}/{short_id(event.execution_id)}" if known else event.execution_id[:8]
    said, client = str(fact.get("comment", "")), str(fact.get("client", ""))
    match event.kind:
        case "ExecutionCreated":
            here = f"{fact['pipeline']}/{short_id(event.execution_id)}"
            source = fact.get("source_execution")
            steps = fact.get("selection") or ()
            edits = len(fact.get("edits") or ())
            parts = [
                f"from {short_id(source)}" if source else "",
                f"{len(steps)} steps" if steps else "",
                f"{edits} edited" if edits else "",
            ]
            return Action(
                "rerun" if source else "started", here, "  ".join(part for part in parts if part)
            )
        case "StopRequested":
            return Action("stopped", place, comment=str(fact.get("reason", "")))
        case "ExecutionRetried":
            names = fact["steps"]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            return Action("retried", place, ", ".join(names[:3]) + more)
        case "ParallelismChanged":
            return Action("parallelism", place, f"at most {fact['max_parallel']} steps at once")
        case "BreakpointSet" | "BreakpointCleared":
            did = "held" if event.kind == "BreakpointSet" else "released"
            return Action(did, f"{place} {fact['step']}", "breakpoint")
        case "ExecutionRenamed":
            given = (fact.get("display_name"), fact.get("description"))
            return Action("renamed", place, "  ".join(text for text in given if text))
        case "CallbackAnswered":
            did = "approved" if fact["success"] else "rejected"
            why = said or str(fact.get("reason", ""))
            return Action(did, f"{place} {fact['step']}", "", why, client)
        case "ModelApprovalChanged":
            name = "/".join(str(fact["arn"]).rsplit("/", 2)[-2:])
            result = f"was {fact['previous']}"
            return Action(str(fact["approval"]).lower(), name, result, said, client)
    did = event.kind.removeprefix("Pipeline").removeprefix("Version").lower()
    version = f" version {fact['version']}" if fact.get("version") else ""
    return Action(did, f"pipeline {fact.get('pipeline', '')}{version}")


def row(event: Event, done: Action, *, now: float, display: Display) -> Row:
    """One action."""
    how = "  ".join(part for part in (done.result, done.comment) if part)
    tone = Tone.BAD if done.did in ("rejected", "stopped") else Tone.PLAIN
    return Row(
        str(event.seq),
        (
            words(display.exact(event.at, now), Tone.DIM),
            words(event.actor),
            words(done.did, tone),
            words(done.target),
            words(how, Tone.DIM),
        ),
        f"{event.actor} {done.did} {done.target} {event.execution_id} {how} {done.client}",
    )


def document(event: Event, done: Action) -> dict[str, Any]:
    """One action as JSON."""
    return {
        "seq": event.seq,
        "at": event.at,
        "who": event.actor,
        "did": done.did,
        "target": done.target,
        "execution": event.execution_id,
        "result": done.result,
        "comment": done.comment,
        "client": done.client,
    }


def deed_lines(deeds: Sequence[Deed], width: int, *, clear: bool = False) -> list[Line]:
    """What was done in this session, as commands, the last first; and what is masked.

    Args:
        clear: secrets are shown.
    """
    if not deeds:
        nothing = words(" Nothing was done in this session.", Tone.FAINT)
        return [nothing, BLANK, *about_lines(width)]
    lines: list[Line] = [heading("THIS SESSION, AS COMMANDS")]
    for deed in reversed(deeds):
        lines += wrap(deed.command if clear else deed.seen, width, indent="   ")
        if deed.problem:
            lines += [(Span("     refused: ", Tone.BAD), Span(deed.problem, Tone.DIM))]
    return [*lines, BLANK, *about_lines(width)]
