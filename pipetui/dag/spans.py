"""Partial screen updates that send the changed cells only.

Textual's partial update writes each changed row from its widget's left edge up to the change, which
for a box on the right costs a whole row. This compositor leaves the unchanged beginning out.
"""

from __future__ import annotations

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, Compositor
from textual.screen import Screen


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
        return "".join(sequences)


class SpansCompositor(Compositor):
    """A compositor with the shorter partial updates."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """The update of all dirty regions, None when nothing is dirty."""
        update = super().render_partial_update()
        return SpansUpdate(update.chops, update.spans, update.chop_ends) if update else None


def send_spans_only(screen: Screen[object]) -> None:
    """Let a screen send the shorter updates from now on."""
    if type(screen._compositor) is Compositor:
        screen._compositor.__class__ = SpansCompositor
