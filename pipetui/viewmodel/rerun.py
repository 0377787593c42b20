"""A rerun being put together: scope, parameters and edits; its plan and its command line."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel import deeds
from pipetui.viewmodel.deeds import shown
from pipetui.viewmodel.detail import NAMES
from pipetui.viewmodel.lines import BLANK, Column, Line, Row, Span, Tone, text_of, words, wrap
from pipetui.viewmodel.secrets import masked

if TYPE_CHECKING:
    from engine.api import ParameterView, PlannedStep, PlanView, StepView

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
    Column("", 10, grow=2, keep=2),
)
_KIND = 1
_KINDS = (
    (re.compile(r"HyperParameters\b"), "hyper"),
    (re.compile(r"Environment\b"), "env"),
    (re.compile(r"(ProcessingInputs|InputDataConfig|ModelInput|TransformInput)\b"), "input"),
    (re.compile(r"(ProcessingOutputConfig|OutputDataConfig|TransformOutput)\b"), "output"),
)
AT_ONCE = "max-parallel"
_GROUPS = {"parameter": "parameters", "argument": "arguments", "run": "run"}
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One value that can be edited: a parameter, a leaf of the step's arguments, or of the run."""

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

    @property
    def group(self) -> str:
        """What it is, in a word: an argument may be an input, a hyperparameter ..."""
        if self.kind == "argument":
            found = (word for pattern, word in _KINDS if pattern.match(self.name))
            return next(found, self.kind)
        return self.kind

    @property
    def secret(self) -> bool:
        """Whether its value is not shown."""
        return masked(self.name, "x") != "x"


@dataclass(frozen=True, slots=True)
class Draft:
    """A rerun as it stands.

    Args:
        step: where it starts, and whose arguments are among the fields; empty for none.
        changed: a field's key -> its new value.
        others: edits of the arguments of other steps, by step and path.
        file: the definition file where it changed since; then it can be run instead.
    """

    execution_id: str
    step: str
    scope: str
    fields: tuple[Field, ...] = ()
    changed: Mapping[str, Any] = field(default_factory=dict)
    file: str = ""
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes to choose from."""
        known = SCOPES if self.step else ("whole", "failed")
        return ("new", *known) if self.file else known

    @property
    def asked(self) -> tuple[str, str, str, Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
        """What a rerun is asked with: execution, scope, step, parameters and edits."""
        return self.execution_id, self.scope, self.step, self.parameters, self.edits

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

    def with_step(self, step: StepView | None) -> Draft:
        """The draft with another step to start from; what was edited in the one before stays."""
        others: dict[str, Mapping[str, Any]] = dict(self.edits)
        edits = others.pop(step.name, {}) if step else {}
        kept = [one for one in self.fields if one.kind != "argument"]
        at = next((at for at, one in enumerate(kept) if one.kind == "run"), len(kept))
        kept[at:at] = arguments_of(step.arguments if step else None)
        changed = {key: value for key, value in self.changed.items() if _kind(key) != "argument"}
        changed.update((f"argument {path}", value) for path, value in edits.items())
        draft = replace(
            self,
            step=step.name if step else "",
            fields=tuple(kept),
            changed=changed,
            others=others,
        )
        return draft if self.scope in draft.scopes else replace(draft, scope=draft.scopes[0])

    @property
    def goes_on(self) -> bool:
        """Whether the same execution goes on, as there is nothing new to it."""
        return self.scope == "failed" and not (self.parameters or self.edits)

    @property
    def max_parallel(self) -> int:
        """How many steps run at once; 0 leaves it as it was."""
        return int(self.changed.get(f"run {AT_ONCE}", 0))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that were changed."""
        return self._changed("parameter")

    @property
    def edits(self) -> dict[str, Mapping[str, Any]]:
        """The arguments that were changed, by step and path; those of the step in sight first."""
        values = self._changed("argument")
        return {**({self.step: values} if values else {}), **self.others}

    def _changed(self, kind: str) -> dict[str, Any]:
        return {
            one.name: self.changed[one.key]
            for one in self.fields
            if one.kind == kind and one.key in self.changed
        }


