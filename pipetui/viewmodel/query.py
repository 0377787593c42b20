"""What is typed to find executions and steps: ``status:failed param:eta>0.1 !pipeline:nightly``.

Terms stand beside each other and all have to hold. What is no known key is text, as in every
other list: a regular expression, or letters in order behind ``~``. A term that cannot be understood
is named and left out, so that a list never jumps while somebody types.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.executions import step_seconds, took
from pipetui.viewmodel.filters import Filter
from pipetui.viewmodel.state import execution_state, step_state
from pipetui.viewmodel.times import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    from engine.api import ExecutionView, StepView

EXECUTION_KEYS = ("status", "pipeline", "param", "took", "started", "step", "by")
STEP_KEYS = ("status", "type", "took")
_TERM = re.compile(r"([a-z]+)(:|>=|<=|>|<)(.*)", re.DOTALL)
_COMPARISON = re.compile(r"(.+?)(>=|<=|!=|>|<|=)(.*)", re.DOTALL)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")
_SECONDS = {"ms": 0.001, "s": 1, "": 1, "m": MINUTE, "h": HOUR, "d": DAY}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}
_TIMES = ("took", "started")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition.

    Args:
        key: one of the known keys; empty for text.
        operation: ``:`` or a comparison; empty for text.
        value: the text, without its quotes.
    """

    key: str
    operation: str
    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All conditions, and what is wrong with those that were left out."""

    terms: tuple[Term, ...] = ()
    problem: str = ""

    def asks(self, key: str) -> bool:
        """Whether a condition is about a key."""
        return any(term.key == key for term in self.terms)

    def keeps_execution(
        self, one: ExecutionView, search: str, now: float, active: Collection[str] = ()
    ) -> bool:
        """Whether an execution stays in the list.

        Args:
            search: the text of its row.
            active: names of its steps that run or failed.
        """

        def holds(term: Term) -> bool:
            match term.key:
                case "status":
                    return _is_one_of(term.value, (one.status, execution_state(one).word))
                case "pipeline":
                    return _has(term.value, one.pipeline)
                case "by":
                    return _has(term.value, one.created_by)
                case "param":
                    return _has_parameter(term.value, one.parameters)
                case "took":
                    return _compares(term, took(one, now))
                case "started":
                    return _compares(term, now - one.created_at)
                case "step":
                    return any(_has(term.value, name) for name in (one.first_failed, *active))
            return Filter(term.value).matches(search)

        return self._holds(holds)

    def keeps_step(self, step: StepView, search: str, now: float) -> bool:
        """Whether a step stays in the list; ``search`` is the text of its row."""

        def holds(term: Term) -> bool:
            match term.key:
                case "status":
                    return _is_one_of(term.value, (step.status, step_state(step).word))
                case "type":
                    return _has(term.value, step.type)
                case "took":
                    seconds = step_seconds(step, now)
                    return seconds is not None and _compares(term, seconds)
            return Filter(term.value).matches(search)

        return self._holds(holds)

    def _holds(self, holds: Callable[[Term], bool]) -> bool:
        return all(holds(term) is not term.negated for term in self.terms)


def parse(text: str, keys: Collection[str] = EXECUTION_KEYS) -> Query:
    """What a person typed; whatever it is, it is read."""
    words, problem = _words(text)
    terms: list[Term] = []
    for word in words:
        negated = word.startswith("!")
        body = word.removeprefix("!")
        found = _TERM.fullmatch(body)
        if found is None or found[1] not in keys or (found[2] != ":") is not (found[1] in _TIMES):
            if value := _unquoted(body):
                terms.append(Term("", "", value, negated))
            continue
        term = Term(found[1], found[2], _unquoted(found[3]), negated)
        if wrong := _wrong(term):
            problem = problem or wrong
        else:
            terms.append(term)
    return Query(tuple(terms), problem)


def _words(text: str) -> tuple[list[str], str]:
    """The text cut at spaces outside of quotes, and whether a quote is left open."""
    words: list[str] = []
    word, quoted = "", False
    for char in text:
        if char == '"':
            quoted = not quoted
        if char.isspace() and not quoted:
            words.append(word)
            word = ""
        else:
            word += char
    words.append(word)
    return [one for one in words if one], 'a " is not closed' if quoted else ""


def _unquoted(text: str) -> str:
    return text.replace('"', "")


def _wrong(term: Term) -> str:
    """Why a term cannot be understood; empty where it can."""
    if term.key in _TIMES:
        if seconds(term.value) is None:
            return f"{term.key}{term.operation} needs a time: 90s, 5m, 2h, 1d"
    elif not term.value:
        return f"{term.key}: needs a value"
    elif term.key == "param" and (found := _COMPARISON.fullmatch(term.value)):
        if not found[3]:
            return f"param:{found[1]}{found[2]} needs a value"
        if found[2] not in ("=", "!=") and _number(found[3]) is None:
            return f"param:{found[1]}{found[2]} needs a number"
    return ""


def seconds(text: str) -> float | None:
    """``90``, ``90s``, ``5m``, ``1.5h`` or ``2d`` in seconds; None for anything else."""
    found = _DURATION.fullmatch(text.strip().lower())
    return float(found[1]) * _SECONDS[found[2] or ""] if found else None


def _compares(term: Term, value: float) -> bool:
    wanted = seconds(term.value)
    return wanted is not None and _COMPARE[term.operation](value, wanted)


def _has_parameter(text: str, parameters: Mapping[str, Any]) -> bool:
    found = _COMPARISON.fullmatch(text)
    if found is None:
        return any(_has(text, name) for name in parameters)
    name, compare, wanted = found[1].lower(), found[2], found[3]
    for known, value in parameters.items():
        if known.lower() == name:
            left, right = _number(value), _number(wanted)
            if left is not None and right is not None:
                return _COMPARE[compare](left, right)
            if compare in ("=", "!="):
                return _COMPARE[compare](_text(value), wanted.lower())
    return False


def _text(value: Any) -> str:
    return str(value).lower()


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _has(wanted: str, text: str) -> bool:
    return any(part in text.lower() for part in _parts(wanted))


def _is_one_of(wanted: str, states: Iterable[str]) -> bool:
    known = [state.lower() for state in states]
    return any(state.startswith(part) for part in _parts(wanted) for state in known)


def _parts(wanted: str) -> list[str]:
    """``failed,stopped`` is either."""
    return [part.strip() for part in wanted.lower().split(",") if part.strip()]
