"""Facts, commands and views to JSON and back."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

import msgspec

from engine.model.commands import Command
from engine.model.events import Fact, UnknownFact

_FACTS: dict[str, type] = {cls.__name__: cls for cls in get_args(Fact) if cls is not UnknownFact}
_COMMANDS: dict[str, type] = {cls.__name__: cls for cls in get_args(Command)}
_encoder = msgspec.json.Encoder()
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}

View = TypeVar("View")


def encode(value: object) -> bytes:
    """JSON of a fact, command or view (its class name is not part of it)."""
    return _encoder.encode(value)


def decode(text: bytes | str, cls: type[View]) -> View:
    """The value of class ``cls`` that ``text`` encodes.

    Errors: ``msgspec.ValidationError`` where the text is not of that class.
    """
    decoder = _decoders.get(cls)
    if decoder is None:
        decoder = _decoders[cls] = msgspec.json.Decoder(cls)
    result: View = decoder.decode(text)
    return result


def fact_kind(fact: Fact) -> str:
    """The name a fact is stored under."""
    return fact.kind if isinstance(fact, UnknownFact) else type(fact).__name__


def encode_fact(fact: Fact) -> bytes:
    """JSON of a fact; an unknown one is written back as it was read."""
    return _encoder.encode(fact.data if isinstance(fact, UnknownFact) else fact)


def decode_fact(kind: str, text: bytes | str) -> Fact:
    """The fact stored as ``kind`` and ``text``; ``UnknownFact`` where it cannot be read."""
    cls = _FACTS.get(kind)
    if cls is not None:
        try:
            fact: Fact = decode(text, cls)
            return fact
        except msgspec.ValidationError:
            pass
    return UnknownFact(kind, msgspec.json.decode(text))


def encode_command(command: Command) -> tuple[str, bytes]:
    """Kind and JSON of a command."""
    return type(command).__name__, _encoder.encode(command)


def decode_command(kind: str, text: bytes | str) -> Command | None:
    """The command stored as ``kind`` and ``text``; None for one this version cannot read."""
    cls = _COMMANDS.get(kind)
    if cls is None:
        return None
    try:
        command: Command = decode(text, cls)
    except msgspec.ValidationError:
        return None
    return command
