"""From text to a checked ``Definition``, or to every error found on the way, with its line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from engine.definition import json_text, paths, yaml_text
from engine.definition.document import Definition
from engine.definition.graph import Graph
from engine.definition.lines import Lines
from engine.definition.names import quote
from engine.definition.reading import Reader
from engine.definition.validation import validate
from engine.errors import DefinitionError

Format: TypeAlias = Literal["json", "yaml"]

MAX_CHARACTERS = 64 * 1024 * 1024
INLINE_CHARACTERS = 1_048_576
"""What CreatePipeline takes as a string; more has to come from S3."""

_SURROGATE = re.compile(r"\\u[dD][89abAB-Fa-f]|[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Examination:
    """What a text holds: a definition where its outline is readable, even if it breaks rules."""

    definition: Definition | None
    errors: tuple[DefinitionError, ...] = ()
    warnings: tuple[DefinitionError, ...] = ()
    graph: Graph | None = None
    """What waits for what, where the definition is valid."""

    @property
    def valid(self) -> bool:
        """Whether there is a definition that an execution could be started with."""
        return self.definition is not None and not self.errors

    def require(self) -> Definition:
        """The definition.

        Raises:
            DefinitionError: the first error; its message says how many more there are.
        """
        if self.errors:
            first = self.errors[0]
            more = len(self.errors) - 1
            count = f" ({more} more error{'s' if more > 1 else ''}.)" if more else ""
            raise DefinitionError(
                first.message + count,
                code=first.code,
                hint=first.hint,
                path=first.path,
                line=first.line,
                file=first.file,
            )
        assert self.definition is not None
        return self.definition


def load(text: str, *, file: str = "", format: Format | None = None) -> Definition:
    """The definition in a text; raises the first ``DefinitionError``. See ``examine``."""
    return examine(text, file=file, format=format).require()


def load_bytes(data: bytes, *, file: str = "", format: Format | None = None) -> Definition:
    """The definition in a file's bytes; raises the first ``DefinitionError``."""
    return examine_bytes(data, file=file, format=format).require()


def examine_bytes(data: bytes, *, file: str = "", format: Format | None = None) -> Examination:
    """Like ``examine``, for the bytes of a UTF-8 file, with or without a byte order mark."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _unreadable(
            "definition-not-utf8",
            f"The file is not UTF-8 text: byte {data[error.start]:#04x} at offset {error.start}.",
            "Save it as UTF-8.",
            file,
            line,
        )
    return examine(text, file=file, format=format)


def examine(text: str, *, file: str = "", format: Format | None = None) -> Examination:
    """Read and check a definition; every error and warning has a JSON path and, mostly, a line.

    Args:
        file: the name of the file, for messages and to tell YAML from JSON.
        format: overrules the guess, which is by file name and else by the first character.
    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        return _unreadable(
            "definition-empty", "The definition is empty.", "Give a JSON object.", file, 1
        )
    if len(text) > MAX_CHARACTERS:
        return _unreadable(
            "definition-too-large",
            f"The definition has {len(text):,} characters; {MAX_CHARACTERS:,} are allowed.",
            "Move data out of the definition into S3.",
            file,
            None,
        )
    read = yaml_text.read if (format or _guess(text, file)) == "yaml" else json_text.read
    value, lines, errors = read(text)
    if not errors and ("\\u" in text or not text.isascii()) and _SURROGATE.search(text):
        errors = tuple(_unpaired(value))
    if errors:
        return Examination(None, _located(errors, lines, file))
    reader = Reader(lines)
    definition = reader.definition(value)
    if definition is None:
        return Examination(None, _located(reader.errors, lines, file))
    findings = validate(definition)
    found = _named([*reader.errors, *findings.errors], definition)
    warnings = (*_size(text), *findings.warnings)
    return Examination(
        definition,
        _located(found, lines, file),
        _located(warnings, lines, file),
        findings.graph,
    )


def document(text: str) -> Any:
    """The JSON value that a definition's text stands for; None where it cannot be read."""
    read = yaml_text.read if _guess(text, "") == "yaml" else json_text.read
    value, _, errors = read(text)
    return None if errors else value


def _guess(text: str, file: str) -> Format:
    if file.lower().endswith((".yaml", ".yml")):
        return "yaml"
    if file.lower().endswith(".json") or text.lstrip()[0] in "{[\"'":
        return "json"
    return "yaml"


def _located(
    errors: Iterable[DefinitionError], lines: Lines, file: str
) -> tuple[DefinitionError, ...]:
    """The errors with file and line, in the order of the text."""
    found = list(errors)
    for error in found:
        error.file = file
        if error.line is None:
            error.line = lines.of(error.path)
    return tuple(sorted(found, key=lambda error: error.line or 0))


def _named(errors: list[DefinitionError], definition: Definition) -> list[DefinitionError]:
    """The errors, each with the name of the step that it stands in, if it does not say it."""
    steps = {step.path: quote(step.name) for step in definition.steps.values()} if errors else {}
    for error in errors:
        place = error.path
        while place and place not in steps:
            place = place[: max(place.rfind("."), place.rfind("["), 0)]
        if place and steps[place] not in error.message:
            error.message = f"{steps[place][1:-1]}: {error.message}"
    return errors


def _unreadable(code: str, message: str, hint: str, file: str, line: int | None) -> Examination:
    error = DefinitionError(message, code=code, hint=hint, path="$", line=line, file=file)
    return Examination(None, (error,))


def _size(text: str) -> Iterable[DefinitionError]:
    if len(text) > INLINE_CHARACTERS:
        yield DefinitionError(
            f"The definition has {len(text):,} characters; AWS takes {INLINE_CHARACTERS:,} inline.",
            code="definition-not-inline",
            path="$",
            hint="To create it on AWS, upload it and give PipelineDefinitionS3Location.",
        )


def _unpaired(value: Any) -> Iterable[DefinitionError]:
    """An error for each string with half of a surrogate pair, which no UTF-8 file can hold."""
    waiting: list[tuple[Any, paths.Link]] = [(value, "$")]
    while waiting:
        node, link = waiting.pop()
        if isinstance(node, dict):
            waiting.extend((item, (link, key)) for key, item in node.items())
            waiting.extend((key, link) for key in node)
        elif isinstance(node, list):
            waiting.extend((item, (link, index)) for index, item in enumerate(node))
        elif isinstance(node, str) and any("\ud800" <= letter <= "\udfff" for letter in node):
            yield DefinitionError(
                "A string has half of a surrogate pair, which is not a character.",
                code="text-not-unicode",
                path=paths.render(link),
                hint="Write the character itself or both halves.",
            )
