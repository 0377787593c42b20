"""An answer to a Callback step as a person types it: ``NAME=VALUE ... -- comment``. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipetui.viewmodel.inbox import typed
from pipetui.viewmodel.rerun import Field, parse

if TYPE_CHECKING:
    from engine.api import ParameterView

_GIVEN = re.compile(r"([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was typed.

    Args:
        outputs: values by the names of output parameters, in their types.
        missing: output parameters that have to be given, and were not.
    """

    outputs: dict[str, Any]
    missing: tuple[ParameterView, ...]
    comment: str


def value_of(parameter: ParameterView, text: str) -> Any:
    """What a text stands for.

    Errors: ``ValueError`` with a sentence.
    """
    if not text.strip() and parameter.required:
        raise ValueError(f"it is wanted, {typed(parameter)}")
    return parse(text, Field("", parameter.name, None, parameter.type, parameter.choices))


def read(text: str, wanted: Sequence[ParameterView]) -> Answer:
    """An answer that was typed in a line; values with spaces stand in quotes.

    Words that name no value are the comment, and so is all behind ``--``.

    Errors: ``ValueError`` with a sentence, for a value that is not what it has to be and for a
    name that the step does not hand on.
    """
    before, dashes, comment = f" {text} ".partition(" -- ")
    known = {one.name: one for one in wanted}
    outputs: dict[str, Any] = {}
    said = []
    for word in _words(before):
        given = _GIVEN.fullmatch(word)
        if given is None or not wanted:
            said.append(word)
        elif (parameter := known.get(given[1])) is None:
            raise ValueError(f"{given[1]} is none of {', '.join(known)}")
        else:
            try:
                outputs[parameter.name] = value_of(parameter, given[2])
            except ValueError as problem:
                raise ValueError(f"{parameter.name}: {problem}") from None
    missing = tuple(one for one in wanted if one.required and one.name not in outputs)
    return Answer(outputs, missing, " ".join([*said, *comment.split()] if dashes else said))


def _words(text: str) -> list[str]:
    """The words of a line; an apostrophe that quotes nothing is one of its characters."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
