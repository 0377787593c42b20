"""What a node shows at each level of detail: its size, and the text of its rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from rich.cells import cell_len

from pipetui.dag.cells import UNICODE, Glyphs
from pipetui.dag.graph import DagNode


class Level(IntEnum):
    """How much of each node is drawn."""

    HEAT = 0
    LINE = 1
    BOX = 2
    DETAIL = 3


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """How a node stands.

    `glyph` is one cell, `style` a Rich style, `elapsed` and `detail` short texts. `rank` says how
    urgent it is: a folded node shows its members' most urgent statuses first. An `untaken` node's
    edges are dashed, the edges that lead to a `failed` one stand out. A `waiting` one has not begun
    but may, an `ended` one lets go on what comes after it. `note` says more about it where there is
    a whole line to say it.
    """

    glyph: str
    word: str
    style: str = ""
    elapsed: str = ""
    detail: str = ""
    rank: int = 0
    failed: bool = False
    untaken: bool = False
    waiting: bool = False
    ended: bool = False
    note: str = ""

    @property
    def kind(self) -> str:
        """What it comes down to: failed, untaken, ended, waiting or running."""
        flags = ("failed", "untaken", "ended", "waiting")
        return next((flag for flag in flags if getattr(self, flag)), "running")


PENDING = NodeStatus("o", "pending", "dim", waiting=True)


class Role(IntEnum):
    """What a part of a node's text is, for its style."""

    FRAME = 0
    STATUS = 1
    NAME = 2
    FACT = 3


Part = tuple[str, Role]

_NAME_LIMIT = {Level.HEAT: 1, Level.LINE: 24, Level.BOX: 24, Level.DETAIL: 36}
_ROOM = {Level.HEAT: 1, Level.LINE: 0, Level.BOX: 9, Level.DETAIL: 20}
_ROWS = {Level.HEAT: 1, Level.LINE: 1, Level.BOX: 4, Level.DETAIL: 5}
_LABEL_LIMIT = 20
_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


@lru_cache(maxsize=16_384)
def clean(text: str) -> str:
    """The text with nothing a terminal could obey: controls, formats and surrogates become `·`."""
    if text.isascii() and text.isprintable():
        return text
    text = _VARIATION_SELECTORS.sub("", text)
    return "".join(
        "·" if unicodedata.category(char)[0] == "C" or char in "\u2028\u2029" else char
        for char in text
    )


def fit(text: str, width: int, glyphs: Glyphs = UNICODE) -> str:
    """Clean text of exactly `width` cells: padded, or cut with an ellipsis."""
    text = clean(text)
    missing = width - cell_len(text)
    if missing >= 0:
        return text + " " * missing
    cut = _head(text, width - 1) + (glyphs.ellipsis if width > 0 else "")
    return cut + " " * (width - cell_len(cut))


def short(text: str, limit: int, glyphs: Glyphs = UNICODE) -> str:
    """Clean text of at most `limit` cells, its middle left out: names often differ at the end."""
    text = clean(text)
    if cell_len(text) <= limit:
        return text
    tail = (limit - 1) // 2
    return _head(text, limit - 1 - tail) + glyphs.ellipsis + _head(text[::-1], tail)[::-1]


def _head(text: str, width: int) -> str:
    used = 0
    for index, char in enumerate(text):
        used += cell_len(char)
        if used > width:
            return text[:index]
    return text


def title(node: DagNode, level: Level, glyphs: Glyphs = UNICODE, *, marked: bool = False) -> str:
    """The name as it is drawn, a condition's behind a diamond, a folded node's behind a pile."""
    name = short(node.name, _NAME_LIMIT[level], glyphs)
    if node.count > 1:
        return glyphs.pile + (glyphs.mark if marked else " ") + name
    return f"{glyphs.diamond} {name}" if node.type == "Condition" else name


def size(node: DagNode, level: Level) -> tuple[int, int]:
    """Width and height in cells; they do not depend on any status."""
    if level is Level.HEAT:
        return 1, 1
    counts = 3 * (len(str(node.count)) + 4) if node.count > 1 else 0
    name = cell_len(title(node, level))
    if level is Level.LINE:
        return name + 2 + counts if not counts else name + 1 + counts, 1
    label = min(_LABEL_LIMIT, cell_len(clean(node.label)))
    kind = cell_len(clean(node.type)) if level is Level.DETAIL else 0
    return 2 + max(name + 2, _ROOM[level], counts, label + 2, kind + 2), _ROWS[level]


def rows(
    node: DagNode,
    level: Level,
    width: int,
    status: NodeStatus,
    glyphs: Glyphs = UNICODE,
    *,
    marked: bool = False,
) -> list[list[Part]]:
    """The rows of a node without its frame, each of exactly the room inside `width` cells.

    Only these rows change with a status: `LINE` has one of `width` cells, boxes have theirs between
    the two side walls. A mark stands in the cell before the name.
    """
    glyph = fit(status.glyph, 1, glyphs)
    if level is Level.HEAT:
        return [[(glyph, Role.STATUS)]]
    name = title(node, level, glyphs, marked=marked)
    gap = glyphs.mark if marked else " "
    if level is Level.LINE:
        if node.count > 1:
            counts = fit(" " + status.detail, width - cell_len(name), glyphs)
            return [[(name, Role.NAME), (counts, Role.STATUS)]]
        return [[(glyph, Role.STATUS), (fit(gap + name, width - 1, glyphs), Role.NAME)]]
    inner = width - 2
    lines = [[(glyph, Role.STATUS), (fit(gap + name, inner - 1, glyphs), Role.NAME)]]
    if node.count > 1:
        lines = [[(fit(name, inner, glyphs), Role.NAME)]]
    if level is Level.DETAIL:
        about = node.label or node.type
        lines.append([(fit("  " + about, inner, glyphs), Role.FACT)])
        left, right = status.word, status.elapsed or status.detail
    else:
        left, right = status.elapsed or node.label, status.detail
    if node.count > 1 or (status.waiting and status.detail):
        left, right = status.detail, ""
    lines.append([(_ends(left, right, inner, glyphs), Role.FACT)])
    return lines


def _ends(left: str, right: str, width: int, glyphs: Glyphs) -> str:
    """Two facts below a name, the right one at the right margin if there is room for it."""
    left, right = clean(left), clean(right)
    if not left:
        return fit("  " + right if cell_len(right) + 2 <= width else right, width, glyphs)
    if right and cell_len(left) + cell_len(right) + 3 <= width:
        return fit("  " + left, width - cell_len(right), glyphs) + right
    return fit("  " + left, width, glyphs)


def gathered(members: Iterable[str], statuses: Mapping[str, NodeStatus]) -> NodeStatus:
    """The status of a folded node: its members counted, the most urgent first."""
    known = [statuses.get(name, PENDING) for name in members]
    counts: dict[tuple[int, str, str], int] = {}
    for status in known:
        key = (-status.rank, status.word, status.glyph)
        counts[key] = counts.get(key, 0) + 1
    worst = max(known, key=lambda status: status.rank, default=PENDING)
    return NodeStatus(
        worst.glyph,
        worst.word,
        worst.style,
        detail="  ".join(f"{key[2]} {counts[key]}" for key in sorted(counts)),
        rank=worst.rank,
        failed=worst.failed,
        untaken=all(status.untaken for status in known),
        waiting=all(status.waiting for status in known),
        ended=all(status.ended for status in known),
    )
