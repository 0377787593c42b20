"""What differs between two executions, or since the last green run of a step, as lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from pipetui.viewmodel.growth import grown
from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, heading, words
from pipetui.viewmodel.secrets import masked

if TYPE_CHECKING:
    from engine.api import Area, Difference, ExecutionDifference

_TITLES = {
    "status": "STATUS",
    "parameters": "PARAMETERS",
    "definition": "DEFINITION",
    "code": "CODE",
    "inputs": "INPUT DATA",
    "environment": "ENVIRONMENT",
    "arguments": "ARGUMENTS",
    "metrics": "METRICS",
    "duration": "DURATION (seconds)",
}
_NAMES, _VALUES = 44, 28


def execution_lines(found: ExecutionDifference, width: int, *, clear: bool = False) -> list[Line]:
    """All that differs, area after area; areas that are the same in one line at the end.

    Args:
        clear: secrets are shown.
    """
    lines: list[Line] = []
    for area, group in groupby(found.differences, key=lambda one: one.area):
        several = list(group)
        lines += [heading(_TITLES[area]), *difference_lines(several, width, clear=clear), BLANK]
    if not found.differences:
        lines += [words(" Nothing differs.", Tone.STRONG), BLANK]
    if found.same:
        lines.append(same_line(found.same))
    return lines


def same_line(areas: Iterable[Area]) -> Line:
    """``same  parameters · code · environment``"""
    return (Span(" same   ", Tone.DIM), Span(" · ".join(areas), Tone.GOOD))


def _seen(one: Difference) -> Difference:
    """A difference with masks for values whose names say that they are secret."""
    content = one.content
    if content is not None and content.values:
        values = tuple(
            replace(
                value,
                before=masked(value.path, str(value.before)),
                now=masked(value.path, str(value.now)),
            )
            for value in content.values
        )
        content = replace(content, values=values)
    before, now = masked(one.name, one.before), masked(one.name, one.now)
    return replace(one, before=before, now=now, content=content)


def difference_lines(
    several: Sequence[Difference], width: int, *, clear: bool = False
) -> list[Line]:
    """Some differences, a line for each, with what differs inside of files below it.

    Args:
        clear: secrets are shown.
    """
    lines: list[Line] = []
    if not clear:
        several = [_seen(one) for one in several]
    names = min(_NAMES, max(len(_name(one)) for one in several))
    values = max(8, min(_VALUES, (width - names - 12) // 2))
    for one in several:
        lines.append(_line(one, names, values))
        lines += content_lines(one, indent=names + 5)
    return lines


def _name(one: Difference) -> str:
    """What differs, with the step it belongs to."""
    return f"{one.step}  {one.name}" if one.step else one.name


def _line(one: Difference, names: int, values: int) -> Line:
    before, now = (_short(one, text) for text in (one.before, one.now))
    mark = {"only now": "+", "only before": "-"}.get(one.change, "~")
    tone = {"+": Tone.GOOD, "-": Tone.BAD}.get(mark, Tone.WAIT)
    return (
        Span(f" {mark} ", tone),
        Span(f"{_tail(_name(one), names):<{names}}  ", Tone.PLAIN),
        Span(f"{_cut(before, values):>{values}}", Tone.DIM),
        Span(" → ", Tone.FAINT),
        Span(_cut(now, values), Tone.STRONG),
        Span(f"  {_growth(one)}".rstrip(), Tone.DIM),
    )


def _short(one: Difference, text: str) -> str:
    """A metric to six digits, as it stands elsewhere."""
    if one.area != "metrics":
        return text
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text


def _growth(one: Difference) -> str:
    """How much a number grew; empty for what is none."""
    if one.area not in ("metrics", "duration", "parameters"):
        return ""
    try:
        return grown(float(one.before), float(one.now))
    except ValueError:
        return ""


def content_lines(one: Difference, indent: int, most: int = 12) -> list[Line]:
    """How the contents of a file differ, in a few lines."""
    content = one.content
    if content is None:
        return []
    space = " " * min(indent, 12)
    lines: list[Line] = []
    table = content.table
    if table is not None:
        columns = [f"-{name}" for name in table.columns_removed]
        columns += [f"+{name}" for name in table.columns_added]
        rows = f"{table.rows_before:,} → {table.rows_now:,} rows"
        told = f"columns {' '.join(columns)}   {rows}" if columns else rows
        lines.append(words(space + told, Tone.STRONG))
        lines += [
            words(f"{space}row {cell.row} {cell.column}: {cell.before} → {cell.now}", Tone.DIM)
            for cell in table.cells[:3]
        ]
    for value in content.values[:most]:
        lines.append(words(f"{space}{value.path}: {value.before} → {value.now}", Tone.DIM))
    for text in content.lines[:most]:
        tone = {"+": Tone.GOOD, "-": Tone.BAD, "@": Tone.FAINT}.get(text[:1], Tone.DIM)
        lines.append(words(space + text, tone))
    if content.members is not None:
        lines += [
            words(f"{space}{member.change}: {member.name}", Tone.DIM)
            for member in content.members.differing[:most]
        ]
    if content.note:
        lines.append(words(space + content.note, Tone.FAINT))
    return lines


def since_lines(
    found: Sequence[Difference],
    green: str,
    unseen: Sequence[str],
    width: int,
    *,
    clear: bool = False,
) -> list[Line]:
    """What differs since a step's last green run, most telling first.

    Args:
        green: the run, in words; empty where there is none.
        unseen: lines of the log whose like no green run has logged.
        clear: secrets are shown.
    """
    if not green:
        return [BLANK, words(" SINCE   no earlier run of this step succeeded", Tone.DIM)]
    last = Span(f"the last run that succeeded, {green}", Tone.STRONG)
    lines = [BLANK, (Span(" SINCE   ", Tone.DIM), last)]
    told = [one for one in found if one.area not in ("metrics", "duration", "status")]
    told = told if clear else [_seen(one) for one in told]
    for one in told[:12]:
        lines += [_line(one, min(_NAMES, width // 3), _VALUES), *content_lines(one, 9, most=8)]
    if len(told) > 12:
        lines.append(words(f"   and {len(told) - 12} more: = compares the executions", Tone.DIM))
    asked = ("code", "inputs", "environment", "arguments")
    areas = {str(one.area) for one in told}
    same = [area for area in asked if area not in areas]
    if same:
        lines.append((Span("   same  ", Tone.DIM), Span(" · ".join(same), Tone.GOOD)))
    if unseen:
        count = f"{len(unseen)} line{'s' if len(unseen) > 1 else ''} that run never logged"
        lines += [BLANK, (Span(" NEW     ", Tone.DIM), Span(count, Tone.STRONG))]
        lines += [words(f"   {text}") for text in unseen[:8]]
    return lines


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _tail(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]
