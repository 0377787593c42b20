"""From the action table to Textual: bindings, the one way an action is performed, the footer."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from inspect import isawaitable
from typing import TYPE_CHECKING, cast

from textual.binding import Binding, BindingType
from textual.dom import DOMNode

from pipetui.actions import BY_ID, Action, Scope, key_name, of_scope
from pipetui.viewmodel.lines import Line, Span, Tone, length

if TYPE_CHECKING:
    from textual.screen import Screen

    from pipetui.ui import PipetuiApp

    _Node = DOMNode
else:
    # Textual looks for inherited styles and components along the first base that is a node.
    _Node = object


def bindings(*scopes: Scope) -> list[BindingType]:
    """The Textual bindings of some scopes."""
    return [
        Binding(action.keys, f"perform('{action.id}')", action.label, show=False, id=action.id)
        for scope in scopes
        for action in of_scope(scope)
    ]


class Performer(_Node):
    """A mixin, named first: performs the table's actions through ``action_<handler>`` methods."""

    def applies(self, action: Action) -> bool:
        """Whether an action does something just now; what does not is neither shown nor done."""
        return True

    def can(self, action: Action) -> bool:
        """Whether this node has the action and it applies."""
        return hasattr(self, f"action_{action.handler}") and self.applies(action)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "perform":
            return super().check_action(action, parameters)
        return self.can(BY_ID[str(parameters[0])])

    async def action_perform(self, action_id: str) -> None:
        """Do what the table says, unless the source refuses it: then say why."""
        action = BY_ID[action_id]
        ui = cast("PipetuiApp", self.app)
        if reason := ui.feed.refusal(action.needs):
            ui.say(f"{action.label}: {reason}")
            return
        result: Awaitable[None] | None = getattr(self, f"action_{action.handler}")(
            *action.arguments
        )
        if isawaitable(result):
            await result

    def run_later(self, action: Action) -> None:
        """Perform an action once the screen it belongs to is on top again."""
        self.app.call_later(self.action_perform, action.id)


def valid_actions(screen: Screen[object]) -> list[tuple[Action, str, Performer]]:
    """What can be done on a screen just now: action, its key, and the node that performs it.

    The focused pane's come first, then the screen's, each in the table's order.
    """
    found: dict[str, tuple[Action, str, Performer]] = {}
    for key, active in screen.active_bindings.items():
        action = BY_ID.get(active.binding.id or "")
        if action is not None and isinstance(active.node, Performer):
            found.setdefault(action.id, (action, key, active.node))
    return list(found.values())


def footer(
    actions: Iterable[tuple[Action, str, Performer]], refused: Iterable[str], width: int
) -> Line:
    """As many keys with their labels as fit, help always; greyed where the source refuses.

    Args:
        refused: ids of actions that are refused.
    """
    grey = set(refused)
    shown = [(action, key) for action, key, _ in actions if action.footer]
    local = [pair for pair in shown if pair[0].scope is not Scope.GLOBAL]
    general = sorted(
        (pair for pair in shown if pair[0].scope is Scope.GLOBAL), key=lambda pair: pair[0].footer
    )
    parts = [_part(action, key, action.id in grey) for action, key in (*local, *general)]
    last = parts.pop() if parts else ()
    left = width - 1 - length(last)
    line: list[Span] = [Span(" ")]
    for part in parts:
        left -= length(part)
        if left < 0:
            break
        line += part
    return (*line, *last)


def _part(action: Action, key: str, refused: bool) -> Line:
    tones = (Tone.FAINT, Tone.FAINT) if refused else (Tone.PLAIN, Tone.DIM)
    return (Span(key_name(key), tones[0]), Span(f" {action.label}  ", tones[1]))
