"""All that waits for a person: Callback steps and model package versions, with their evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.detail import json_lines
from pipetui.viewmodel.executions import short_id, title
from pipetui.viewmodel.lines import BLANK, Column, Line, Row, Span, Tone, heading, key_value, words
from pipetui.viewmodel.state import Display, approval_state
from pipetui.viewmodel.times import elapsed

if TYPE_CHECKING:
    from engine.api import Inbox, ModelPackageView, WaitingCallback

COLUMNS = (
    Column("", 1),
    Column("WHAT", 16, grow=3, most=48),
    Column("KIND", 12, keep=4),
    Column("WAITS", 7, keep=6, right=True),
    Column("FROM", 14, grow=3, keep=3),
)


def callback_key(waiting: WaitingCallback) -> str:
    """The row's key."""
    return f"callback {waiting.step.callback_token}"


def package_key(package: ModelPackageView) -> str:
    """The row's key."""
    return f"package {package.arn}"


def count(inbox: Inbox) -> int:
    """How many answers are asked for."""
    return len(inbox.callbacks) + len(inbox.packages)


def rows(inbox: Inbox, *, now: float, display: Display) -> list[Row]:
    """Callbacks first: an execution stands still until they are answered."""
    mark = words(display.glyph("Approval"), Tone.WAIT)
    found = []
    for waiting in inbox.callbacks:
        step, source = waiting.step, title(waiting.execution)
        since = elapsed(now - (step.started_at or now))
        found.append(
            Row(
                callback_key(waiting),
                (mark, words(step.name), words("Callback", Tone.DIM), words(since), words(source)),
                f"{step.name} callback {source}",
            )
        )
    for package in inbox.packages:
        name = f"{package.group} v{package.version}"
        source = short_id(package.execution_id)
        since = elapsed(now - package.created_at)
        found.append(
            Row(
                package_key(package),
                (
                    mark,
                    words(name),
                    words("Model", Tone.DIM),
                    words(since),
                    words(f"{package.step} of {source}" if source else ""),
                ),
                f"{name} model {package.step} {package.execution_id}",
            )
        )
    return found


def callback_lines(waiting: WaitingCallback, display: Display) -> list[Line]:
    """What a Callback step asks."""
    step = waiting.step
    lines = [
        words(f" {step.name} of {title(waiting.execution)} waits for an answer", Tone.STRONG),
        key_value("token", step.callback_token),
    ]
    if step.started_at:
        lines.append(key_value("since", display.clock(step.started_at)))
    if step.callback_inputs:
        lines += [BLANK, heading("INPUTS"), *json_lines(step.callback_inputs)]
    return lines


def package_lines(
    package: ModelPackageView,
    display: Display,
    approved: ModelPackageView | None = None,
    changes: Sequence[Line] = (),
) -> list[Line]:
    """A model package version: where it came from, what the metrics said, who decided what.

    Args:
        approved: the group's approved version, to compare the metrics with.
        changes: what changed since that one, as lines.
    """
    state = approval_state(package.approval)
    lines: list[Line] = [
        (
            Span(" "),
            display.mark(state),
            Span(f" {package.group} v{package.version}  ", Tone.STRONG),
            display.word(state),
        ),
        key_value("registered", f"{display.clock(package.created_at)} by {package.created_by}"),
        key_value("from", f"{package.step} of {short_id(package.execution_id)}"),
    ]
    if metrics := numbers(package.evidence):
        lines += [BLANK, *_table(metrics, package, approved)]
    lines += [words(f"  report {uri}", Tone.FAINT) for uri in reports(package.evidence)]
    if approved is not None:
        lines += [BLANK, heading(f"CHANGED SINCE v{approved.version}"), *changes]
    if package.approvals:
        lines += [BLANK, heading("DECISIONS")]
    for one in package.approvals:
        words_ = f": {one.comment}" if one.comment else ""
        lines.append(
            key_value(display.clock(one.at), f"{one.approval} by {one.actor}{words_}", width=20)
        )
    return lines


_NAME = 34


def _table(
    metrics: Mapping[str, float], package: ModelPackageView, approved: ModelPackageView | None
) -> list[Line]:
    """The metrics, beside those of the approved version where there is one."""
    before = numbers(approved.evidence) if approved else {}
    width = min(_NAME, max(len(name) for name in (*metrics, "EVIDENCE")))
    titles = f"{f'v{package.version}':>11}"
    if approved:
        titles += f"  {f'approved v{approved.version}':>12}  {'change':>8}"
    lines: list[Line] = [(Span(f"  {'EVIDENCE':<{width}}", Tone.STRONG), Span(titles, Tone.FAINT))]
    for name, value in metrics.items():
        short = name if len(name) <= width else f"…{name[-width + 1 :]}"
        line = [Span(f"  {short:<{width}}", Tone.DIM), Span(f"{value:>11.6g}")]
        if name in before:
            old = before[name]
            growth = "same" if value == old else f"{(value - old) / abs(old):+.1%}" if old else ""
            line.append(Span(f"  {old:>12.6g}", Tone.DIM))
            line.append(Span(f"  {growth:>8}", Tone.STRONG if value != old else Tone.FAINT))
        lines.append(tuple(line))
    return lines


def numbers(evidence: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of the reports, by the part of their path that tells them apart.

    A report is its content, where somebody has read it; ``value`` stands for what holds it.
    """
    found = dict(_leaves(evidence))
    paths = [name.split(".") for name in found]
    shared = 0
    while len(paths) > 1 and all(len(one) > shared + 1 for one in paths):
        if len({one[shared] for one in paths}) > 1:
            break
        shared += 1
    return {
        ".".join(path[shared:]): value for path, value in zip(paths, found.values(), strict=True)
    }


def reports(evidence: Mapping[str, Any]) -> list[str]:
    """Where the reports lie."""
    entries = [one for one in evidence.values() if isinstance(one, Mapping)]
    return [str(one["S3Uri"]) for one in entries if one.get("S3Uri")]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        if "S3Uri" in value:
            yield from _leaves(value.get("Content"), path)
            return
        for key, item in value.items():
            inner = path if key == "value" and path else f"{path}.{key}" if path else str(key)
            yield from _leaves(item, inner)
    elif isinstance(value, int | float) and not isinstance(value, bool) and value == value:
        yield path, float(value)
