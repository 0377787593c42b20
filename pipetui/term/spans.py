"""Screen updates in parts: only cells that differ from what is there, as many as have room.

Textual's partial update writes each changed region whole, and from its widget's left edge; here a
region of which one digit differs costs a digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.color import ColorSystem
from rich.console import Console
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from pipetui.term.canvas import Canvas, Cells, Span
from pipetui.term.pen import PLAIN, Pen, on_blanks
from pipetui.term.pen import style as style_of

Run = tuple[int, int, Cells]
"""Row, column and cells that differ from what is there."""
_SMALL = 4096
"""Bytes of a frame up to which another order of its cells is tried."""


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
    colors = console._color_system or ColorSystem.TRUECOLOR
    pen = Pen(canvas.style)
    spans = canvas.ordered(spans_of(update))
    runs: list[Run] = []
    for number, span in enumerate(spans):
        before = pen.mark()
        y = span[0]
        parts = [(x, _cells(strip, colors)) for x, strip in _strips(update, span)]
        for x, cells in parts:
            for start, stop in canvas.changes(y, x, cells):
                runs.append((y, x + start, cells.part(start, stop)))
                pen.put(y, x + start, *_both(runs[-1][2]))
        if pen.size > room and before[-1]:
            pen.back(before)
            spans = spans[number:]
            break
        for x, cells in parts:
            canvas.paint(y, x, cells)
    else:
        spans = []
        if pen.size <= _SMALL:
            pen = min(pen, _by_style(runs, Pen(canvas.style)), key=lambda one: one.size)
    canvas.style = pen.style
    return pen.text, spans


def _by_style(runs: Sequence[Run], pen: Pen) -> Pen:
    """Write runs style by style: a way costs half of a style."""
    pieces = [piece for run in runs for piece in _pieces(run)]
    now = pen.style or PLAIN

    def order(piece: Run) -> tuple[bool, str, bool, str]:
        """What is painted on the present background first, and there in the present style."""
        codes = piece[2].codes[0]
        kind = style_of(codes)
        ground = kind.background
        return ground != now.background, ground, kind != now, codes

    for y, x, cells in sorted(pieces, key=order):
        pen.put(y, x, *_both(cells))
    return pen


def _pieces(run: Run) -> Iterator[Run]:
    """A run in parts of one style each; blanks stay with the text before them."""
    y, x, cells = run
    start = 0
    for index in range(1, len(cells.texts)):
        before, here = cells.codes[start], cells.codes[index]
        if not cells.texts[index] or here == before:
            continue
        if cells.texts[index] == " " and here == on_blanks(before):
            continue
        yield y, x + start, cells.part(start, index)
        start = index
    yield y, x + start, cells.part(start, len(cells.texts))


def _both(cells: Cells) -> tuple[list[str], list[str]]:
    return cells.texts, cells.codes


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


def _cells(strip: Strip, colors: ColorSystem) -> Cells:
    cells = Cells([], [])
    for text, style, control in strip:
        if text and not control:
            codes = "" if style is None else style._ansi
            cells.add(text, Strip.render_ansi(style, colors) if codes is None else codes)
    return cells
