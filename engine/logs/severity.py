"""How serious a log line is, and which lines belong together. Pure.

The numbers are those of :mod:`logging`. Recognised: JSON lines, logfmt, Python's and most other
loggers' level words, klog, npm, Python warnings, bare exceptions and tracebacks. A line without a
level of its own continues the block before it when it is indented or part of a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum, IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """Severity of a line; NONE where it says nothing about it."""

    NONE = 0
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40


def passes(level: int, floor: int) -> bool:
    """Whether a line of a level is seen at a floor; plain prints are, until warnings are asked for.

    Args:
        floor: the lowest level that is seen; NONE for everything.
    """
    return level >= floor or (level == Level.NONE and floor <= Level.INFO)


class Mark(NamedTuple):
    """A line's level, and whether it begins a block rather than continues one."""

    level: Level
    head: bool


SGR = re.compile(r"\x1b\[[0-9;:]*m")
"""Colour sequences, which stand between a level word and the word boundary before it."""

TRACEBACK = "Traceback (most recent call last)"
_LOOKED_AT = 240
_LINKS = ("During handling of the above exception", "The above exception was the direct cause")

_WORDS = {
    "trace": Level.DEBUG,
    "debug": Level.DEBUG,
    "info": Level.INFO,
    "information": Level.INFO,
    "notice": Level.INFO,
    "warn": Level.WARN,
    "warning": Level.WARN,
    "error": Level.ERROR,
    "severe": Level.ERROR,
    "fatal": Level.ERROR,
    "critical": Level.ERROR,
    "panic": Level.ERROR,
}
_LETTERS = {"I": Level.INFO, "W": Level.WARN, "E": Level.ERROR, "F": Level.ERROR}

_FIELD_NAMES = ("level", "severity", "lvl")
_FIELD = re.compile(
    r"""(?x)
    (?P<key>levelname|levelno|level|severity|lvl)["']?
    \s*[:=]\s*["']?(?P<value>[A-Za-z]+|\d{1,2})\b
    """
)
_BEGINNING = re.compile(
    r"""(?x)
    (?P<word>[Dd]ebug|[Ii]nfo|[Ww]arn(?:ing)?|[Ee]rror|[Ff]atal|[Pp]anic)(?:\ [Ee]rror)?:
    | (?P<letter>[IWEF])\d{4}\ \d\d:
    | npm\ (?P<npm>ERR!|WARN)
    | (?P<exception>(?:[A-Za-z_]\w*\.)*
        (?:[A-Z]\w*(?:Error|Exception)|KeyboardInterrupt|SystemExit)(?::|$))
    """
)
_UPPER = re.compile(
    r"(TRACE|DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|SEVERE|FATAL|CRITICAL|PANIC)(?!\w)"
)
_BRACKETED = re.compile(
    r"[\[<(](trace|debug|info|notice|warn|warning|error|fatal|critical|panic)[\])>]"
)

_ERROR_SIGNS = (
    *(b"error", b"exception", b"traceback", b"fatal", b"critical", b"severe", b"panic"),
    *(b"keyboardinterrupt", b"systemexit", b"npm err!"),
)
_WARNING_SIGNS = (b"warn",)
_NUMERIC_NAMES = (b"level", b"severity", b"lvl")
_NUMERIC = re.compile(rb"(?:level|levelno|lvl|severity)[\"']?\s*[:=]\s*[\"']?[3-9]\d")
_KLOG = {letter: re.compile(rb"\n%c\d{4} " % letter) for letter in b"EFW"}


def level_of(text: str) -> Level:
    """The level a line states itself, by the first 240 characters."""
    text = text[:_LOOKED_AT]
    if "\x1b" in text:
        text = SGR.sub("", text)
    if any(name in text for name in _FIELD_NAMES):
        for field in _FIELD.finditer(text):
            if level := _field_level(field["key"], field["value"]):
                return level
    if begin := _BEGINNING.match(text):
        return _beginning_level(begin.lastgroup or "", begin[begin.lastgroup or 0])
    for word in _UPPER.finditer(text):
        before = text[word.start() - 1 : word.start()]
        if not (before.isalnum() or before == "_"):
            return _WORDS[word[1].lower()]
    if word_in_brackets := _BRACKETED.search(text):
        return _WORDS[word_in_brackets[1]]
    return Level.WARN if "Warning:" in text else Level.NONE


def _beginning_level(kind: str, value: str) -> Level:
    if kind == "letter":
        return _LETTERS[value]
    if kind == "exception" or value == "ERR!":
        return Level.ERROR
    return _WORDS[value.lower()]


def _field_level(key: str, value: str) -> Level:
    """A structured level: a word, a ``levelno`` of Python or a ``level`` of pino and bunyan."""
    if not value.isdigit():
        return _WORDS.get(value.lower(), Level.NONE)
    number = int(value) if key == "levelno" else int(value) - 10
    return Level(max(0, min(40, number // 10 * 10)))


def may_reach(data: bytes, level: int) -> bool:
    """Whether whole lines of bytes may hold one of at least ``level``; cheap, never a false no."""
    if level <= Level.INFO:
        return True
    words: tuple[bytes, ...] = _ERROR_SIGNS
    letters = b"EF"
    if level <= Level.WARN:
        words, letters = words + _WARNING_SIGNS, b"EFW"
    small = data.lower()
    return (
        any(word in small for word in words)
        or (any(name in small for name in _NUMERIC_NAMES) and _NUMERIC.search(small) is not None)
        or data[:1] in (b"E", b"F", b"W")
        or any(b"\n%c" % letter in data and _KLOG[letter].search(data) for letter in letters)
    )


class _Phase(Enum):
    """Where in a traceback the classifier stands."""

    OUTSIDE = 0
    BODY = 1
    """Frames: ends with the first line that is not indented, the exception."""
    AFTER = 2
    """Just behind the exception: an empty line or a link to a chained one still belongs to it."""


class Classifier:
    """Marks lines one after the other, keeping multi-line blocks whole."""

    def __init__(self) -> None:
        self.level = Level.NONE
        self._phase = _Phase.OUTSIDE

    def mark(self, text: str) -> Mark:
        """The mark of the next line."""
        indented = text[:1] in (" ", "\t")
        if TRACEBACK in text:
            head = self.level is not Level.ERROR
            return self._marked(Level.ERROR, head, _Phase.BODY)
        if self._phase is _Phase.BODY:
            phase = _Phase.BODY if indented or not text else _Phase.AFTER
            return self._marked(Level.ERROR, False, phase)
        if self._phase is _Phase.AFTER and (not text or text.startswith(_LINKS)):
            return self._marked(Level.ERROR, False, _Phase.AFTER)
        own = level_of(text)
        if own is not Level.NONE:
            return self._marked(own, True, _Phase.OUTSIDE)
        if indented and self.level is not Level.NONE:
            return self._marked(self.level, False, _Phase.OUTSIDE)
        return self._marked(Level.NONE, True, _Phase.OUTSIDE)

    def _marked(self, level: Level, head: bool, phase: _Phase) -> Mark:
        self.level, self._phase = level, phase
        return Mark(level, head)


def marks(texts: Iterable[str]) -> Iterator[Mark]:
    """The marks of consecutive lines that begin a text."""
    classifier = Classifier()
    return (classifier.mark(text) for text in texts)
