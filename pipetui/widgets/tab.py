"""What the execution screen asks of a tab: to show a moment, to filter, to be copied from."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from textual.message import Message

from pipetui.viewmodel.filters import Filter
from pipetui.viewmodel.moment import Moment

if TYPE_CHECKING:
    from textual.widget import Widget


class Tab:
    """A mixin of panes, named before the widget; a pane overrides what it has."""

    class Picked(Message):
        """A person walked to a step in the pane."""

        def __init__(self, step: str) -> None:
            super().__init__()
            self.step = step

    filters = False
    """Whether the filter line filters this pane rather than the steps."""

    @abstractmethod
    def show(self, moment: Moment, changed: set[str] | None = None) -> None:
        """Paint a moment.

        Args:
            changed: names of the steps that may differ from the last moment; None for everything.
        """

    def narrow(self, filter: Filter) -> None:
        """Show only what matches."""

    @property
    def copied(self) -> str:
        """What ``y`` copies here; empty for the selected step's name."""
        return ""

    @property
    def keys_to(self) -> Widget | None:
        """The widget inside that takes the keys; None for the pane itself."""
        return None
