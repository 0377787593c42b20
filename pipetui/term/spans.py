"""Screen updates in parts: the changed cells only, as many as there is room for.

Textual's partial update writes each changed row from its widget's left edge up to the change, which
for a pane on the right costs a whole row; here the unchanged beginning is left out, and a style is
set once where the next cells have the same one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

_RESET = "\x1b[0m"
_CODES = re.compile(r"(\x1b\[[\d;]*[mH])")

Span = tuple[int, int, int]
"""Row, first column, column behind the last."""


@dataclass(frozen=True, slots=True)
class Painted(CompositorUpdate):
    """An update that is text already."""

    text: str

    def __rich__(self) -> str:
        return self.text

    def render_segments(self, console: Console) -> str:
        """The update as text for the terminal."""
        return self.text


@dataclass(slots=True)
class Canvas:
    """When each cell was last painted: of two changes the one in the calmer place goes first.

    So every row of a busy log gets its turn on a slow link, and what a key changes in a quiet list
    waits for none of them.
    """

    _painted: dict[int, list[int]] = field(default_factory=dict)
    _turn: int = 0

    def ordered(self, spans: list[Span]) -> list[Span]:
        """Spans, those that were painted longest ago first."""
        return sorted(spans, key=lambda span: (self._last(span), span))

    def paint(self, spans: list[Span]) -> None:
        """Spans are painted now, all in one turn."""
        self._turn += 1
        for y, left, right in spans:
            row = self._painted.setdefault(y, [])
            row += [0] * (right - len(row))
            row[left:right] = [self._turn] * (right - left)

    def _last(self, span: Span) -> int:
        y, left, right = span
        return max(self._painted.get(y, [])[left:right], default=0)


def spans_of(update: ChopsUpdate | LayoutUpdate) -> list[Span]:
    """The cells that an update is about."""
    if isinstance(update, ChopsUpdate):
        return list(update.spans)
    region = update.region
    return [(y, region.x, region.right) for y in range(region.y, region.bottom)]


def cut(
    update: ChopsUpdate | LayoutUpdate, console: Console, canvas: Canvas, room: int
) -> tuple[str, list[Span]]:
    """As much of an update as there is room for, at least one span; and the spans that are left.

    Args:
        room: bytes.
    """
    texts: list[str] = []
    done: list[Span] = []
    spans = canvas.ordered(spans_of(update))
    for span in spans:
        text = _rendered(update, span, console)
        room -= len(without_repeats(text).encode("utf-8", "replace"))
        if room < 0 and texts:
            break
        texts.append(text)
        done.append(span)
    canvas.paint(done)
    return without_repeats("".join(texts)), spans[len(done) :]


def region(span: Span) -> Region:
    """A span as Textual's regions."""
    y, left, right = span
    return Region(left, y, right - left, 1)


def _rendered(update: ChopsUpdate | LayoutUpdate, span: Span, console: Console) -> str:
    y, left, right = span
    if isinstance(update, LayoutUpdate):
        strip = Strip.join(update.strips[y - update.region.y])
        return _move(left, y) + strip.render(console)
    sequences: list[str] = []
    for end, (x, part) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
        start, stop = max(x, left), min(end, right)
        if part is not None and start < stop:
            sequences.append(_move(start, y))
            sequences.append(part.crop(start - x, stop - x).render(console))
    return "".join(sequences)


def _move(x: int, y: int) -> str:
    return Control.move_to(x, y).segment.text


def without_repeats(text: str) -> str:
    """The same cells in the same styles, each style told as what differs from the one before.

    Rich tells every style in full and takes it back afterwards, 40 bytes for a word.
    """
    kept: list[str] = []
    style = _PLAIN
    wanted = _PLAIN
    for token in _CODES.split(text):
        if token == _RESET:
            wanted = _PLAIN
        elif token.endswith("m") and token.startswith("\x1b"):
            wanted = _style(token)
        elif token.endswith("H") and token.startswith("\x1b"):
            kept.append(token)
        elif token:
            kept.append(_change(style, wanted))
            style = wanted
            kept.append(token)
    return "".join(kept) + (_RESET if style != _PLAIN else "")


@dataclass(frozen=True, slots=True)
class _Style:
    """What one sequence says: attributes, colour and background as their codes."""

    attributes: tuple[str, ...] = ()
    color: str = ""
    background: str = ""

    @property
    def codes(self) -> str:
        return ";".join(part for part in (*self.attributes, self.color, self.background) if part)


_PLAIN = _Style()
_COLORS = frozenset(map(str, (*range(30, 40), *range(90, 98))))
_BACKGROUNDS = frozenset(map(str, (*range(40, 50), *range(100, 108))))


@lru_cache(4096)
def _style(sequence: str) -> _Style:
    codes = sequence[2:-1].split(";")
    attributes: list[str] = []
    color = background = ""
    while codes:
        code = codes.pop(0)
        taken = {"2": 4, "5": 2}.get(codes[0], 0) if code in ("38", "48") and codes else 0
        whole = ";".join((code, *codes[:taken]))
        del codes[:taken]
        if code in _COLORS:
            color = whole
        elif code in _BACKGROUNDS:
            background = whole
        else:
            attributes.append(whole)
    return _Style(tuple(attributes), color, background)


@lru_cache(4096)
def _change(old: _Style, new: _Style) -> str:
    """The shortest sequence from one style to another."""
    if old == new:
        return ""
    full = f"\x1b[0;{new.codes}m" if new != _PLAIN else _RESET
    gone = set(old.attributes) - set(new.attributes)
    if gone or (old.color and not new.color) or (old.background and not new.background):
        return full if old != _PLAIN else f"\x1b[{new.codes}m"
    added = tuple(one for one in new.attributes if one not in old.attributes)
    step = _Style(
        added,
        new.color if new.color != old.color else "",
        new.background if new.background != old.background else "",
    )
    return f"\x1b[{step.codes}m"
