"""The graph on the screen: one Line-API widget that repaints no more than what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
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

from pipetui.dag.caption import Surroundings, caption, overview, reason_to_wait
from pipetui.dag.cells import UNICODE, Glyphs, Wire
from pipetui.dag.critical import critical_path, time_to_start
from pipetui.dag.detail import PENDING, Level, NodeStatus, Part, Role, rows
from pipetui.dag.export import Format, export
from pipetui.dag.fold import drawn, group_at
from pipetui.dag.graph import Dag
from pipetui.dag.layout import lay_out
from pipetui.dag.minimap import HEIGHT as MAP_HEIGHT
from pipetui.dag.minimap import WIDTH as MAP_WIDTH
from pipetui.dag.minimap import footprint, minimap
from pipetui.dag.paint import Look, Piece, looks, paint, status_of
from pipetui.dag.picture import Box, Direction, Picture, Region, navigate

_IN_A_THREAD = 1_000
_KEPT_PICTURES = 12
_MAP_FROM_WIDTH = 120
_CAPTION = 1
"""Rows below the picture, for the line about the selected node."""
_PAN = {"left": (-8, 0), "right": (8, 0), "up": (0, -4), "down": (0, 4)}
_LOOK_CLASSES = {
    Look.PLAIN: "dag--wire",
    Look.UNTAKEN: "dag--untaken",
    Look.CRITICAL: "dag--critical",
    Look.FAILED: "dag--failed",
}
_PictureKey = tuple[str, int, int, Level | None, frozenset[str] | None]


class DagView(ScrollView, can_focus=True, inherit_bindings=False):
    """A live picture of a pipeline, with a line about the selected node below it.

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
        "dag--caption",
    }
    DEFAULT_CSS = """
    DagView {
        & > .dag--wire { color: $text-muted; }
        & > .dag--untaken { color: $text-disabled; }
        & > .dag--critical { color: $foreground; text-style: bold; }
        & > .dag--failed { color: $text-error; }
        & > .dag--name { color: $foreground; }
        & > .dag--fact { color: $text-muted; }
        & > .dag--selected { text-style: reverse; }
        & > .dag--map { color: $text-muted; background: $panel; }
        & > .dag--map-view { color: $text; background: $primary-muted; }
        & > .dag--caption { background: $panel; }
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
        self._around = Surroundings(Dag())
        self._folded: frozenset[str] | None = None
        self._level: Level | None = None
        self._statuses: dict[str, NodeStatus] = {}
        self._shown: dict[str, NodeStatus] = {}
        self._durations: Mapping[str, float] = {}
        self._expected: Mapping[str, float] = {}
        self._marks: frozenset[str] = frozenset()
        self._marked: frozenset[str] = frozenset()
        self._styles: dict[tuple[object, ...], Style] = {}
        self._footprint: frozenset[tuple[int, int]] = frozenset()
        self._caption: list[Part] = []
        self._caption_style = ""
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
        self._folded = None
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
        self._repaint_caption()

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
        self._repaint_caption()

    def set_expected(self, durations: Mapping[str, float]) -> None:
        """How many seconds each step is expected to take, for when a waiting one may start."""
        self._expected = dict(durations)
        self._repaint_caption()

    def nodes_in_sight(self) -> list[tuple[str, int, int]]:
        """Each node that begins in sight, with that cell; none where nodes are single cells."""
        if self.picture.level is Level.HEAT:
            return []
        left, top = self.scroll_offset
        width, height = self.sight.width, self.sight.height - _CAPTION
        cells = [
            (name, box.region.x - left, box.region.y - top)
            for name, box in self.picture.boxes.items()
        ]
        return [one for one in cells if 0 <= one[1] < width and 0 <= one[2] < height]

    def set_marks(self, names: Collection[str]) -> None:
        """Mark these steps, and the folded nodes that hold any of them, and no others."""
        if self._marks != frozenset(names):
            self._marks = frozenset(names)
            self._mark_visible()

    def exported(self, form: Format, title: str = "") -> str:
        """The graph as it stands, in some form."""
        return export(
            self._dag,
            form,
            statuses=dict(self._statuses),
            durations=self._durations,
            width=max(80, self.sight.width),
            title=title,
            glyphs=self.glyphs,
        )

    def watch_selected(self, before: str | None, after: str | None) -> None:
        for name in (before, after):
            if name is not None and (seen := self.picture.visible(name)):
                self._refresh_box(seen)
        self._repaint_caption()
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
        """More (1) or less (-1) detail, with the same groups folded; the heat map has all steps."""
        if self.picture.level > Level.HEAT:
            self._folded = self.picture.folded
        level = min(max(self.picture.level + steps, Level.HEAT), Level.DETAIL)
        self._level = Level(level)
        self._draw_anew()

    def action_fit(self) -> None:
        """The level of detail and the folding that fit the view, from the start."""
        self._level = self._folded = None
        self._draw_anew()
        self.scroll_to(0, 0, animate=False)

    def action_pan(self, direction: Direction) -> None:
        """Move the view over the picture."""
        x, y = _PAN[direction]
        self.scroll_relative(x, y, animate=False)

    def action_fold(self) -> None:
        """Fold the selected step's group or unfold the selected node; with neither, all groups."""
        found, keys = drawn(self._dag).groups, self.picture.folded
        here = self.selected or ""
        own = group_at(found, keys, self.picture.members.get(here, (here,)))
        if own:
            self._folded = keys ^ {own}
        else:
            self._folded = frozenset() if keys else frozenset(group.key for group in found)
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

    @property
    def sight(self) -> Size:
        """The cells between the scroll bars."""
        return self.scrollable_content_region.size

    def on_mount(self) -> None:
        self._draw_anew()

    def on_resize(self, event: events.Resize) -> None:
        self._draw_anew()

    def _draw_anew(self) -> None:
        """Take the picture for the present size and choices, laying it out if there is none yet."""
        gutter = self.styles.gutter
        width = self.outer_size.width - gutter.width
        height = self.outer_size.height - gutter.height - _CAPTION
        if width <= 0 or height <= 0:
            return
        folded = frozenset[str]() if self._level is Level.HEAT else self._folded
        key = (self._digest, width, height, self._level, folded)
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
        self._around = Surroundings(drawn(self._dag).dag)
        self._shown = {name: self._status(name) for name in picture.boxes}
        self._looks = looks(picture, self._shown, self._critical)
        self._marked = self._visible_marks()
        self._footprint = footprint(picture)
        self.virtual_size = Size(picture.width, picture.height + _CAPTION)
        self.set_reactive(DagView.selected, selected)
        if selected:
            self._show(selected)
        self._repaint_caption()
        self.refresh()
        # Scroll bars that come or go take the room of the line below the picture.
        self.call_after_refresh(self._settle, self.sight)

    def _settle(self, size: Size) -> None:
        if size != self.sight:
            self._repaint_caption()
            self.refresh()

    # Painting

    def render_line(self, y: int) -> Strip:
        if y == self.sight.height - _CAPTION:
            return self._caption_strip()
        left, top = self.scroll_offset
        width = self.sight.width
        pieces = paint(
            self.picture,
            y + top,
            self._shown,
            self._looks,
            self.glyphs,
            left=left,
            right=left + width,
            marks=self._marked,
        )
        start = min(left, pieces[0].x) if pieces else left
        strip = Strip(self._segments(pieces, start))
        return self._with_map(strip.crop_extend(left - start, left - start + width, self._paper), y)

    def _segments(self, pieces: Iterable[Piece], at: int) -> Iterator[Segment]:
        """The pieces and the gaps between them from column `at`, as few runs of one style.

        A gap looks the same in the style of what stands before it, and costs no bytes then.
        """
        text, style = "", self._paper
        for piece in pieces:
            own = self._style(piece)
            gap = " " * (piece.x - at)
            if gap and (style.reverse or style.underline):
                yield Segment(text, style)
                text, style = "", self._paper
            text += gap
            if own is not style:
                yield Segment(text, style)
                text, style = "", own
            text += piece.text
            at = piece.x + cell_len(piece.text)
        yield Segment(text, style)

    def _style(self, piece: Piece) -> Style:
        """The style of a piece, the same object for the same look."""
        status = self._shown.get(piece.name, PENDING)
        key = (
            piece.look,
            piece.role,
            _text_style(piece.role, status, chosen=piece.name == self.selected),
            piece.name in self._critical and piece.role in (Role.FRAME, Role.NAME),
            piece.name in self._marked and self.picture.level is Level.HEAT,
            piece.look is None and piece.name == self.selected,
        )
        if key not in self._styles:
            self._styles[key] = self._paper + self._made_style(*key)
        return self._styles[key]

    @property
    def _paper(self) -> Style:
        """The widget's own style; to work it out anew for each row is a tenth of a frame."""
        if () not in self._styles:
            self._styles[()] = self.rich_style
        return self._styles[()]

    def _made_style(
        self,
        look: Look | None,
        role: Role,
        text: str,
        bold: bool,
        underline: bool,
        chosen: bool,
    ) -> Style:
        if look is not None:
            return self._partial_style(_LOOK_CLASSES[look])
        style = self._text_style(role, text)
        style += Style(bold=bold or None, underline=underline or None)
        return style + self._partial_style("dag--selected") if chosen else style

    def _text_style(self, role: Role, text: str) -> Style:
        names = {Role.NAME: "dag--name", Role.FACT: "dag--fact", Role.FRAME: "dag--wire"}
        return self._partial_style(names.get(role, "dag--name")) + Style.parse(text)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()

    def _partial_style(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)

    def _with_map(self, strip: Strip, y: int) -> Strip:
        """The strip with the map's row over its right end, where the map is."""
        width, height = self.sight.width, self.sight.height - _CAPTION
        row = y - (height - MAP_HEIGHT)
        larger = self.picture.width > width or self.picture.height > height
        if (
            not larger
            or width < _MAP_FROM_WIDTH
            or height < 3 * MAP_HEIGHT
            or not 0 <= row < MAP_HEIGHT
        ):
            return strip
        view = Region(*self.scroll_offset, width, height)
        inside, outside = self._partial_style("dag--map-view"), self._partial_style("dag--map")
        cells = [
            Segment(self.glyphs.line[10] if char == "#" else " ", inside if seen else outside)
            for char, seen in minimap(self.picture, self._footprint, view)[row]
        ]
        return Strip.join([strip.crop(0, width - MAP_WIDTH), Strip(cells).simplify()])

    def _caption_strip(self) -> Strip:
        base = self.rich_style + self._partial_style("dag--caption")
        status = self._shown.get(self.selected or "", PENDING)
        strip = Strip(
            Segment(text, base + self._text_style(role, _text_style(role, status)))
            for text, role in self._caption
        )
        return strip.adjust_cell_length(self.sight.width, base)

    def _caption_parts(self) -> list[Part]:
        width, name = self.sight.width, self.selected
        if not name or name not in self.picture.boxes:
            folded = sum(map(len, self.picture.members.values())) - len(self.picture.members)
            return overview(self._dag, self._statuses, folded, width, self.glyphs)
        members = self.picture.members.get(name, ())
        eta = ""
        if not members and self._expected and self._statuses.get(name, PENDING).waiting:
            eta = self._time_to_start(name)
        return caption(
            name,
            members,
            self._around,
            self._statuses,
            width,
            eta=eta,
            told=self.picture.level is Level.DETAIL,
            glyphs=self.glyphs,
        )

    def _time_to_start(self, name: str) -> str:
        ended = {step for step, status in self._statuses.items() if status.ended}
        dag = drawn(self._dag).dag
        seconds = time_to_start(dag, name, self._expected, self._durations, ended)
        if seconds is None:
            return ""
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes:02d}:{rest:02d}"

    # Repainting

    def _status(self, name: str) -> NodeStatus:
        status = status_of(self.picture, name, self._statuses)
        if status.waiting and not status.detail:
            return replace(status, detail=reason_to_wait(name, self._around))
        return status

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
        before, self._looks = self._looks, looks(self.picture, self._shown, self._critical)
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
        marked = box.node.name in self._marked
        chosen = box.node.name == self.selected
        old = rows(box.node, level, width, before, self.glyphs, marked=marked)
        new = rows(box.node, level, width, after, self.glyphs, marked=marked)
        for index, (was, now) in enumerate(zip(old, new, strict=True)):
            x = box.region.x + inset
            for part, following in zip(was, now, strict=True):
                length = cell_len(part[0])
                styles = (_text_style(part[1], one, chosen=chosen) for one in (before, after))
                restyled = len(set(styles)) > 1
                if restyled or part != following:
                    self._refresh_cells(Region(x, box.region.y + inset + index, length, 1))
                x += length

    def _visible_marks(self) -> frozenset[str]:
        return frozenset(filter(None, map(self.picture.visible, self._marks)))

    def _mark_visible(self) -> None:
        before, self._marked = self._marked, self._visible_marks()
        for name in before ^ self._marked:
            self._refresh_box(name)

    def _repaint_caption(self) -> None:
        """Repaint the cells of the line below the picture that differ."""
        before, self._caption = self._caption, self._caption_parts()
        was, now = ("".join(text for text, _ in parts) for parts in (before, self._caption))
        start = cell_len(now[: _alike(was, now)])
        end = cell_len(now[: len(now) - _alike(was[::-1], now[::-1])])
        y = self.sight.height - _CAPTION
        if was != now:
            self.refresh(ScreenRegion(start, y, max(1, end - start), _CAPTION))
        style = self._shown.get(self.selected or "", PENDING).style
        if style != self._caption_style and not now.startswith(" "):
            self._caption_style = style
            self.refresh(ScreenRegion(0, y, 1, _CAPTION))

    def _refresh_box(self, name: str) -> None:
        self._refresh_cells(self.picture.boxes[name].region)

    def _refresh_cells(self, region: Region) -> None:
        x, y = self.scroll_offset
        self.refresh(ScreenRegion(*region).translate((-x, -y)))

    def _show_critical(self, path: tuple[str, ...]) -> None:
        self._critical = path
        self._looks = looks(self.picture, self._shown, path)
        self.refresh()

    def _show(self, name: str) -> None:
        if name in self.picture.boxes:
            region = ScreenRegion(*self.picture.boxes[name].region)
            self.scroll_to_region(region.grow((0, 0, _CAPTION, 0)), animate=False, force=True)

    def on_click(self, event: events.Click) -> None:
        if event.y >= self.sight.height - _CAPTION:
            return
        left, top = self.scroll_offset
        name = self.picture.at(event.x + left, event.y + top)
        if name is not None:
            self.selected = name


def _text_style(role: Role, status: NodeStatus, *, chosen: bool = False) -> str:
    """What a status adds to the style of a part; frames are the same for all.

    The name of the chosen node is a block of colour as it is: its glyph and its word tell.
    """
    names = role is Role.NAME and (status.failed or status.untaken) and not chosen
    return status.style if names or role is Role.STATUS else ""


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
