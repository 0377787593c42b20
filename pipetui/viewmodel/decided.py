"""Which conditions led to a step, or away from it: what was compared, and where each value is from.

A Condition step keeps the values it compared; the expressions behind them stand in the definition.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, heading, text_of, words, wrap
from pipetui.viewmodel.state import Display

if TYPE_CHECKING:
    from engine.api import Graph, StepView

_SYMBOLS = {
    "GreaterThan": ">",
    "GreaterThanOrEqualTo": ">=",
    "LessThan": "<",
    "LessThanOrEqualTo": "<=",
    "Equals": "=",
    "NotEquals": "!=",
    "In": "in",
    "NotIn": "not in",
}
_INDENT = "     "


@dataclass(frozen=True, slots=True)
class Decision:
    """A Condition step that decided something.

    Args:
        conditions: as written in the definition.
        files: step and name of a property file -> the file's path in its output.
    """

    step: StepView
    conditions: Sequence[Any] = ()
    files: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def compared(self) -> list[Any]:
        """What came out of each condition; without a result where nobody kept it."""
        if self.step.compared:
            return list(self.step.compared)
        arguments = self.step.arguments if isinstance(self.step.arguments, Mapping) else {}
        resolved = arguments.get("Conditions") or ()
        sure = self.step.outcome or len(resolved) == 1
        return [_unkept(one, self.step.outcome if sure else None) for one in resolved]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a compared value is from.

    Args:
        name: short, to stand beside the value; empty for a literal.
        place: in full.
    """

    name: str = ""
    place: str = ""


def _unkept(condition: Mapping[str, Any], result: bool | None) -> dict[str, Any]:
    """A resolved condition as a Condition step keeps it."""
    if condition.get("Type") in ("Not", "Or"):
        inner = condition.get("Conditions") or [condition.get("Condition") or {}]
        return {"Result": result, "Parts": [_unkept(one, None) for one in inner]}
    left, right = _sides(condition)
    return {"Result": result, "Left": left, "Right": right}


def deciders(step: StepView, steps: Mapping[str, StepView], graph: Graph) -> list[str]:
    """The Condition steps that led to a step or away from it, the nearest first.

    A step that was skipped because of another one is told by that one's conditions.
    """
    parents = {node.name: node.parent for node in graph.nodes}
    found = [step.name] if step.type == "Condition" and step.outcome is not None else []
    for name in _skipped_before(step, steps, graph):
        while name := parents.get(name, ""):
            known = steps.get(name)
            if known and known.type == "Condition" and known.outcome is not None:
                found.append(name)
    return list(dict.fromkeys(found))


def _skipped_before(step: StepView, steps: Mapping[str, StepView], graph: Graph) -> Iterator[str]:
    """The step, and for a skipped one those before it that were skipped as well."""
    waiting, seen = [step.name], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        yield name
        if name in steps and steps[name].status == "Skipped":
            waiting += [
                edge.source
                for edge in graph.edges
                if edge.target == name
                and edge.source in steps
                and steps[edge.source].status == "Skipped"
            ]


def property_files(conditions: Any) -> set[tuple[str, str]]:
    """Step and name of each property file that conditions read."""
    found: set[tuple[str, str]] = set()
    waiting = [conditions]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            text = str((value.get("PropertyFile") or {}).get("Get", "")) if value else ""
            if text:
                found.add(_of_file(text))
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
    return found


def sentence(step: StepView, decision: Decision, branch: str) -> str:
    """How a Condition's outcome bears on a step.

    Args:
        branch: ``if`` or ``else``, where the step stands in that branch itself.
    """
    by, came = decision.step, f"came out {decision.step.outcome}"
    if by.name == step.name:
        return f"It {came}, so the {'if' if by.outcome else 'else'} branch was taken."
    if branch:
        return f"{step.name} is in the {branch} branch of {by.name}, which {came}."
    return f"{step.name} depends on {by.name}, which {came}."


def decision_lines(
    step: StepView,
    decisions: Sequence[Decision],
    branches: Mapping[str, str],
    width: int,
    display: Display,
) -> list[Line]:
    """The conditions that led to a step or away from it, with the values they compared.

    Args:
        branches: step -> ``if`` or ``else``, for steps that stand in a branch.
    """
    lines: list[Line] = []
    told = step
    for decision in decisions:
        lines += [BLANK, heading("DECIDED BY " + decision.step.name)]
        branch = branches.get(told.name, "")
        lines += wrap(sentence(told, decision, branch), width - 3, indent="   ")
        lines += list(_conditions(decision, width, display))
        told = decision.step
    return lines


def spoken(step: StepView, decision: Decision, branches: Mapping[str, str]) -> list[str]:
    """The same as sentences, without a column or a glyph."""
    told = [sentence(step, decision, branches.get(step.name, ""))]
    for condition, compared in zip(decision.conditions, decision.compared, strict=False):
        for each, result in _flat(condition, compared):
            told.append(f"{text_of(_told(each, result, decision.files))}.")
    return told


