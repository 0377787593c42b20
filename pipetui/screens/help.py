"""The keys that are valid here, with what they do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from pipetui.actions import Action, key_names
from pipetui.keys import Performer
from pipetui.screens.reading import Reading
from pipetui.viewmodel.filters import Filter
from pipetui.viewmodel.lines import BLANK, Line, Span, Tone, heading, text_of, wrap

if TYPE_CHECKING:
    from pipetui.feed import Update


class HelpScreen(Reading):
    """Help for the focused pane and what is valid everywhere; ``/`` searches it."""

    def __init__(self, actions: Sequence[tuple[Action, str, Performer]]) -> None:
        super().__init__("help")
        self._actions = actions

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        self.lines = self._lines(Filter())
        super().renew(update)

    def found(self) -> list[Line]:
        """See ``Reading``; an action is found whole, under the heading of its scope."""
        return self._lines(self.filter)

    def _lines(self, filter: Filter) -> list[Line]:
        lines: list[Line] = []
        for scope in dict.fromkeys(action.scope for action, _, _ in self._actions):
            chosen = [action for action, _, _ in self._actions if action.scope is scope]
            found = [one for one in chosen if filter.matches(f"{self._keys(one)} {one.help}")]
            if found:
                lines += [BLANK] if lines else []
                lines += [
                    heading(scope.value.upper()),
                    *chain.from_iterable(map(self._entry, found)),
                ]
        return lines

    def _keys(self, action: Action) -> str:
        """Those that no action before it has taken: the focused pane's come first."""
        keymap, taken = self.ui.settings.keys, set[str]()
        for one, _, _ in self._actions:
            keys = keymap.get(one.id, one.keys).split(",")
            if one.id == action.id:
                return key_names(",".join(key for key in keys if key.strip() not in taken))
            taken.update(key.strip() for key in keys)
        return ""

    def _entry(self, action: Action) -> list[Line]:
        """Keys, and what they do, over as many lines as it takes."""
        reason = self.feed.refusal(action.needs)
        told = f"{action.help} ({reason})" if reason else action.help
        front = f"   {self._keys(action):<14} "
        rest = wrap(told, self.app.size.width - len(front) - 1)
        tones = (Tone.FAINT, Tone.FAINT) if reason else (Tone.ACCENT, Tone.PLAIN)
        return [
            (Span(" " * len(front) if row else front, tones[0]), Span(text_of(line), tones[1]))
            for row, line in enumerate(rest)
        ]
