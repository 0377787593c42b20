"""Everything about one step, section after section, and why it is red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.executions import short_id, step_took
from pipetui.viewmodel.lines import (
    BLANK,
    Line,
    Span,
    Tone,
    heading,
    key_value,
    text_of,
    words,
    wrap,
)
from pipetui.viewmodel.secrets import masked
from pipetui.viewmodel.sizes import size
from pipetui.viewmodel.state import Display, step_state
from pipetui.viewmodel.times import elapsed

if TYPE_CHECKING:
    from engine.api import Artifact, StepView

_DEEP = 40
_FACTS = 18
"""Cells beside a fact: its name, and a margin."""
INPUTS, OUTPUTS, ARGUMENTS = "INPUTS", "OUTPUTS", "ARGUMENTS"


def step_lines(
    step: StepView,
    *,
    artifacts: Sequence[Artifact],
    raw: Any,
    now: float,
    width: int,
    display: Display,
    beside: bool = False,
) -> list[Line]:
    """All that is known of a step; the sections' titles stand alone on their lines.

    Args:
        beside: a list beside it tells the state and the times. Lines then stay in their places when
            those change, and a failure takes the place of what was planned.
    """
    if beside:
        told = _failure(step, width) or _plan(step, width)
        lines = [_head(step, now, display)[:4], *told, *_attempts(step, display)]
    else:
        lines = [
            _head(step, now, display),
            *_failure(step, width),
            *_plan(step, width),
            *_times(step, display),
            *_attempts(step, display),
        ]
    for title, roles in ((INPUTS, ("input",)), (OUTPUTS, ("output", "model", "report", "log"))):
        chosen = [one for one in artifacts if one.role in roles]
        if chosen:
            lines += [BLANK, heading(title), *(_artifact(one) for one in chosen)]
    if step.arguments is not None:
        lines += [BLANK, heading(ARGUMENTS), *json_lines(step.arguments, clear=display.clear)]
    if raw not in (None, step.arguments):
        lines += [BLANK, heading("ARGUMENTS AS WRITTEN"), *json_lines(raw, clear=display.clear)]
    for title, value in (
        ("CALLBACK INPUTS", step.callback_inputs),
        ("PROPERTIES", step.properties),
        ("METADATA", step.metadata),
        ("ENVIRONMENT", step.environment),
    ):
        if value:
            lines += [BLANK, heading(title), *json_lines(value, clear=display.clear)]
    return lines


def section(lines: Sequence[Line], title: str) -> int:
    """Where a section starts; 0 where there is none of that title."""
    wanted = heading(title)
    return next((index for index, line in enumerate(lines) if line == wanted), 0)


def _head(step: StepView, now: float, display: Display) -> Line:
    state = step_state(step)
    return (
        Span(" "),
        display.mark(state),
        Span(f" {step.name}", Tone.STRONG),
        Span(f"  {step.type}  ", Tone.DIM),
        display.word(state),
        Span(f"  {step_took(step, now)}", Tone.DIM),
    )


def _failure(step: StepView, width: int) -> list[Line]:
    lines: list[Line] = []
    for text in dict.fromkeys((step.failure_cause, step.failure_reason)):
        lines += [*wrap(text, width - 3, indent="   ")] if text else []
    return lines


def _plan(step: StepView, width: int) -> list[Line]:
    """Why it runs, how, and where."""
    lines: list[Line] = []
    sentences = {
        "plan": f"{step.action}: {step.reason}" if step.reason else "",
        "now": step.doing,
        "note": step.note,
        "locally": step.stand_in,
    }
    facts = {
        "name": step.display_name,
        "from": short_id(step.source_execution) if step.source_execution else "",
        "runs in": where(step),
        "folder": step.directory,
    }
    for name, text in sentences.items():
        for index, line in enumerate(wrap(text, max(24, width - _FACTS))):
            lines.append(key_value("" if index else name, text_of(line)))
    return lines + [key_value(name, text) for name, text in facts.items() if text]


def _times(step: StepView, display: Display) -> list[Line]:
    times = {"started": step.started_at, "ended": step.ended_at}
    return [key_value(name, display.clock(at)) for name, at in times.items() if at]


def _attempts(step: StepView, display: Display) -> list[Line]:
    lines: list[Line] = [BLANK, heading("ATTEMPTS")] if step.attempts else []
    for attempt in step.attempts:
        spent = None if attempt.ended_at is None else attempt.ended_at - attempt.started_at
        shown = elapsed(spent, ended=True)
        lines.append(
            (
                Span(f"  {attempt.number:>2}  "),
                Span(f"{attempt.status:<10} "),
                Span(
                    f"{display.clock(attempt.started_at)}  {shown:>7}  ",
                    Tone.DIM,
                ),
                Span(attempt.failure.split("\n", 1)[0]),
            )
        )
    return lines


def where(step: StepView) -> str:
    """Where the job runs and how close its environment is, in a few words."""
    known = {key: value for key, value in step.environment.items() if isinstance(value, str)}
    order = [key for key in ("runner", "image", "grade", "interpreter", "python") if key in known]
    return " · ".join(known[key] for key in order if known[key])


def _artifact(artifact: Artifact) -> Line:
    amount = size(artifact.size) if artifact.exists else "not there"
    return (
        Span(f"  {artifact.name:<18} "),
        Span(f"{amount:>9}  ", Tone.DIM),
        Span(artifact.uri, Tone.PLAIN if artifact.exists else Tone.FAINT),
    )


def json_lines(
    value: Any, depth: int = 1, name: str = "", *, clear: bool = False, told_by: str = ""
) -> list[Line]:
    """A JSON value as indented lines without braces.

    Args:
        clear: show what is masked otherwise, as its name says that it is a secret.
        told_by: the name that says so, where it is not ``name``.
    """
    indent = "  " * depth
    label = f"{name}: " if name else ""
    if isinstance(value, Mapping | list) and not value:
        return [(Span(indent + label, Tone.DIM), Span("{}" if value == {} else "[]", Tone.FAINT))]
    if depth > _DEEP or not isinstance(value, Mapping | list):
        text = str(value)
        if isinstance(value, str):
            text = masked(told_by or name, value, clear=clear)
        first, *others = text.split("\n")
        more: list[Line] = [words(f"{indent}  {line}") for line in others]
        return [(Span(indent + label, Tone.DIM), Span(first)), *more]
    lines: list[Line] = [words(f"{indent}{name}", Tone.DIM)] if name else []
    deeper = depth + 1 if name else depth
    if isinstance(value, Mapping):
        named = str(value.get("Name", value.get("Key", "")))
        for key, item in value.items():
            told_by = named if key == "Value" else ""
            lines += json_lines(item, deeper, str(key), clear=clear, told_by=told_by)
    else:
        for index, item in enumerate(value):
            lines += json_lines(item, deeper, item_name(item) or f"[{index}]", clear=clear)
    return lines


NAMES = ("OutputName", "InputName", "MetricName", "ChannelName", "Name")
"""The members by which SageMaker addresses an item of a list."""


def item_name(item: Any) -> str:
    """The name by which SageMaker addresses an item of a list, quoted; empty where it has none."""
    if isinstance(item, Mapping):
        for key in NAMES:
            if isinstance(item.get(key), str):
                return f"['{item[key]}']"
    return ""


def why(
    step: StepView,
    *,
    summary: str,
    at: str,
    block: Sequence[str],
    code: Sequence[tuple[int, str]],
    code_line: int,
    width: int,
    display: Display,
    now: float,
    since: Sequence[Line] = (),
) -> list[Line]:
    """Why a step is red: what went wrong and where, what differs, the log's own words.

    Args:
        summary: the error in one line; empty where the log shows none.
        at: file and line it points to.
        block: the lines of the log that say so.
        code: numbered lines around ``code_line``.
        since: what differs from the last green run.
    """
    lines = [_head(step, now, display), _circumstances(step), BLANK]
    if summary:
        lines += [key_value("WHAT", summary, Tone.STRONG, 7)]
    if at:
        folder, _, name = at.rpartition("/")
        lines.append((*key_value("WHERE", name, width=7), Span(f"  {folder}", Tone.FAINT)))
    for number, text in code:
        here = number == code_line
        lines.append(
            (
                Span(f"         {'>' if here else ' '} {number:>5}  ", Tone.DIM),
                Span(text, Tone.STRONG if here else Tone.PLAIN),
            )
        )
    lines += since
    if step.failure_reason:
        lines += [BLANK, heading("FAILURE REASON")]
        for part in step.failure_reason.strip().split("\n"):
            lines += wrap(part, width - 3, indent="   ")
    if block:
        lines += [BLANK, heading("FROM THE LOG"), *(words(f"   {text}") for text in block)]
    if step.reason and not step.failure_reason:
        lines += wrap(step.reason, width - 3, indent="   ")
    return lines


def _circumstances(step: StepView) -> Line:
    parts = [f"attempt {step.attempt}"] if step.attempt else []
    parts += [part for part in (step.failure_code, where(step)) if part]
    return words("   " + " · ".join(parts), Tone.DIM)