def _kind(key: str) -> str:
    return key.partition(" ")[0]


def arguments_of(arguments: Any) -> list[Field]:
    """All that can be edited in a step's arguments."""
    return [Field("argument", path, leaf) for path, leaf in leaves(arguments)]


def fields(
    parameters: Sequence[ParameterView],
    values: Mapping[str, Any],
    arguments: Any,
    max_parallel: int | None = None,
) -> tuple[Field, ...]:
    """All that can be edited: parameters with the values of the execution, arguments, the run.

    Args:
        max_parallel: steps at once, 0 for the host's default; None leaves it out of the form.
    """
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
    found += arguments_of(arguments)
    if max_parallel is not None:
        note = "Integer  steps at once" if max_parallel else "Integer  steps at once; 0: the host's"
        found.append(Field("run", AT_ONCE, max_parallel, "Integer", note=note))
    return tuple(found)


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
            number = int(text)
            if known.kind == "run" and number < 0:
                raise ValueError("it is 0 or more")
            return number
        if kind in ("Float", "float"):
            return float(text)
    except ValueError as problem:
        if known.kind == "run" and str(problem).startswith("it is"):
            raise
        word = "a whole number" if kind in ("Integer", "int") else "a number"
        raise ValueError(f"{text!r} is not {word}") from None
    if kind in ("Boolean", "bool"):
        if text.lower() not in ("true", "false"):
            raise ValueError("it is true or false")
        return text.lower() == "true"
    return text


def rows(draft: Draft, *, clear: bool = False) -> list[Row]:
    """The form.

    Args:
        clear: secrets are shown.
    """
    found = []
    for one in draft.fields:
        edited = one.key in draft.changed
        value = masked(one.name, shown(draft.changed.get(one.key, one.value)), clear=clear)
        was = masked(one.name, shown(one.value), clear=clear) or "empty"
        note = f"was {was}" if edited else one.note
        found.append(
            Row(
                one.key,
                (
                    words("*" if edited else "", Tone.ACCENT),
                    words(one.group, Tone.DIM),
                    words(one.name),
                    words(value, Tone.ACCENT if edited else Tone.PLAIN),
                    words(note, Tone.FAINT),
                ),
                f"{one.group} {one.name} {value}",
            )
        )
    return found


def grouped(found: Sequence[Row]) -> list[Row]:
    """Rows whose kind is said where it changes, not on every line.

    Args:
        found: in the order in which they are shown.
    """
    kinds = [text_of(row.cells[_KIND]) for row in found]
    return [
        row
        if kind != before
        else replace(row, cells=(*row.cells[:_KIND], BLANK, *row.cells[_KIND + 1 :]))
        for row, kind, before in zip(found, kinds, ["", *kinds], strict=False)
    ]


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


def deed(draft: Draft) -> deeds.Deed:
    """The command that does the same."""
    if draft.goes_on:
        return deeds.Deed(deeds.retry(draft.execution_id, draft.max_parallel))
    if draft.scope == "new":
        return deeds.Deed(deeds.run(draft.file, draft.parameters, draft.max_parallel))
    return deeds.Deed(deeds.rerun(*draft.asked, draft.max_parallel))


def command_line(draft: Draft) -> str:
    """The command that does the same, as a shell reads it."""
    return deed(draft).command


def command_lines(draft: Draft, width: int, *, clear: bool = False) -> list[Line]:
    """The command to be seen: what is secret is masked, unless secrets are shown."""
    done = deed(draft)
    return wrap(done.command if clear else done.seen, width, Tone.DIM, indent=" ")


_ACTIONS = ("refused", "run", "cached", "reused", "skipped")
"""What becomes of a step, the most telling first."""
_ACTION, _STEP = 9, 28


