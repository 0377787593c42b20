"""The graph on the screen: one Line-API widget that repaints no more than what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region as ScreenRegion
from textual.geometry import Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from pipetui.dag.cells import UNICODE, Glyphs, Wire
from pipetui.dag.critical import critical_path
from pipetui.dag.detail import PENDING, Level, NodeStatus, Role, rows
from pipetui.dag.fold import Group, automatic, groups
from pipetui.dag.graph import Dag, drawable
from pipetui.dag.layout import lay_out
from pipetui.dag.minimap import HEIGHT as MAP_HEIGHT
from pipetui.dag.minimap import WIDTH as MAP_WIDTH
from pipetui.dag.minimap import minimap
from pipetui.dag.paint import Look, Piece, looks, paint, status_of
from pipetui.dag.picture import Box, Direction, Picture, Region, navigate
from pipetui.dag.spans import send_spans_only

_IN_A_THREAD = 1_000
_KEPT_PICTURES = 12
_MAP_FROM_WIDTH = 120
_PAN = {"left": (-8, 0), "right": (8, 0), "up": (0, -4), "down": (0, 4)}
_LOOK_CLASSES = {
    Look.PLAIN: "dag--wire",
    Look.UNTAKEN: "dag--untaken",
    Look.CRITICAL: "dag--critical",
    Look.FAILED: "dag--failed",
}
_PictureKey = tuple[str, int, int, Level | None, frozenset[str] | None]


class DagView(ScrollView, can_focus=True, inherit_bindings=False):
    """A live picture of a pipeline.

    It binds no keys: the `action_...` methods are for the screen's action table.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "dag--wire",
        "dag--untaken",
        "dag--critical",
        "dag--failed",
        "dag--name",
        "dag--fact",
        "dag--selected",
        "dag--map",
        "dag--map-view",
    }
    DEFAULT_CSS = """
    DagView {
        & > .dag--wire { color: $text-muted; }
        & > .dag--untaken { color: $text-disabled; }
        & > .dag--critical { color: $text; text-style: bold; }
        & > .dag--failed { color: $text-error; }
        & > .dag--name { color: $text; }
        & > .dag--fact { color: $text-muted; }
        & > .dag--selected { text-style: reverse; }
        & > .dag--map { color: $text-muted; background: $panel; }
        & > .dag--map-view { color: $text; background: $primary-muted; }
    }
    """

    selected: var[str | None] = var(None, init=False)

    class Selected(Message):
        """A node was selected: a step's name, or a folded node's with the steps in it."""

        def __init__(self, view: DagView, name: str, members: tuple[str, ...]) -> None:
            super().__init__()
            self.view = view
            self.name = name
            self.members = members

        @property
        def control(self) -> DagView:
            return self.view

    def __init__(
        self,
        dag: Dag | None = None,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.glyphs = glyphs
        self.picture = Picture()
        self._dag = dag or Dag()
        self._digest = self._dag.digest()
        self._groups: tuple[Group, ...] | None = None
        self._folded: frozenset[str] | None = None
        self._level: Level | None = None
        self._statuses: dict[str, NodeStatus] = {}
        self._shown: dict[str, NodeStatus] = {}
        self._durations: Mapping[str, float] = {}
        self._critical: tuple[str, ...] = ()
        self._looks: list[Look] = []
        self._pictures: dict[_PictureKey, Picture] = {}
        self._wanted: _PictureKey | None = None
        self._sought = ""

    # What is shown

    def set_dag(self, dag: Dag) -> None:
        """Show this graph; the same graph again changes nothing."""
        digest = dag.digest()
        if digest == self._digest:
            return
        self._dag, self._digest = dag, digest
        self._groups, self._folded = None, None
        self._durations, self._critical = {}, ()
        self._draw_anew()

    def set_status(self, name: str, status: NodeStatus) -> None:
        """Show a step's status, repainting its rows and what changes of its edges."""
        self.set_statuses({name: status})

    def set_statuses(self, statuses: Mapping[str, NodeStatus]) -> None:
        """Show many statuses at once."""
        changed = {name for name, status in statuses.items() if self._statuses.get(name) != status}
        self._statuses.update(statuses)
        self._repaint_statuses({seen for name in changed if (seen := self.picture.visible(name))})

    def seek(self, step: str) -> None:
        """Select a step, or the folded node that holds it, as soon as there is a picture of it."""
        seen = self.picture.visible(step)
        self._sought = "" if seen else step
        if seen and seen != self.selected:
            self.selected = seen

    def set_durations(self, durations: Mapping[str, float]) -> None:
        """The steps' durations in seconds, for the critical path."""
        self._durations = dict(durations)
        if self._critical:
            self._show_critical(critical_path(self._dag, self._durations))

    def watch_selected(self, before: str | None, after: str | None) -> None:
        for name in (before, after):
            if name is not None and (seen := self.picture.visible(name)):
                self._refresh_box(seen)
        if after is None:
            return
        self._show(after)
        self.post_message(self.Selected(self, after, self.picture.members.get(after, ())))

    # Actions for the screen's keys

    def action_walk(self, direction: Direction) -> None:
        """Select the node that lies in this direction."""
        if self.picture.boxes:
            here = self.selected
            boxes = self.picture.boxes
            self.selected = navigate(self.picture, here, direction) if here else next(iter(boxes))

    def action_zoom(self, steps: int) -> None:
        """More (1) or less (-1) detail."""
        level = min(max(self.picture.level + steps, Level.HEAT), Level.DETAIL)
        self._level = Level(level)
        self._draw_anew()

    def action_fit(self) -> None:
        """The level of detail that fits the view, from the start."""
        self._level = None
        self._draw_anew()
        self.scroll_to(0, 0, animate=False)

    def action_pan(self, direction: Direction) -> None:
        """Move the view over the picture."""
        x, y = _PAN[direction]
        self.scroll_relative(x, y, animate=False)

    def action_fold(self) -> None:
        """Fold the selected step's group or unfold the selected node; with neither, all groups."""
        found = self._groups = drawn_groups(self._dag) if self._groups is None else self._groups
        plain = automatic(self._dag, found)
        keys = set(plain if self._folded is None else self._folded)
        members = self.picture.members.get(self.selected or "", (self.selected,))
        own = {group.key for group in found if members[0] in group.members}
        keys ^= own or {group.key for group in found} - keys or keys.copy()
        self._folded = frozenset(keys)
        self._draw_anew()

    def action_critical_path(self) -> None:
        """Show or hide the critical path."""
        self._show_critical(() if self._critical else critical_path(self._dag, self._durations))

    def action_next_failed(self, steps: int = 1) -> None:
        """Select the next failed node in the author's order, the previous one with -1."""
        names = [name for name in self.picture.boxes if self._status(name).failed]
        if not names:
            return
        order = {name: index for index, name in enumerate(self.picture.boxes)}
        here = order.get(self.selected or "", -1)
        ahead = [name for name in names if (order[name] - here) * steps > 0]
        if ahead:
            self.selected = ahead[0 if steps > 0 else -1]
        else:
            self.selected = names[0 if steps > 0 else -1]

    # Layout

    def on_mount(self) -> None:
        send_spans_only(self.screen)
        self._draw_anew()

    def on_resize(self, event: events.Resize) -> None:
        self._draw_anew()

    def _draw_anew(self) -> None:
        """Take the picture for the present size and choices, laying it out if there is none yet."""
        gutter = self.styles.gutter
        width, height = self.outer_size.width - gutter.width, self.outer_size.height - gutter.height
        if width <= 0 or height <= 0:
            return
        key = (self._digest, width, height, self._level, self._folded)
        self._wanted = key
        if key in self._pictures:
            self._take(self._pictures[key])
        elif len(self._dag.nodes) > _IN_A_THREAD:
            self.run_worker(self._lay_out_aside(key), exclusive=True, group="dag-layout")
        else:
            self._keep(key, self._laid_out(key))

    def _laid_out(self, key: _PictureKey) -> Picture:
        _, width, height, level, folded = key
        return lay_out(self._dag, width=width, height=height, level=level, folded=folded)

    async def _lay_out_aside(self, key: _PictureKey) -> None:
        self._keep(key, await asyncio.to_thread(self._laid_out, key))

    def _keep(self, key: _PictureKey, picture: Picture) -> None:
        while len(self._pictures) >= _KEPT_PICTURES:
            del self._pictures[next(iter(self._pictures))]
        self._pictures[key] = picture
        if key == self._wanted:
            self._take(picture)

    def _take(self, picture: Picture) -> None:
        if picture is self.picture:
            return
        selected = self.selected
        if selected:
            first = self.picture.members.get(selected, (selected,))[0]
            selected = picture.visible(first)
        if self._sought and (sought := picture.visible(self._sought)):
            selected, self._sought = sought, ""
        self.picture = picture
        self._shown = {name: self._status(name) for name in picture.boxes}
        self._looks = looks(picture, self._statuses, self._critical)
        self.virtual_size = Size(picture.width, picture.height)
        self.set_reactive(DagView.selected, selected)
        if selected:
            self._show(selected)
        self.refresh()

    # Painting

    def render_line(self, y: int) -> Strip:
        left, top = self.scroll_offset
        width = self.size.width
        base = self.rich_style
        segments: list[Segment] = []
        at = left
        pieces = paint(
            self.picture,
            y + top,
            self._statuses,
            self._looks,
            self.glyphs,
            left=left,
            right=left + width,
        )
        for piece in pieces:
            if piece.x > at:
                segments.append(Segment(" " * (piece.x - at), base))
            segments.append(Segment(piece.text, base + self._style(piece)))
            at = piece.x + cell_len(piece.text)
        start = min(left, pieces[0].x) if pieces else left
        strip = Strip(segments).crop_extend(left - start, left - start + width, base)
        return self._with_map(strip, y)

    def _style(self, piece: Piece) -> Style:
        if piece.look is not None:
            return self._partial_style(_LOOK_CLASSES[piece.look])
        names = {Role.NAME: "dag--name", Role.FACT: "dag--fact", Role.FRAME: "dag--wire"}
        style = self._partial_style(names.get(piece.role, "dag--name"))
        style += Style.parse(_text_style(piece.role, self._shown.get(piece.name, PENDING)))
        if piece.name in self._critical and piece.role in (Role.FRAME, Role.NAME):
            style += Style(bold=True)
        chosen = piece.name == self.selected
        return style + self._partial_style("dag--selected") if chosen else style

    def _partial_style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)

    def _with_map(self, strip: Strip, y: int) -> Strip:
        """The strip with the map's row over its right end, where the map is."""
        width, height = self.size
        row = y - (height - MAP_HEIGHT)
        larger = self.picture.width > width or self.picture.height > height
        if not larger or width < _MAP_FROM_WIDTH or height < 3 * MAP_HEIGHT or row < 0:
            return strip
        view = Region(*self.scroll_offset, width, height)
        inside, outside = self._partial_style("dag--map-view"), self._partial_style("dag--map")
        cells = [
            Segment(self.glyphs.line[10] if char == "#" else " ", inside if seen else outside)
            for char, seen in minimap(self.picture, view)[row]
        ]
        return Strip.join([strip.crop(0, width - MAP_WIDTH), Strip(cells).simplify()])

    # Repainting

    def _status(self, name: str) -> NodeStatus:
        return status_of(self.picture, name, self._statuses)

    def _repaint_statuses(self, names: Iterable[str]) -> None:
        edges_change = False
        for name in names:
            before, after = self._shown[name], self._status(name)
            self._shown[name] = after
            edges_change |= (before.failed, before.untaken) != (after.failed, after.untaken)
            self._refresh_parts(self.picture.boxes[name], before, after)
        if edges_change:
            self._repaint_edges()

    def _repaint_edges(self) -> None:
        before, self._looks = self._looks, looks(self.picture, self._statuses, self._critical)
        changed = {index for index, look in enumerate(self._looks) if look != before[index]}
        if not changed:
            return
        for y, line in enumerate(self.picture.lines):
            for item in line:
                if isinstance(item, Wire) and not changed.isdisjoint(item.edges):
                    was = max(before[edge] for edge in item.edges)
                    if was != max(self._looks[edge] for edge in item.edges):
                        self._refresh_cells(Region(item.x, y, len(item.masks), 1))

    def _refresh_parts(self, box: Box, before: NodeStatus, after: NodeStatus) -> None:
        """Repaint the texts of a box that differ between two statuses."""
        level, width = self.picture.level, box.region.width
        inset = 1 if level > Level.LINE else 0
        old = rows(box.node, level, width, before, self.glyphs)
        new = rows(box.node, level, width, after, self.glyphs)
        for index, (was, now) in enumerate(zip(old, new, strict=True)):
            x = box.region.x + inset
            for part, following in zip(was, now, strict=True):
                length = cell_len(part[0])
                restyled = _text_style(part[1], before) != _text_style(part[1], after)
                if restyled or part != following:
                    self._refresh_cells(Region(x, box.region.y + inset + index, length, 1))
                x += length

    def _refresh_box(self, name: str) -> None:
        self._refresh_cells(self.picture.boxes[name].region)

    def _refresh_cells(self, region: Region) -> None:
        x, y = self.scroll_offset
        self.refresh(ScreenRegion(*region).translate((-x, -y)))

    def _show_critical(self, path: tuple[str, ...]) -> None:
        self._critical = path
        self._looks = looks(self.picture, self._statuses, path)
        self.refresh()

    def _show(self, name: str) -> None:
        if name in self.picture.boxes:
            region = ScreenRegion(*self.picture.boxes[name].region)
            self.scroll_to_region(region, animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        left, top = self.scroll_offset
        name = self.picture.at(event.x + left, event.y + top)
        if name is not None:
            self.selected = name


def _text_style(role: Role, status: NodeStatus) -> str:
    """What a status adds to the style of a part; frames are the same for all."""
    if role is Role.STATUS or (role is Role.NAME and status.failed):
        return status.style
    return "dim" if role is Role.NAME and status.untaken else ""


def drawn_groups(dag: Dag) -> tuple[Group, ...]:
    """The groups that may fold in this graph as it is drawn."""
    return groups(drawable(dag))
