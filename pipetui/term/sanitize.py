"""Foreign text made fit for one line of a terminal. Pure."""

from __future__ import annotations

import re
import unicodedata

TAB = 8

_SGR = re.compile(r"(?:\x1b\[|\x9b)[0-9;:]*m")
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)
"""Characters that count as printable and yet show nothing: fillers and variation selectors."""

_NAMED = {0x7F: "␡", 0x2028: "␤", 0x2029: "␤", 0xA0: " ", 0x3000: "  "}


def plain(text: str) -> str:
    """The text as one line without anything a terminal could obey.

    Colour sequences go, tabs become spaces, any other control character, bidirectional mark or
    invisible character becomes something visible: ``␛`` for escape, ``<U+202E>`` for an override.
    Lone surrogates, which no terminal can be sent, become U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    if "\x1b[" in text or "\x9b" in text:
        text = _SGR.sub("", text)
    if "\t" in text:
        text = text.expandtabs(TAB)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else _visible(char) for char in text)
    return _INVISIBLE.sub(_code_point, text) if not text.isascii() else text


def _visible(char: str) -> str:
    """What stands for a character that is not printable."""
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code in _NAMED:
        return _NAMED[code]
    category = unicodedata.category(char)
    if category == "Zs":
        return " "
    return "\ufffd" if category == "Cs" else f"<U+{code:04X}>"


def _code_point(match: re.Match[str]) -> str:
    return f"<U+{ord(match[0]):04X}>"
