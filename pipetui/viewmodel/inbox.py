"""All that waits for a person: Callback steps and model package versions, with their evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    metrics = _metrics(package.evidence)
    if metrics:
        lines += [BLANK, *_table(metrics, package, approved)]
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


_Metric = tuple[str, Any]


def _table(
    metrics: Sequence[_Metric], package: ModelPackageView, approved: ModelPackageView | None
) -> list[Line]:
    """The evidence, beside that of the approved version where there is one."""
    width = min(48, max(len(name) for name, _ in metrics))
    before = dict(_metrics(approved.evidence)) if approved else {}
    titles = f"v{package.version:<12}"
    if approved:
        titles += f" {f'approved v{approved.version}':<14} change"
    lines: list[Line] = [
        (Span(f" {'EVIDENCE':<{width + 1}}  ", Tone.STRONG), Span(titles, Tone.FAINT))
    ]
    for name, value in metrics:
        line = [Span(f"  {name:<{width}}  ", Tone.DIM), Span(f"{_number(value):<13}")]
        if name in before:
            line += [Span(f" {_number(before[name]):<14}", Tone.DIM), *_growth(before[name], value)]
        lines.append(tuple(line))
    return lines


def _number(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _growth(before: Any, now: Any) -> Line:
    """By how much a number grew; nothing for what is none."""
    numbers = [one for one in (before, now) if isinstance(one, int | float)]
    if len(numbers) < 2 or isinstance(before, bool) or before == 0:
        return ()
    return words(
        f" {(now - before) / abs(before):+.1%}", Tone.STRONG if now != before else Tone.DIM
    )


def _metrics(value: Any, path: str = "") -> list[_Metric]:
    """Leaves of the evidence, named by their path; ``value`` members stand for their parents."""
    if isinstance(value, Mapping):
        found: list[_Metric] = []
        for key, item in value.items():
            name = path if key == "value" and path else f"{path}.{key}" if path else str(key)
            found += _metrics(item, name)
        return found
    if isinstance(value, list):
        return [(path, f"{len(value)} items")]
    return [(path, value)]
