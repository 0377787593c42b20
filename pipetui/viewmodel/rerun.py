"""A rerun being put together: scope, parameters and edits; its plan and its command line."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.detail import NAMES, masked
from pipetui.viewmodel.lines import BLANK, Column, Line, Row, Span, Tone, words, wrap

if TYPE_CHECKING:
    from engine.api import ParameterView, PlanView

SCOPES = ("whole", "from", "only", "failed")
_SCOPE_WORDS = {
    "new": "new definition",
    "whole": "whole",
    "from": "from here",
    "only": "only this",
    "failed": "failed only",
}
COLUMNS = (
    Column("", 1),
    Column("KIND", 9, keep=4),
    Column("NAME", 16, grow=2, most=60, tail=True),
    Column("VALUE", 16, grow=3, tail=True),
    Column("", 10, grow=1, keep=2),
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One value that can be edited: a parameter, or a leaf of the step's arguments."""

    kind: str
    name: str
    value: Any
    type: str = ""
    choices: tuple[Any, ...] = ()
    note: str = ""

    @property
    def key(self) -> str:
        """What tells it from every other field."""
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A rerun as it stands.

    Args:
        changed: a field's key -> its new value.
        file: the definition file where it changed since; then it can be run instead.
    """

    execution_id: str
    step: str
    scope: str
    fields: tuple[Field, ...] = ()
    changed: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes to choose from."""
        known = SCOPES if self.step else ("whole", "failed")
        return ("new", *known) if self.file else known

    def with_value(self, key: str, value: Any) -> Draft:
        """The draft with one field set; setting what stood there takes the change back."""
        changed = {name: kept for name, kept in self.changed.items() if name != key}
        known = next(one for one in self.fields if one.key == key)
        if value != known.value:
            changed[key] = value
        return replace(self, changed=changed)

    def with_scope(self, direction: int) -> Draft:
        """The next or previous scope."""
        at = (self.scopes.index(self.scope) + direction) % len(self.scopes)
        return replace(self, scope=self.scopes[at])

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that were changed."""
        return self._changed("parameter")

    @property
    def edits(self) -> dict[str, dict[str, Any]]:
        """The step's arguments that were changed, by path."""
        values = self._changed("argument")
        return {self.step: values} if values else {}

    def _changed(self, kind: str) -> dict[str, Any]:
        return {
            one.name: self.changed[one.key]
            for one in self.fields
            if one.kind == kind and one.key in self.changed
        }


def fields(
    parameters: Sequence[ParameterView], values: Mapping[str, Any], arguments: Any
) -> tuple[Field, ...]:
    """All that can be edited: parameters with the values of the execution, then arguments."""
    found = [
        Field(
            "parameter",
            one.name,
            values.get(one.name, one.default),
            type=one.type,
            choices=tuple(one.choices),
            note=_about(one),
        )
        for one in parameters
    ]
    return (*found, *(Field("argument", path, leaf) for path, leaf in leaves(arguments)))


def _about(parameter: ParameterView) -> str:
    parts = [parameter.type]
    if parameter.choices:
        parts.append("one of " + ", ".join(str(choice) for choice in parameter.choices))
    if parameter.description:
        parts.append(parameter.description)
    return "  ".join(parts)


def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Path and value of every text, number and truth value, but for the names of list items."""
    if isinstance(value, Mapping):
        naming = next((key for key in NAMES if path and key in value), "")
        return [
            pair
            for key, item in value.items()
            if key != naming
            for pair in leaves(item, _child(path, key))
        ]
    if isinstance(value, list):
        names = [_item_key(item) for item in value]
        found = []
        for index, (name, item) in enumerate(zip(names, value, strict=True)):
            unique = name and names.count(name) == 1
            found += leaves(item, f'{path}["{name}"]' if unique else f"{path}[{index}]")
        return found
    return [(path, value)] if path else []


def _child(path: str, key: str) -> str:
    if _PLAIN_NAME.fullmatch(key):
        return f"{path}.{key}" if path else key
    return f'{path}["{key}"]'


def _item_key(item: Any) -> str:
    if isinstance(item, Mapping):
        for name in NAMES:
            text = item.get(name)
            if isinstance(text, str) and '"' not in text:
                return text
    return ""


def parse(text: str, known: Field) -> Any:
    """The value a person typed for a field, in the type of what stands there.

    Errors: ``ValueError`` with a sentence.
    """
    if known.choices:
        for choice in known.choices:
            if text == str(choice):
                return choice
        raise ValueError("it is one of " + ", ".join(str(choice) for choice in known.choices))
    kind = known.type or type(known.value).__name__
    try:
        if kind in ("Integer", "int"):
            return int(text)
        if kind in ("Float", "float"):
            return float(text)
    except ValueError:
        word = "a whole number" if kind in ("Integer", "int") else "a number"
        raise ValueError(f"{text!r} is not {word}") from None
    if kind in ("Boolean", "bool"):
        if text.lower() not in ("true", "false"):
            raise ValueError("it is true or false")
        return text.lower() == "true"
    return text


def shown(value: Any) -> str:
    """A value as the form shows it and as ``parse`` reads it."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def rows(draft: Draft) -> list[Row]:
    """The form."""
    found = []
    for one in draft.fields:
        edited = one.key in draft.changed
        value = masked(one.name, shown(draft.changed.get(one.key, one.value)))
        was = masked(one.name, shown(one.value)) or "empty"
        note = f"was {was}" if edited else one.note
        found.append(
            Row(
                one.key,
                (
                    words("*" if edited else "", Tone.ACCENT),
                    words(one.kind, Tone.DIM),
                    words(one.name),
                    words(value, Tone.ACCENT if edited else Tone.PLAIN),
                    words(note, Tone.FAINT),
                ),
                f"{one.kind} {one.name} {value}",
            )
        )
    return found


