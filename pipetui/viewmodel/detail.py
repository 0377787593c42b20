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
from pipetui.viewmodel.steps import runs_in
from pipetui.viewmodel.times import elapsed

if TYPE_CHECKING:
    from engine.api import Artifact, StepView

_DEEP = 40
_FACTS = 18
"""Cells beside a fact: its name, and a margin."""
INPUTS, OUTPUTS, ARGUMENTS = "INPUTS", "OUTPUTS", "ARGUMENTS"
WRITTEN = "ARGUMENTS AS WRITTEN"
_JOBLESS = frozenset({"Condition", "Fail"})
_NOT_YET = "-"


def step_lines(
    step: StepView,
    *,
    artifacts: Sequence[Artifact],
    raw: Any,
    now: float,
    width: int,
    display: Display,
) -> list[Line]:
    """All that is known of a step; the sections' titles stand alone on their lines."""
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
        lines += [BLANK, heading(WRITTEN), *json_lines(raw, clear=display.clear)]
    return lines + _sections(step, display)


def lines_beside(step: StepView, *, written: Any, width: int, display: Display) -> list[Line]:
    """What there is to know of a step beside a list that tells its state and its times.

    Every line has its place before the step starts and keeps it to the end, and a failure takes the
    place of the plan: on a slow line, a change costs no more than the cells that tell it.

    Args:
        written: the arguments as the definition has them, which stand for what is not resolved yet.
    """
    why = step.failure_cause or step.failure_reason
    if step.status in ("Skipped", "Blocked"):
        why = step.reason
    plan = step.doing or (f"{step.action}: {step.reason}" if step.reason else _NOT_YET)
    lines: list[Line] = [_name(step, display)]
    lines += _sentence(*(("why", why) if why else ("plan", plan)), width)
    lines += _attempts_beside(step, display)
    if step.type not in _JOBLESS:
        for name, text in (("runs in", runs_in(step)), ("folder", step.directory)):
            lines.append(key_value(name, text or _NOT_YET))
    lines += [line for name, text in _notes(step) for line in _sentence(name, text, width)]
    resolved = step.arguments is not None
    if arguments := step.arguments if resolved else written:
        title = ARGUMENTS if resolved else WRITTEN
        lines += [BLANK, heading(title), *json_lines(arguments, clear=display.clear)]
    return lines + _sections(step, display)


def _sections(step: StepView, display: Display) -> list[Line]:
    """What a step leaves comes behind what it was given, which is there from its start."""
    lines: list[Line] = []
    for title, value in (
        ("ENVIRONMENT", step.environment),
        ("CALLBACK INPUTS", step.callback_inputs),
        ("PROPERTIES", step.properties),
        ("METADATA", step.metadata),
    ):
        if value:
            lines += [BLANK, heading(title), *json_lines(value, clear=display.clear)]
    return lines


def section(lines: Sequence[Line], title: str) -> int:
    """Where a section starts; 0 where there is none of that title."""
    wanted = heading(title)
    return next((index for index, line in enumerate(lines) if line == wanted), 0)


def _name(step: StepView, display: Display) -> Line:
    return (
        Span(" "),
        display.mark(step_state(step)),
        Span(f" {step.name}", Tone.STRONG),
        Span(f"  {step.type}  ", Tone.DIM),
    )


def _head(step: StepView, now: float, display: Display) -> Line:
    took = Span(f"  {step_took(step, now)}", Tone.DIM)
    return (*_name(step, display), display.word(step_state(step)), took)


def _failure(step: StepView, width: int) -> list[Line]:
    lines: list[Line] = []
    for text in dict.fromkeys((step.failure_cause, step.failure_reason)):
        lines += [*wrap(text, width - 3, indent="   ")] if text else []
    return lines


def _plan(step: StepView, width: int) -> list[Line]:
    """Why it runs, how, and where."""
    plan = f"{step.action}: {step.reason}" if step.reason else ""
    told = [("plan", plan), ("now", step.doing), *_notes(step)]
    facts = {"runs in": where(step), "folder": step.directory}
    lines = [line for name, text in told for line in _sentence(name, text, width)]
    return lines + [key_value(name, text) for name, text in facts.items() if text]


def _notes(step: StepView) -> list[tuple[str, str]]:
    return [
        ("note", step.note),
        ("locally", step.stand_in),
        ("name", step.display_name),
        ("from", short_id(step.source_execution) if step.source_execution else ""),
    ]


def _sentence(name: str, text: str, width: int) -> list[Line]:
    """A fact over as many lines as it takes; none where there is nothing to tell."""
    told = enumerate(wrap(text, max(24, width - _FACTS)))
    return [key_value("" if index else name, text_of(line)) for index, line in told]


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


def _attempts_beside(step: StepView, display: Display) -> list[Line]:
    """A line for each; the last stands as the step does, for the reason that the step tells."""
    lines: list[Line] = []
    for attempt in step.attempts:
        spent = None if attempt.ended_at is None else attempt.ended_at - attempt.started_at
        told = f"{display.clock(attempt.started_at)}  {elapsed(spent, ended=True):>7}"
        if attempt is not step.attempts[-1]:
            told += f"  {attempt.status.lower()}  {attempt.failure}".split("\n", 1)[0]
        lines.append(key_value(f"attempt {attempt.number}", told))
    return lines or [key_value("attempt", _NOT_YET)]


def where(step: StepView) -> str:
    """Where the job runs and how close its environment is, in a few words."""
    known = (step.environment.get(key) for key in ("Runner", "Image", "Grade", "Python"))
    return " · ".join(str(one) for one in known if one)


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
