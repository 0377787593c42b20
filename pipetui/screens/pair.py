"""The pictures of two executions beside each other, over the whole terminal."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.color import Color

from pipetui.actions import Action, Scope
from pipetui.feed import Feed, PipetuiError
from pipetui.keys import bindings
from pipetui.screens.picture import PictureScreen
from pipetui.viewmodel.artifacts import Item, of_artifact, of_entry
from pipetui.viewmodel.pair import Pair, Place, beside, half, is_picture, may_hold_pictures
from pipetui.viewmodel.state import Display

if TYPE_CHECKING:
    from engine.api import Picture

_STEPS, _FILES = 200, 500
"""Steps of an execution, and files of an artifact, among which pictures are looked for."""


async def pictures_of(feed: Feed, execution_id: str) -> dict[Place, Item]:
    """The images that the steps of an execution made.

    Errors: those of ``Source``.
    """
    steps = [one for one in await feed.steps_of(execution_id) if one.ended_at is not None]
    found: dict[Place, Item] = {}
    for step in steps[:_STEPS]:
        with suppress(PipetuiError):
            for artifact in await feed.artifacts(step):
                for item in await _files(feed, of_artifact(artifact)):
                    if is_picture(item):
                        found[step.name, item.artifact, item.inside] = item
    return found


async def _files(feed: Feed, artifact: Item) -> list[Item]:
    """An artifact's files; none of what its step did not make."""
    if not may_hold_pictures(artifact):
        return []
    found: list[Item] = []
    waiting = [artifact]
    while waiting and len(found) < _FILES:
        item = waiting.pop()
        if item.folder:
            entries = await feed.entries(item.uri)
            waiting += [of_entry(one, item, now=0.0, display=Display()) for one in entries]
        else:
            found.append(item)
    return sorted(found, key=lambda one: one.inside)


class PairScreen(PictureScreen, inherit_bindings=False):
    """Shows a picture of two executions, then the next one.

    Args:
        names: of the executions, the earlier one first.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings(Scope.PICTURES, Scope.GLOBAL)

    def __init__(self, pairs: Sequence[Pair], names: tuple[str, str]) -> None:
        super().__init__(pairs[0].now)
        self._pairs = list(pairs)
        self._names = names
        self._at = 0

    @property
    def pair(self) -> Pair:
        """What is shown."""
        return self._pairs[self._at]

    def applies(self, action: Action) -> bool:
        """There is a next one where there are several."""
        return super().applies(action) or (action.handler == "other" and len(self._pairs) > 1)

    @property
    def told(self) -> str:
        """See ``PictureScreen``."""
        others = "right: the next, any other key leaves" if len(self._pairs) > 1 else ""
        return others or super().told

    def action_other(self, direction: int) -> None:
        """See the action table."""
        self._at = (self._at + direction) % len(self._pairs)
        self._begin()

    async def read(self, room: tuple[int, int]) -> tuple[Picture | None, str]:
        """See ``PictureScreen``."""
        pair, (before, now) = self.pair, self._names
        count = f"  {self._at + 1} of {len(self._pairs)}" if len(self._pairs) > 1 else ""
        name = f"{pair.step} {pair.name}{count}  left {before}, right {now}"
        found: list[Picture] = []
        for item in (pair.before, pair.now):
            preview = await self.feed.preview(item.uri, item.member, half(room))
            if preview.picture is None:
                return None, f"{preview.title}  {preview.note}"
            found.append(preview.picture)
        return beside(found[0], found[1], room, self._paper()), name

    def _paper(self) -> tuple[int, int, int]:
        """The colour that the theme has behind everything."""
        colour = Color.parse(self.ui.get_css_variables()["background"])
        return colour.rgb
