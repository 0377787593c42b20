"""Edits of a step's Arguments: a path and the value that replaces what stands there (pure).

Paths are those of expressions: ``AppSpecification.ContainerArguments[1]``,
``HyperParameters['max_depth']``, ``ProcessingInputs['data'].S3Input.S3Uri``; a list is also
searched by name. Where the path ends at an input or a channel and the value is text, the text is
its S3 URI. A path names what is there, or what may be added: see ``OPEN_MAPS`` and ``OPTIONAL``.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

from engine.definition.names import listed, quote
from engine.definition.paths import LIST_KEYS, Path, parse
from engine.errors import CommandRejected

OPEN_MAPS = ("Environment", "HyperParameters", "StaticHyperParameters")
"""The objects whose members are named by their author; any of them may be set or added to."""

OPTIONAL = {
    "AlgorithmSpecification": ("ContainerEntrypoint", "ContainerArguments", "MetricDefinitions"),
    "AppSpecification": ("ContainerEntrypoint", "ContainerArguments"),
}
"""Object -> members that a definition may lack and an edit may add."""

_URI_PLACES = (("S3Input",), ("S3Output",), ("DataSource", "S3DataSource"))


def apply_edits(arguments: Any, edits: Mapping[str, Any], step: str) -> Any:
    """Arguments with every edit applied; the original is left alone.

    Errors: ``CommandRejected`` (``edit-path-unknown``) naming step and path.
    """
    if not edits:
        return arguments
    edited = copy.deepcopy(arguments)
    for path, value in edits.items():
        _apply(edited, _parse(path, step), copy.deepcopy(value), f"{step}: {path}")
    return edited


def value_at(arguments: Any, path: str, step: str) -> Any:
    """What stands at a path inside a step's Arguments; None where it would be a new member.

    Errors: ``CommandRejected`` as for ``apply_edits``.
    """
    return _present(*_locate(arguments, _parse(path, step), f"{step}: {path}"))


def _parse(path: str, step: str) -> Path:
    members = parse(path)
    if not members:
        raise CommandRejected(
            f"{step}: {path!r} is not a path",
            code="edit-path-invalid",
            hint="Like: HyperParameters['max_depth'] or ProcessingInputs['data'].S3Input.S3Uri",
        )
    return members


def _apply(arguments: Any, path: Path, value: Any, where: str) -> None:
    holder, key = _locate(arguments, path, where)
    present = _present(holder, key)
    for place in _URI_PLACES if isinstance(value, str) else ():
        inner = present
        for name in place:
            inner = inner.get(name) if isinstance(inner, dict) else None
        if isinstance(inner, dict):
            inner["S3Uri"] = value
            return
    holder[key] = value


def _locate(arguments: Any, path: Path, where: str) -> tuple[Any, str | int]:
    """The object or list that holds the end of a path, and the key in it."""
    holder = arguments
    for member in path[:-1]:
        holder = holder[_key(holder, member, where)]
    if isinstance(holder, dict) and _may_be_new(path):
        return holder, path[-1]
    return holder, _key(holder, path[-1], where)


def _may_be_new(path: Path) -> bool:
    last, holder = path[-1], str(path[-2]) if len(path) > 1 else ""
    return isinstance(last, str) and (
        last in OPEN_MAPS or holder in OPEN_MAPS or last in OPTIONAL.get(holder, ())
    )


def _present(holder: Any, key: Any) -> Any:
    return holder[key] if isinstance(holder, list) else holder.get(key)


def _key(holder: Any, member: str | int, where: str) -> Any:
    if isinstance(holder, dict):
        if member in holder:
            return member
        why = f"there is {listed(holder)}" if holder else "it is empty"
        raise _unknown(where, why, _closest(str(member), holder))
    if isinstance(holder, list):
        if isinstance(member, int) and -len(holder) <= member < len(holder):
            return member
        for index, entry in enumerate(holder):
            if isinstance(entry, dict) and any(entry.get(key) == member for key in LIST_KEYS):
                return index
        raise _unknown(where, f"the list has {len(holder)} entries")
    raise _unknown(where, "the path goes into a value that is no object")


def _closest(name: str, known: Collection[str]) -> str:
    import difflib  # 5 ms, for errors only

    close = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {quote(close[0])}? " if close else ""


def _unknown(where: str, why: str, closest: str = "") -> CommandRejected:
    way = "The step's arguments (d in the app, `pipetui steps`) show what can be edited."
    return CommandRejected(
        f"{where} does not exist: {why}",
        code="edit-path-unknown",
        hint=closest + way,
    )
