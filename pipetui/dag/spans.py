"""Partial screen updates that send the changed cells only.

Textual's partial update writes each changed row from its widget's left edge up to the change, which
for a box on the right costs a whole row. This compositor leaves the unchanged beginning out, and
sets a style once where the next cells to send have the same one.
"""

from __future__ import annotations

import re

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor
from textual.screen import Screen

_RESET = "\x1b[0m"
_CODES = re.compile(r"(\x1b\[[\d;]*[mH])")


class SpansUpdate(ChopsUpdate):
    """An update of the cells between both ends of each span."""

    def render_segments(self, console: Console) -> str:
        """The update as text for the terminal."""
        sequences: list[str] = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                start, stop = max(x, left), min(end, right)
                if strip is not None and start < stop:
                    sequences.append(Control.move_to(start, y).segment.text)
                    sequences.append(strip.crop(start - x, stop - x).render(console))
        return without_repeats("".join(sequences))


class SpansCompositor(Compositor):
    """A compositor with the shorter partial updates."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """The update of all dirty regions, None when nothing is dirty."""
        update = super().render_partial_update()
        return SpansUpdate(update.chops, update.spans, update.chop_ends) if update else None


def without_repeats(text: str) -> str:
    """The same cells in the same styles, without setting a style again that was in force before."""
    kept: list[str] = []
    style = ""
    resetting = False
    for token in _CODES.split(text):
        if token == _RESET:
            resetting = True
        elif token.endswith("H") and token.startswith("\x1b"):
            kept.append(token)
        elif token.startswith("\x1b") and resetting and token == style:
            resetting = False
        elif token:
            if resetting:
                kept.append(_RESET)
                resetting = False
            style = token if token.startswith("\x1b") else style
            kept.append(token)
    return "".join(kept) + (_RESET if resetting else "")


def send_spans_only(screen: Screen[object]) -> None:
    """Let a screen send the shorter updates from now on."""
    if type(screen._compositor) is Compositor:
        screen._compositor.__class__ = SpansCompositor
