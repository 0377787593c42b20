"""Which container engine of this host has an image, or can pull it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

TOOLS = ("podman", "docker")
"""Container engines, the one to ask first in front."""
_ASK_S = 10.0
_FRESH_S = 30.0
"""Seconds for which "no" is not asked again; an image may be pulled meanwhile."""
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """What the container engines of this host say of an image.

    Args:
        tool: the path of the engine that can run it; empty where none can.
        pulls: whether it has to pull the image first.
        why: a clause that says why none can.
    """

    tool: str
    pulls: bool = False
    why: str = ""

    @property
    def words(self) -> str:
        """How the image runs, for people."""
        engine = Path(self.tool).name
        return f"{engine}, which pulls it first" if self.pulls else engine


def held(image: str) -> Offer:
    """The engine that has an image on this host already."""
    return _kept.get(image) or _held(image, _moment())


def obtainable(image: str) -> Offer:
    """The engine that has an image, or whose registry answers for it (10 s at most)."""
    found = held(image)
    return found if found.tool else _obtainable(image, _moment())


_kept: dict[str, Offer] = {}
"""What was found, for good: an attempt has to go on as it began."""


def _moment() -> int:
    return int(time.monotonic() // _FRESH_S)


@lru_cache(maxsize=256)
def _held(image: str, moment: int) -> Offer:
    tools = [found for name in TOOLS if (found := shutil.which(name))]
    for tool in tools:
        if not _ask(tool, "image", "inspect", "--format", "{{.Id}}", image):
            return _kept.setdefault(image, Offer(tool))
    why = "no container engine has it" if tools else "neither podman nor docker is installed"
    return Offer("", why=why)


@lru_cache(maxsize=256)
def _obtainable(image: str, moment: int) -> Offer:
    whys = [_held(image, moment).why]
    for tool in filter(None, map(shutil.which, TOOLS)):
        if problem := _ask(tool, "info"):
            whys.append(f"{Path(tool).name} does not work ({problem})")
        elif problem := _ask(tool, "manifest", "inspect", image):
            whys.insert(0, f"{Path(tool).name} cannot get it ({problem})")
        else:
            return _kept.setdefault(image, Offer(tool, pulls=True))
    return Offer("", why=whys[0])


def _ask(tool: str, *arguments: str) -> str:
    """The last words of a tool that refuses; empty where it agrees."""
    words: Sequence[str] = (tool, *arguments)
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {_ASK_S:.0f} s"
    except OSError as problem:
        return str(problem.strerror)
    if done.returncode == 0:
        return ""
    said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
    return said.removeprefix("Error: ")[-_SHOWN:] or f"exit code {done.returncode}"