def plan_lines(plan: PlanView | None, trouble: str, width: int) -> list[Line]:
    """What would run, in numbers, and what stands against it."""
    if trouble:
        return wrap(trouble, width, Tone.BAD, indent=" ")
    if plan is None:
        return [words(" planning", Tone.FAINT)]
    counts = Counter(map(_becomes, plan.steps))
    told = " · ".join(f"{counts[name]} {name}" for name in sorted(counts, key=_order))
    lines: list[Line] = [words(f" {told}", Tone.STRONG)]
    again = [step.name for step in plan.steps if step.local_retry]
    if again:
        told = f"LOCAL ONLY: failed user code of {', '.join(again)} runs again (Local.USER_CODE)"
        lines += wrap(told, width, Tone.WAIT, indent=" ")
    for problem in plan.problems:
        tone = Tone.WAIT if problem.warning else Tone.BAD
        lines += wrap(sentences(problem.message, problem.hint), width, tone, indent=" ")
    return lines


def _becomes(step: PlannedStep) -> str:
    return "refused" if step.refused else step.action


def _order(action: str) -> int:
    return _ACTIONS.index(action) if action in _ACTIONS else len(_ACTIONS)


def reason_lines(plan: PlanView | None, width: int) -> list[Line]:
    """Two columns: each step below what becomes of it, beside why."""
    if plan is None:
        return []
    longest = max((len(step.name) for step in plan.steps), default=0)
    names = max(4, min(_STEP, width // 3, longest))
    left = 1 + _ACTION + names + 2
    lines: list[Line] = [BLANK]
    before = ""
    for step in sorted(plan.steps, key=lambda step: _order(_becomes(step))):
        action = _becomes(step)
        tone = Tone.BAD if step.refused else Tone.ACCENT if action == "run" else Tone.DIM
        why = (step.local_retry, step.refused or step.reason, step.stand_in)
        wrapped = wrap("  ".join(filter(None, why)), max(20, width - left), Tone.DIM) or [BLANK]
        head = f" {'' if action == before else action:<{_ACTION}}"
        name = step.name if len(step.name) <= names else "…" + step.name[1 - names :]
        lines.append((Span(head, tone), Span(f"{name:<{names}}  "), *wrapped[0]))
        lines += [(Span(" " * left), *line) for line in wrapped[1:]]
        before = action
    return lines


def sentences(message: str, hint: str) -> str:
    """What is wrong and what to do about it, as two sentences."""
    if not hint:
        return message
    return f"{message} {hint}" if message.endswith((".", "!", "?")) else f"{message}. {hint}"


def works(plan: PlanView) -> bool:
    """Whether a plan can be run."""
    return all(problem.warning for problem in plan.problems)


def document(draft: Draft, *, clear: bool = False) -> str:
    """The form as JSON, for an editor; secrets are masked, unless they are shown."""
    values: dict[str, dict[str, Any]] = {"parameters": {}, "arguments": {}}
    for one in draft.fields:
        value = draft.changed.get(one.key, one.value)
        shown_value = masked(one.name, shown(value)) if one.secret and not clear else value
        values.setdefault(_GROUPS[one.kind], {})[one.name] = shown_value
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


def from_document(draft: Draft, text: str) -> Draft:
    """The draft with the values of an edited document.

    Errors: ``ValueError`` with a sentence.
    """
    try:
        values = json.loads(text)
    except ValueError as problem:
        raise ValueError(f"that is not JSON: {problem}") from None
    known = {one.key: one for one in draft.fields}
    for kind, group in _GROUPS.items():
        part = values.get(group, {}) if isinstance(values, dict) else None
        if not isinstance(part, dict):
            raise ValueError(f'"{group}" is not an object')
        for name, value in part.items():
            key = f"{kind} {name}"
            if key not in known:
                raise ValueError(f"{name} is not one of the {group}")
            if kind == "run":
                value = parse(shown(value), known[key])
            before = shown(draft.changed.get(key, known[key].value))
            if not (known[key].secret and value == masked(name, before)):
                draft = draft.with_value(key, value)
    return draft
