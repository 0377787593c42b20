"""Go anywhere and do anything by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from pipetui.actions import Action, Scope, key_name
from pipetui.keys import Performer, bindings
from pipetui.screens.face import Dialog
from pipetui.viewmodel.executions import title
from pipetui.viewmodel.filters import fuzzy
from pipetui.viewmodel.lines import Column, Row, Tone, words
from pipetui.viewmodel.state import execution_state, step_state
from pipetui.widgets.bar import Bar
from pipetui.widgets.rows import RowList

_COLUMNS = (
    Column("", 9, keep=3),
    Column("", 20, grow=2, most=50),
    Column("", 12, grow=3, keep=4),
    Column("", 7, keep=5),
)
_MOST = 200
_NEVER = ("global.palette", "global.back", "global.filter")


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: str
    name: str
    about: str
    key: str
    go: Callable[[], object]
    refused: bool = False


class Palette(Dialog, inherit_bindings=False):
    """Actions that are valid here, steps of this execution, executions."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.CONFIRM, Scope.LIST, Scope.GLOBAL)

    def __init__(self, actions: Sequence[tuple[Action, str, Performer]]) -> None:
        super().__init__()
        self._actions = actions
        self._entries: dict[str, _Entry] = {}

    def compose(self) -> ComposeResult:
        """The list, the text."""
        with Vertical(id="dialog"):
            rows = RowList(_COLUMNS, empty="Nothing has that name", id="palette-list")
            rows.can_focus = False
            yield rows
            yield Input(id="palette-text", placeholder="action, step or execution")
            yield Bar(id="footer")

    def on_mount(self) -> None:
        """All there is to choose from."""
        found = [*self._deeds(), *self._steps(), *self._executions()]
        self._entries = {f"{entry.kind} {index}": entry for index, entry in enumerate(found)}
        self._rank("")
        self.query_one("#palette-text", Input).focus()

    def _deeds(self) -> list[_Entry]:
        found = []
        for action, key, node in self._actions:
            if action.scope in (Scope.LIST, Scope.CONFIRM) or action.id in _NEVER:
                continue
            reason = self.feed.refusal(action.needs)
            found.append(
                _Entry(
                    "action",
                    action.label,
                    f"{action.help} ({reason})" if reason else action.help,
                    key_name(key),
                    lambda node=node, action=action: node.run_later(action),  # type: ignore[misc]
                    bool(reason),
                )
            )
        return found

    def _steps(self) -> list[_Entry]:
        ui, watched = self.ui, self.feed.watched
        return [
            _Entry(
                "step",
                step.name,
                f"{step.type}  {step_state(step).word}",
                "",
                lambda name=step.name: ui.open_execution(watched, step=name),  # type: ignore[misc]
            )
            for step in self.feed.steps.values()
        ]

    def _executions(self) -> list[_Entry]:
        ui = self.ui
        return [
            _Entry(
                "execution",
                title(one),
                f"{execution_state(one).word}  {self.look.moment(one.created_at, ui.now())}",
                "",
                lambda id=one.id: ui.open_execution(id),  # type: ignore[misc]
            )
            for one in self.feed.executions
        ]

    @on(Input.Changed, "#palette-text")
    def _typed(self, event: Input.Changed) -> None:
        self._rank(event.value)

    def _rank(self, text: str) -> None:
        ranked: list[tuple[int, str]] = []
        for key, entry in self._entries.items():
            in_name = fuzzy(text, entry.name)
            in_about = fuzzy(text, entry.about) if in_name is None else None
            if in_name is not None:
                ranked.append((in_name, key))
            elif in_about is not None:
                ranked.append((in_about + 20, key))
        rows = self.query_one("#palette-list", RowList)
        rows.show([_row(key, self._entries[key]) for _, key in sorted(ranked, key=_cost)[:_MOST]])
        rows.move(-len(rows.rows))

    @on(Input.Submitted, "#palette-text")
    @on(RowList.Chosen, "#palette-list")
    def action_yes(self) -> None:
        """Go there, or do it."""
        entry = self._entries.get(self.query_one("#palette-list", RowList).key)
        if entry is not None:
            self.dismiss(None)
            entry.go()

    def action_down(self) -> None:
        """The next entry."""
        self.query_one("#palette-list", RowList).move(1)

    def action_up(self) -> None:
        """The entry before."""
        self.query_one("#palette-list", RowList).move(-1)


def _cost(pair: tuple[int, str]) -> int:
    return pair[0]


def _row(key: str, entry: _Entry) -> Row:
    name = Tone.FAINT if entry.refused else Tone.PLAIN
    return Row(
        key,
        (
            words(entry.kind, Tone.FAINT),
            words(entry.name, name),
            words(entry.about, Tone.DIM),
            words(entry.key, Tone.ACCENT),
        ),
    )