def scope_line(draft: Draft, unicode: bool = True) -> Line:
    """``( ) whole  (•) from here  ( ) only this  ( ) failed only``."""
    dot = "•" if unicode else "*"
    spans: list[Span] = []
    for scope in draft.scopes:
        chosen = scope == draft.scope
        spans.append(
            Span(
                f"({dot if chosen else ' '}) {_SCOPE_WORDS[scope]}  ",
                Tone.ACCENT if chosen else Tone.DIM,
            )
        )
    return tuple(spans)


def command_line(draft: Draft) -> str:
    """The command that does the same."""
    if draft.scope == "failed" and not draft.changed:
        return f"pipetui retry {draft.execution_id}"
    parts = ["pipetui", "run", draft.file]
    if draft.scope != "new":
        parts = ["pipetui", "rerun", draft.execution_id]
        if draft.step and (draft.scope in ("from", "only") or draft.edits):
            parts.append(draft.step)
        parts += ["--scope", draft.scope]
    for name, value in draft.parameters.items():
        parts += ["-p", f"{name}={shown(value)}"]
    for edits in draft.edits.values():
        for path, value in edits.items():
            parts += ["--set", f"{path}={shown(value)}"]
    return shlex.join(parts)


def plan_lines(plan: PlanView | None, trouble: str, width: int) -> list[Line]:
    """What would run and why, in a few lines."""
    if trouble:
        return wrap(trouble, width, Tone.BAD, indent=" ")
    if plan is None:
        return [words(" planning", Tone.FAINT)]
    groups: dict[str, list[str]] = {}
    for step in plan.steps:
        groups.setdefault("refused" if step.refused else step.action, []).append(step.name)
    order = [name for name in ("run", "reused", "cached", "skipped", "refused") if name in groups]
    lines: list[Line] = []
    for name in order:
        names = groups[name]
        text = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        wrapped = wrap(text, max(20, width - 12))
        for index, line in enumerate(wrapped):
            label = f" {name} {len(names)}" if not index else ""
            lines.append((Span(f"{label:<12}", Tone.DIM), *line))
    for problem in plan.problems:
        tone = Tone.WAIT if problem.warning else Tone.BAD
        lines += wrap(sentences(problem.message, problem.hint), width, tone, indent=" ")
    return lines or [BLANK]


def sentences(message: str, hint: str) -> str:
    """What is wrong and what to do about it, as two sentences."""
    if not hint:
        return message
    return f"{message} {hint}" if message.endswith((".", "!", "?")) else f"{message}. {hint}"


def works(plan: PlanView) -> bool:
    """Whether a plan can be run."""
    return all(problem.warning for problem in plan.problems)


def document(draft: Draft) -> str:
    """The form as JSON, for an editor."""
    values: dict[str, dict[str, Any]] = {"parameters": {}, "arguments": {}}
    for one in draft.fields:
        values[f"{one.kind}s"][one.name] = draft.changed.get(one.key, one.value)
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def from_document(draft: Draft, text: str) -> Draft:
    """The draft with the values of an edited document.

    Errors: ``ValueError`` with a sentence.
    """
    try:
        values = json.loads(text)
    except ValueError as problem:
        raise ValueError(f"that is not JSON: {problem}") from None
    known = {one.key for one in draft.fields}
    for group in ("parameters", "arguments"):
        part = values.get(group, {}) if isinstance(values, dict) else None
        if not isinstance(part, dict):
            raise ValueError(f'"{group}" is not an object')
        for name, value in part.items():
            key = f"{group[:-1]} {name}"
            if key not in known:
                raise ValueError(f"{name} is not one of the {group}")
            draft = draft.with_value(key, value)
    return draft
