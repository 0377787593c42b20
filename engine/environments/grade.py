"""How close a Python environment comes to an image. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum


class Grade(Enum):
    """How close the libraries come to those of the image; the interpreter is not compared."""

    EXACT = "exact"
    SAME_MINOR = "same-minor"
    CLOSEST = "closest"
    FAR = "far"
    UNMATCHED = "unmatched"
    CONFIGURED = "configured"
    NOT_RUNNABLE = "not-runnable"

    @property
    def meaning(self) -> str:
        """The grade in a sentence."""
        return _MEANINGS[self]


_MEANINGS = {
    Grade.EXACT: "the same versions of every known library as in the image",
    Grade.SAME_MINOR: "the main library has the image's minor version; others may differ",
    Grade.CLOSEST: "the main library is one minor version away; results may differ",
    Grade.FAR: "the main library is several versions away; expect differences",
    Grade.UNMATCHED: "the image is not known; the host's own Python is used",
    Grade.CONFIGURED: "chosen by your own table in the configuration",
    Grade.NOT_RUNNABLE: "the image cannot be replaced by a Python environment",
}


def closeness(lead: str, inside: Mapping[str, str], pinned: Mapping[str, str]) -> Grade:
    """Grade pinned versions against those inside an image, by the main library, ``lead``."""
    if all(pinned.get(library) == version for library, version in inside.items()):
        return Grade.EXACT
    image, ours = release(inside[lead]), release(pinned[lead])
    if image[:2] == ours[:2]:
        return Grade.SAME_MINOR
    if image[0] == ours[0] and abs(image[1] - ours[1]) == 1:
        return Grade.CLOSEST
    return Grade.FAR


def release(version: str) -> tuple[int, int, int]:
    """``"1.23.5"`` as ``(1, 23, 5)``; missing parts are 0."""
    numbers = [int(part) for part in re.findall(r"\d+", version)[:3]]
    major, minor, micro = (*numbers, 0, 0, 0)[:3]
    return major, minor, micro
