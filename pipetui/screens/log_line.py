"""One line of a log over the whole screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipetui.logview.json_lines import parsed, pretty
from pipetui.logview.sgr import inked
from pipetui.screens.reading import Reading
from pipetui.viewmodel.log_line import log_line_lines

if TYPE_CHECKING:
    from pipetui.feed import Update
    from pipetui.logview.source import Line


class LogLineScreen(Reading):
    """A line and the block it belongs to.

    Args:
        title: whose log it is.
        block: the lines of the block.
        number: of the line that was opened.
        origins: names of the merged logs.
    """

    def __init__(
        self, title: str, block: Sequence[Line], number: int, origins: Sequence[str] = ()
    ) -> None:
        super().__init__(f"{title}  line {number + 1:,}")
        self._block = list(block)
        self._line = next((one for one in block if one.number == number), self._block[0])
        self._origins = origins
        self._found = parsed(self._line.text)

    def renew(self, update: Update | None = None) -> None:
        """See ``Shown``."""
        line = self._line
        self.lines = log_line_lines(
            line.number,
            [inked(one.text)[0] for one in self._block],
            pretty(self._found) if self._found else (),
            level=line.level,
            at=line.at,
            origin=self._origins[line.origin] if self._origins else "",
            width=self.app.size.width,
            display=self.look,
        )
        super().renew(update)
