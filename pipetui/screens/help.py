"""The keys that are valid here, with what they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipetui.actions import Action, Scope, key_names
from pipetui.keys import Performer
from pipetui.screens.reading import Reading
from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, heading

if TYPE_CHECKING:
    from pipetui.feed import Update


class HelpScreen(Reading):
    """Help for the focused pane and what is valid everywhere; ``/`` searches it."""

    def __init__(self, actions: Sequence[tuple[Action, str, Performer]]) -> None:
        super().__init__("help")
        self._actions = actions

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        self.lines = _lines([action for action, _, _ in self._actions], self)
        super().renew(update)


def _lines(actions: Sequence[Action], screen: Reading) -> list[Line]:
    lines: list[Line] = []
    keymap = screen.ui.settings.keys
    for scope in Scope:
        chosen = [action for action in actions if action.scope is scope]
        if not chosen:
            continue
        lines += [BLANK] if lines else []
        lines.append(heading(scope.value.upper()))
        for action in chosen:
            reason = screen.feed.refusal(action.needs)
            tone = Tone.FAINT if reason else Tone.PLAIN
            keys = key_names(keymap.get(action.id, action.keys))
            lines.append(
                (
                    Span(f"   {keys:<14} ", Tone.FAINT if reason else Tone.ACCENT),
                    Span(action.help, tone),
                    Span(f"  ({reason})" if reason else "", Tone.FAINT),
                )
            )
    return lines
