"""What every screen has: header, filter line, footer, and the way it hears what changed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Input

from pipetui.actions import BY_ID, Action, Scope
from pipetui.keys import Performer, bindings, footer, valid_actions
from pipetui.term.pace import PacedScreen
from pipetui.viewmodel.filters import Filter
from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, length, words
from pipetui.viewmodel.state import Display
from pipetui.widgets.bar import Bar

if TYPE_CHECKING:
    from textual.worker import WorkType

    from pipetui.feed import Feed, Update
    from pipetui.ui import PipetuiApp

WIDE = 140
"""Columns from which panes stand beside each other."""
SHORT = 16
"""Lines below which previews and tails are left out."""


class Shown(Performer, PacedScreen, Screen[Any], inherit_bindings=False):
    """Anything that covers the terminal, or a part of it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.GLOBAL)
    AUTO_FOCUS = ""
    clear = False
    """Whether this screen shows what is masked on all others."""

    def __init__(self, classes: str = "") -> None:
        # Given here, not on mount: a class that comes later styles every widget a second time.
        super().__init__(classes=f"-narrow {classes}".strip())

    @property
    def ui(self) -> PipetuiApp:
        """The app."""
        return cast("PipetuiApp", self.app)

    @property
    def feed(self) -> Feed:
        """Where everything comes from."""
        return self.ui.feed

    @property
    def look(self) -> Display:
        """How the person wants things shown."""
        return replace(self.ui.look, clear=True) if self.clear else self.ui.look

    def renew(self, update: Update | None = None) -> None:
        """Show what changed; everything where there is no update."""

    def instead(self, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> None:
        """Work beside the loop, in place of whatever the group is at.

        Args:
            work: a function, as a coroutine that is replaced before it begins is missed aloud.
        """
        chosen: WorkType[None] = work
        self.run_worker(chosen, group=group, exclusive=True)

    def pulse(self) -> None:
        """Called some times a second, for what grows without events: logs."""

    def tick(self) -> None:
        """Called once a second, for what changes with the clock alone."""

    def keys_shown(self) -> list[tuple[Action, str, Performer]]:
        """What the footer has to choose from."""
        return valid_actions(self)

    def idle(self, action: Action) -> bool:
        """Whether an action has nothing to tell just now: its key keeps its place, greyed."""
        return False

    def refresh_footer(self) -> None:
        """Say which keys do something now."""
        bar = self.query("#footer").first(Bar)
        if self.ui.message:
            bar.show(words(f" {self.ui.message}", Tone.WAIT))
            return
        actions = self.keys_shown()
        refused = [
            one.id for one, _, _ in actions if self.feed.refusal(one.needs) or self.idle(one)
        ]
        lag = words(f" {self.ui.link_badge} " if self.ui.link_badge else "", Tone.WAIT)
        bar.show(footer(actions, refused, self.size.width - length(lag)), lag)

    def on_mount(self) -> None:
        """The first picture."""
        self._measure()
        self.renew()
        self.call_after_refresh(self.refresh_footer)

    def on_screen_resume(self) -> None:
        """Back on top: catch up."""
        if not self.is_mounted:
            return
        self.renew()
        self.call_after_refresh(self.refresh_footer)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Other keys are valid now."""
        self.call_after_refresh(self.refresh_footer)

    def on_resize(self, event: events.Resize) -> None:
        """Another size: another arrangement."""
        self._measure()
        self.renew()
        self.call_after_refresh(self.refresh_footer)

    def _measure(self) -> None:
        size = self.app.size
        self.set_class(size.width >= WIDE, "-wide")
        self.set_class(size.width < WIDE, "-narrow")
        self.set_class(size.height < SHORT, "-short")
        self.set_class(not self.look.unicode, "-ascii")

    @property
    def wide(self) -> bool:
        """Whether panes stand beside each other."""
        return self.app.size.width >= WIDE

    def action_back(self) -> None:
        """One level back."""
        self.dismiss(None)

    def action_leave(self) -> None:
        """Leave this screen."""
        self.dismiss(None)

    def action_exit_now(self) -> None:
        """Leave the program."""
        self.app.exit()

    def action_repaint(self) -> None:
        """Paint everything again."""
        self.refresh(layout=True)
        self.ui.repaint()

    def tab_places(self) -> list[tuple[int, int, Callable[[], object]]]:
        """The cells at which the names of tabs begin, and what shows each."""
        return []

    def action_jump(self) -> None:
        """See the action table."""
        from pipetui.screens.jump import ask_place

        ask_place(self)

    def action_next_pane(self) -> None:
        """See the action table."""
        self.focus_next()

    def action_previous_pane(self) -> None:
        """See the action table."""
        self.focus_previous()


class Face(Shown):
    """A whole screen: header, body, filter line and footer."""

    def __init__(self, classes: str = "") -> None:
        super().__init__(classes)
        self.filter = Filter()

    filter_hint = "text  !not  ~fuzzy"
    """What the filter line says while it is empty."""

    def compose(self) -> ComposeResult:
        """Header, body, filter line, footer."""
        yield Bar(id="header")
        yield from self.body()
        yield Input(id="filter", classes="hidden", placeholder=self.filter_hint)
        yield Bar(id="footer")

    def body(self) -> Iterator[Widget]:
        """What stands between header and footer."""
        return iter(())

    def head(self, left: Line, right: Line = BLANK) -> None:
        """Show the header; where the source does not answer it says so at the right."""
        trouble = self.feed.trouble
        if trouble:
            right = words(f" ! {trouble} ", Tone.BAD)
        elif self.ui.paused:
            right = words(" paused ", Tone.WAIT)
        elif self.clear:
            right = (Span(" secrets shown ", Tone.WAIT), *right)
        self.query_one("#header", Bar).show(left, right)

    def filtered(self) -> None:
        """The filter has another text."""
        self.renew()

    def action_filter(self) -> None:
        """Type a filter."""
        box = self.query_one("#filter", Input)
        box.remove_class("hidden")
        box.focus()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        self.filter = Filter(event.value)
        self.filtered()

    @on(Input.Submitted, "#filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        self.query_one("#filter", Input).set_class(not event.value, "hidden")
        self.focus_body()

    def focus_body(self) -> None:
        """Focus the pane that a person works in."""

    def clear_filter(self) -> bool:
        """Take the filter away; whether there was one."""
        box = self.query_one("#filter", Input)
        if box.has_class("hidden"):
            return False
        box.add_class("hidden")
        box.value = ""
        self.focus_body()
        return True

    def action_back(self) -> None:
        """Clear the filter, then one level back."""
        if not self.clear_filter():
            self.go_back()

    def go_back(self) -> None:
        """One level back, where there is one."""
        if self is not self.ui.root:
            self.dismiss(None)

    def action_leave(self) -> None:
        """Leave the screen; at the top the program."""
        if self is self.ui.first:
            self.app.exit()
        else:
            self.dismiss(None)

    def action_help(self) -> None:
        """The keys that are valid here."""
        from pipetui.screens.help import HelpScreen

        self.app.push_screen(HelpScreen(valid_actions(self)))

    def action_palette(self) -> None:
        """Go somewhere, or do something, by name."""
        from pipetui.screens.palette import Palette

        self.app.push_screen(Palette(valid_actions(self)))

    def action_audit(self) -> None:
        """See the action table."""
        from pipetui.screens.audit import AuditScreen

        self.app.push_screen(AuditScreen())

    def action_inbox(self) -> None:
        """All that waits for a person."""
        from pipetui.screens.inbox import InboxScreen

        self.app.push_screen(InboxScreen())

    def action_models(self) -> None:
        """See the action table."""
        from pipetui.screens.models import ModelsScreen

        self.app.push_screen(ModelsScreen())

    def action_pause(self) -> None:
        """See the action table."""
        self.ui.pause()

    def action_theme(self) -> None:
        """The next colours."""
        self.ui.next_theme()

    @property
    def place(self) -> str:
        """What the screen shows, in a few words."""
        return f"the {type(self).__name__.removesuffix('Screen').lower()} screen"

    def action_secrets(self) -> None:
        """See the action table."""
        if kept := self.feed.keeps_masks:
            self.ui.say(f"secrets stay masked: {kept}")
            return
        self.clear = not self.clear
        if self.clear:
            self.feed.note_shown(self.place)
        self.ui.say("secrets are shown until this screen is left" if self.clear else "masked")
        self.renew()

    def action_times(self) -> None:
        """The next way to show times."""
        self.ui.next_times()
        self.renew()


class Dialog(Shown, ModalScreen[Any], inherit_bindings=False):
    """A question over a screen that stays in sight."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.CONFIRM, Scope.GLOBAL)

    def keys_shown(self) -> list[tuple[Action, str, Performer]]:
        """A text that is typed takes enter for itself, and hands it on."""
        chosen = (BY_ID["confirm.yes"], BY_ID["global.back"])
        return [(action, action.keys.split(",")[0], self) for action in chosen]