def _conditions(decision: Decision, width: int, display: Display) -> Iterator[Line]:
    compared = decision.compared
    if not compared:
        for text in decision.step.note.split("; "):
            yield from wrap(text, width - 3, indent=_INDENT)
        return
    if len(compared) > 1:
        yield words("   It is true where all of these hold:", Tone.DIM)
    for condition, result in zip(decision.conditions, compared, strict=False):
        for each, one in _flat(condition, result):
            yield from _comparison(each, one, decision.files, width, display)


def _comparison(
    condition: Mapping[str, Any],
    compared: Mapping[str, Any],
    files: Mapping[tuple[str, str], str],
    width: int,
    display: Display,
) -> Iterator[Line]:
    good = compared.get("Result")
    sign = " " if good is None else display.glyph("Succeeded" if good else "Failed")
    mark = Span(sign, Tone.GOOD if good else Tone.BAD)
    yield (Span("   "), mark, Span(" "), *_told(condition, compared, files))
    for origin, value in zip(_origins(condition, files), _values(compared), strict=False):
        if origin.place:
            for index, line in enumerate(wrap(origin.place, width - 20)):
                yield (Span(f"{_INDENT}{'' if index else value:>10}  ", Tone.DIM), *line)


def _told(
    condition: Mapping[str, Any],
    compared: Mapping[str, Any],
    files: Mapping[tuple[str, str], str],
) -> Line:
    """``evaluation.json auc 0.71 >= 0.8 is False``"""
    known = compared.get("Result")
    result = () if known is None else (Span(" is "), Span(str(known), Tone.STRONG))
    if "Parts" in compared:
        name = "that the next holds not" if condition.get("Type") == "Not" else "any of the next"
        return (Span(name), *result)
    (left, right), (first, second) = _origins(condition, files), _values(compared)
    symbol = _SYMBOLS.get(str(condition.get("Type")), "?")
    return (
        Span(f"{left.name} " if left.name else "", Tone.DIM),
        Span(first, Tone.STRONG),
        Span(f" {symbol} ", Tone.DIM),
        Span(f"{right.name} " if right.name else "", Tone.DIM),
        Span(second, Tone.STRONG),
        *result,
    )


def _flat(condition: Any, compared: Any) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """A condition and those inside of it, each with what came out."""
    waiting = [(condition, compared)]
    while waiting:
        one, result = waiting.pop(0)
        if not isinstance(one, Mapping) or not isinstance(result, Mapping):
            continue
        yield one, result
        inner = one.get("Conditions") or [one.get("Condition")]
        waiting = [*zip(inner, result.get("Parts", ()), strict=False), *waiting]


def _values(compared: Mapping[str, Any]) -> tuple[str, str]:
    shown = (json.dumps(compared.get(side), ensure_ascii=False) for side in ("Left", "Right"))
    first, second = (text if len(text) <= 60 else f"{text[:59]}…" for text in shown)
    return first, second


def _origins(
    condition: Mapping[str, Any], files: Mapping[tuple[str, str], str]
) -> tuple[Origin, Origin]:
    left, right = _sides(condition)
    return origin(left, files), origin(right, files)


def _sides(condition: Mapping[str, Any]) -> tuple[Any, Any]:
    """Both sides of a comparison, in the SDK's spelling or in that of the official schema."""
    left = condition.get("LeftValue", condition.get("QueryValue", condition.get("Value")))
    return left, condition.get("RightValue", condition.get("Values", condition.get("In")))


def origin(expression: Any, files: Mapping[tuple[str, str], str]) -> Origin:
    """Where the value of an expression is from; nothing to tell of a literal."""
    match expression:
        case {"Get": str(text)}:
            return _of_get(text)
        case {"Std:JsonGet": {"PropertyFile": {"Get": str(text)}, "Path": str(path)}}:
            step, name = _of_file(text)
            file = files.get((step, name), name)
            return Origin(
                f"{file.rsplit('/', 1)[-1]} {_last(path)}",
                f"{path} in {file} of step {step} (property file {name})",
            )
        case {"Std:JsonGet": {"S3Uri": uri, "Path": str(path)}}:
            place = origin(uri, files).place or "a file in S3"
            return Origin(_last(path), f"{path} in the file at {place}")
        case {"Std:Join": _}:
            return Origin("", "joined of several values")
    return Origin()


def _of_get(text: str) -> Origin:
    root, _, rest = text.partition(".")
    match root:
        case "Parameters":
            return Origin(rest, f"parameter {rest}")
        case "Steps":
            step, _, member = rest.partition(".")
            return Origin(_last(member), f"{member} of step {step}")
        case "Execution":
            return Origin(rest, f"execution variable {rest}")
    return Origin(text, text)


def _of_file(text: str) -> tuple[str, str]:
    """Step and name in ``Steps.<step>.PropertyFiles.<name>``."""
    step, _, name = text.removeprefix("Steps.").partition(".PropertyFiles.")
    return step, name


def _last(path: str) -> str:
    """The member that names a number: the last one, or the one that holds a ``value``."""
    parts = [part for part in path.replace("['", ".").replace("']", "").split(".") if part]
    named = [part for part in parts if part not in ("value", "Value")]
    return (named or parts or [path])[-1]
