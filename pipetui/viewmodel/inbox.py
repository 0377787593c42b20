"""All that waits for a person: Callback steps and model package versions, with their evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.detail import json_lines
from pipetui.viewmodel.executions import short_id, title
from pipetui.viewmodel.growth import percent
from pipetui.viewmodel.lines import (
    BLANK,
    Column,
    Line,
    Row,
    Span,
    Tone,
    heading,
    key_value,
    words,
    wrap,
)
from pipetui.viewmodel.state import Display, approval_state
from pipetui.viewmodel.times import waiting as waits

if TYPE_CHECKING:
    from engine.api import Inbox, ModelPackageView, ParameterView, StepView, WaitingCallback

COLUMNS = (
    Column("", 1),
    Column("WHAT", 16, grow=3, most=48),
    Column("KIND", 13, keep=4),
    Column("WAITING", 7, keep=6, right=True),
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
        since = waits(now - (step.started_at or now))
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
        since = waits(now - package.created_at)
        found.append(
            Row(
                package_key(package),
                (
                    mark,
                    words(name),
                    words("Model package", Tone.DIM),
                    words(since),
                    words(f"{source} {package.step}"),
                ),
                f"{name} model {package.step} {package.execution_id}",
            )
        )
    return found


_QUESTIONS = ("question", "prompt", "message", "ask", "summary", "description")


def question(step: StepView) -> tuple[str, str]:
    """Name and text of the argument in which a Callback asks; empty where none reads like it."""
    named = {name.lower(): (name, value) for name, value in step.callback_inputs.items()}
    for wanted in _QUESTIONS:
        name, value = named.get(wanted, ("", ""))
        if isinstance(value, str) and value.strip():
            return name, value.strip()
    return "", ""


def asked_lines(waiting: WaitingCallback, width: int, *, clear: bool = False) -> list[Line]:
    """What a Callback asks, then all else that it tells.

    Args:
        clear: secrets are shown.
    """
    step = waiting.step
    name, text = question(step)
    lines = [*wrap(text, width - 2, Tone.STRONG, " ")]
    others = {key: value for key, value in step.callback_inputs.items() if key != name}
    if others:
        lines += [BLANK] if lines else []
        lines += json_lines(others, clear=clear)
    return lines


def callback_lines(waiting: WaitingCallback, display: Display, width: int) -> list[Line]:
    """The question of a Callback step, its evidence, and what an approval has to bring."""
    step = waiting.step
    lines: list[Line] = [
        (
            Span(" "),
            Span(display.glyph("Approval"), Tone.WAIT),
            Span(f" {step.name} of {title(waiting.execution)} asks", Tone.STRONG),
        ),
        *(
            asked_lines(waiting, width, clear=display.clear)
            or [words(" It names no question.", Tone.DIM)]
        ),
    ]
    if waiting.outputs:
        lines += [BLANK, heading("TO APPROVE, YOU GIVE")]
        lines += [key_value(one.name, typed(one), width=20) for one in waiting.outputs]
    lines += [BLANK, key_value("token", step.callback_token)]
    if step.started_at:
        lines.append(key_value("since", display.clock(step.started_at)))
    return lines


def typed(parameter: ParameterView) -> str:
    """What a value has to be, in words."""
    if parameter.choices:
        return "one of " + ", ".join(str(choice) for choice in parameter.choices)
    return _TYPES.get(parameter.type, parameter.type)


_TYPES = {
    "String": "text",
    "Integer": "a whole number",
    "Float": "a number",
    "Boolean": "true or false",
}


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
            growth = percent(old, value)
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
