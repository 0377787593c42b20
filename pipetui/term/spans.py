"""Screen updates in parts: only cells that differ from what is there, as many as have room.

Textual's partial update writes each changed region whole, and from its widget's left edge; here a
region of which one digit differs costs a digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from rich.color import ColorSystem
from rich.console import Console
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from pipetui.term.canvas import Canvas, Cells, Span
from pipetui.term.pen import led, on_blanks
from pipetui.term.tour import Run, shorter

_SMALL = 4096
"""Bytes of a frame up to which another order of its cells is tried."""
_TRUE = re.compile(r"([34]8);2;(\d+);(\d+);(\d+)")
_LEVELS = (0, 95, 135, 175, 215, 255)
"""Brightness of the steps of the cube in the 256 colours; its greys go by tens from 8."""


def spans_of(update: ChopsUpdate | LayoutUpdate) -> list[Span]:
    """The cells that an update is about."""
    if isinstance(update, ChopsUpdate):
        return list(update.spans)
    region = update.region
    return [(y, region.x, region.right) for y in range(region.y, region.bottom)]


def cut(
    update: ChopsUpdate | LayoutUpdate,
    console: Console,
    canvas: Canvas,
    room: int,
    *,
    urgent: bool = False,
) -> tuple[str, list[Span]]:
    """As much of an update as there is room for, at least one span; and the spans that are left.

    Args:
        room: bytes.
        urgent: a person waits for it: the milliseconds to look for a shorter way are not spent.
    """
    colors = console._color_system or ColorSystem.TRUECOLOR
    pen = canvas.pen()
    spans = canvas.ordered(spans_of(update))
    runs: list[Run] = []
    for number, span in enumerate(spans):
        before = pen.mark()
        y = span[0]
        parts = [(x, _cells(strip, colors)) for x, strip in _strips(update, span)]
        for x, cells in parts:
            for start, stop in canvas.changes(y, x, cells):
                runs.append((y, x + start, cells.part(start, stop)))
                pen.put(y, x + start, runs[-1][2].texts, runs[-1][2].codes)
        if pen.size > room and before[-1]:
            pen.back(before)
            spans = spans[number:]
            break
        for x, cells in parts:
            canvas.paint(y, x, cells)
    else:
        spans = []
        if not urgent and pen.size <= _SMALL:
            other = canvas.pen()
            pieces = [piece for run in runs for piece in _pieces(run)]
            for y, x, cells in shorter(pieces, canvas.style):
                other.put(y, x, cells.texts, cells.codes)
            pen = min(pen, other, key=lambda one: one.size)
    canvas.style = pen.style
    return pen.text, spans


def _pieces(run: Run) -> Iterator[Run]:
    """A run in parts of one style each; blanks stay with the text before or behind them."""
    y, x, cells = run
    cells, start = Cells(cells.texts, led(cells.texts, cells.codes)), 0
    for index in range(1, len(cells.texts)):
        before, here = cells.codes[start], cells.codes[index]
        if not cells.texts[index] or here == before:
            continue
        if cells.texts[index] == " " and here == on_blanks(before):
            continue
        yield y, x + start, cells.part(start, index)
        start = index
    yield y, x + start, cells.part(start, len(cells.texts))


def region(span: Span) -> Region:
    """A span as Textual's regions."""
    y, left, right = span
    return Region(left, y, right - left, 1)


def _strips(update: ChopsUpdate | LayoutUpdate, span: Span) -> Iterator[tuple[int, Strip]]:
    """What is to be seen in a span, each part with its column."""
    y, left, right = span
    if isinstance(update, LayoutUpdate):
        yield left, Strip.join(update.strips[y - update.region.y])
        return
    for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
        start, stop = max(x, left), min(end, right)
        if strip is not None and start < stop:
            yield start, strip.crop(start - x, stop - x)


@lru_cache(4096)
def short(codes: str) -> str:
    """Codes whose true colours are told by their number where they are among the 256 colours."""
    return _TRUE.sub(_by_number, codes)


def _by_number(found: re.Match[str]) -> str:
    red, green, blue = (int(one) for one in found.groups()[1:])
    if red == green == blue and red not in _LEVELS and 8 <= red <= 238 and red % 10 == 8:
        return f"{found[1]};5;{232 + (red - 8) // 10}"
    if {red, green, blue} <= set(_LEVELS):
        number = 36 * _LEVELS.index(red) + 6 * _LEVELS.index(green) + _LEVELS.index(blue)
        return f"{found[1]};5;{16 + number}"
    return found[0]


def _cells(strip: Strip, colors: ColorSystem) -> Cells:
    cells = Cells([], [])
    for text, style, control in strip:
        if text and not control:
            codes = "" if style is None else style._ansi
            told = Strip.render_ansi(style, colors) if codes is None else codes
            cells.add(text, short(told))
    return cells
