"""The panes of the execution screen: which tab is in front, and how much room each pane has."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

from textual import events
from textual.widget import Widget

from pipetui.measures import Measures
from pipetui.screens.face import Face
from pipetui.viewmodel.lines import Line, Span, Tone
from pipetui.viewmodel.moment import Moment
from pipetui.viewmodel.state import Display
from pipetui.widgets.log_pane import LogPane
from pipetui.widgets.rows import RowList
from pipetui.widgets.tab import Tab

if TYPE_CHECKING:
    from pipetui.feed import Feed

TABS = ("steps", "graph", "timeline", "log", "artifacts", "events", "metrics")
PANES = ("graph", "timeline", "artifacts", "events", "metrics")
"""The tabs whose pane is made when it is wanted; the others are always there."""


def make_pane(tab: str, feed: Feed, measures: Measures, look: Display) -> Tab:
    """The pane of a tab; what it needs loads now, because the first screen can do without."""
    match tab:
        case "graph":
            from pipetui.widgets.dag_pane import DagPane

            return DagPane(look, id=tab)
        case "timeline":
            from pipetui.widgets.timeline_pane import TimelinePane

            return TimelinePane(measures, id=tab)
        case "artifacts":
            from pipetui.widgets.artifact_pane import ArtifactPane

            return ArtifactPane(feed, look, id=tab)
        case "events":
            from pipetui.widgets.event_pane import EventPane

            return EventPane(look, id=tab)
        case _:
            from pipetui.widgets.metrics_pane import MetricsPane

            return MetricsPane(feed, measures, id=tab)


class PanesScreen(Face, inherit_bindings=False):
    """A list of steps, a log, and a pane for each other tab, made when it first is wanted.

    Args:
        tab: the tab to begin with.
    """

    def __init__(self, tab: str) -> None:
        super().__init__("tab-steps")
        self.tab = tab
        self._panes: dict[str, Tab] = {}
        self._behind: set[str] = set()
        self._share = 0
        self._measures: Measures | None = None

    @property
    def measures(self) -> Measures:
        """What steps took and told, as far as a pane asked for it."""
        if self._measures is None:
            self._measures = Measures(self.feed)
        return self._measures

    @property
    @abstractmethod
    def moment(self) -> Moment | None:
        """What the panes show; None until there is something."""

    @abstractmethod
    def show_head(self) -> None:
        """Paint the header and the names of the tabs."""

    @abstractmethod
    def show_selected(self) -> None:
        """Paint what belongs to the selected step."""

    @property
    def steps(self) -> RowList:
        """The list of steps."""
        return self.query_one("#steps", RowList)

    @property
    def log_pane(self) -> LogPane:
        """The log."""
        return self.query_one("#log", LogPane)

    @property
    def front(self) -> str:
        """Name of the tab whose pane is in sight beside steps and log; empty where none is."""
        if self.tab in PANES:
            return self.tab
        return "graph" if self.wide else ""

    def pane(self, name: str) -> Tab | None:
        """A tab's pane, None before it first came to the front."""
        return self._panes.get(name)

    def place_panes(self) -> None:
        """Put what belongs to the tab in sight."""
        for name in ("steps", "log"):
            self.set_class(name == self.tab, f"tab-{name}")
        self.set_class(self.tab in PANES, "tab-other")
        for name, pane in self._panes.items():
            cast("Widget", pane).set_class(name == self.front, "-front")
        focused = self._place_of_focus()
        for place in ("left", "log", "pane"):
            for size, name in ((1, "half"), (2, "full")):
                self.set_class(place == focused and size == self._share, f"-{name}-{place}")

    def _place_of_focus(self) -> str:
        """The part of the screen whose size the keys change."""
        focused = self.focused
        if focused is None or focused is self.steps or focused.id == "detail":
            return "left"
        return "log" if focused is self.log_pane else "pane"

    def show_front(self, changed: set[str] | None = None) -> None:
        """Paint the pane in sight; what was out of sight is painted whole when it comes back."""
        pane, moment = self.pane(self.front), self.moment
        # One that is being mounted is painted whole when it is there.
        if pane is None or moment is None or not cast("Widget", pane).is_mounted:
            return
        whole = self.front in self._behind
        self._behind = set(self._panes) - {self.front}
        pane.show(moment, None if whole else changed)

    async def bring_front(self) -> None:
        """Make the pane of the tab where there is none yet, and paint it."""
        front = self.front
        if front and front not in self._panes:
            pane = make_pane(front, self.feed, self.measures, self.look)
            self._panes[front] = pane
            self._behind.add(front)
            cast("Widget", pane).add_class("tab")
            await self.query_one("#side").mount(cast("Widget", pane), before="#log-rule")
        self.place_panes()
        self.show_front(set())

    def on_resize(self, event: events.Resize) -> None:
        """Where there is room now, the graph stands beside the steps."""
        super().on_resize(event)
        if self.moment is not None:
            self.call_later(self.bring_front)

    async def show_tab(self, tab: str) -> None:
        """Bring a tab to the front, and the keys to it."""
        self.tab = tab
        self.show_head()
        self.place_panes()
        await self.bring_front()
        self.show_selected()
        self.focus_body()
        self.refresh_footer()

    def focus_body(self) -> None:
        """The pane of the tab."""
        pane = self.pane(self.tab)
        if pane is not None:
            (pane.keys_to or cast("Widget", pane)).focus()
        elif self.tab == "log":
            self.log_pane.focus()
        else:
            self.steps.focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A size belongs to the pane that has the keys."""
        super().on_descendant_focus(event)
        if self._share:
            self.place_panes()

    def action_size(self, direction: int) -> None:
        """See the action table."""
        self._share = max(0, min(2, self._share + direction))
        self.place_panes()

    def action_full(self) -> None:
        """See the action table."""
        self._share = 0 if self._share == 2 else 2
        self.place_panes()

    def tab_places(self) -> list[tuple[int, int, Callable[[], object]]]:
        """See ``Shown``."""
        y, x = self.query_one("#tabs").region.y, 0
        found: list[tuple[int, int, Callable[[], object]]] = []
        for name in TABS:
            found.append((x, y, partial(self.call_later, self.show_tab, name)))
            x += len(name) + 3
        return found

    async def action_tab(self, tab: str) -> None:
        """See the action table."""
        await self.show_tab(tab)


def tab_at(current: str, x: int) -> str:
    """The tab whose name stands at cell ``x``; the current one where none does."""
    end = 0
    for name in TABS:
        end += len(name) + 3
        if x < end:
            return name
    return current


def tab_names(current: str) -> Line:
    """The names of the tabs, the current one in brackets."""
    spans: list[Span] = []
    for name in TABS:
        tone = Tone.ACCENT if name == current else Tone.DIM
        left, right = "[]" if name == current else "  "
        spans.append(Span(f" {left}{name.capitalize()}{right}", tone))
    return tuple(spans)
