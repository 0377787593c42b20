"""The pictures of the documentation: the real app on the recorded runs of ``pipetui --demo``.

Clock, runs and sizes are always the same, so that a picture changes only where the app does:
``tests/ui/test_golden.py`` compares those that show no path of this host.
"""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from textual.pilot import Pilot

from pipetui.config import Settings
from pipetui.feed import Feed
from pipetui.ui import PipetuiApp
from pipetui.viewmodel.state import Display

PLACE = Path(__file__).resolve().parent / "screens"
NOW = 1_795_000_000.0
_PAUSE, _STILL = 0.1, 5
_ENDLESS = ("file", "pump")
PICTURES: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "executions": ((120, 30), ()),
    "executions-80x24": ((80, 24), ()),
    "execution": ((160, 45), ("enter",)),
    "graph": ((120, 30), ("enter", "2")),
    "timeline": ((120, 24), ("down", "down", "down", "enter", "3")),
    "metrics": ((120, 30), ("down", "down", "down", "enter", "g", "down", "m")),
    "history": ((100, 24), ("h",)),
    "inbox": ((100, 28), ("a", "down")),
    "why": ((100, 34), ("!", "w")),
}
"""Name -> size in cells, and the keys that lead there from the list of executions."""
GOLDEN = ("executions", "executions-80x24", "graph", "timeline", "metrics", "history", "inbox")
"""Those that are the same on every host."""


async def picture(name: str) -> str:
    """One picture as SVG."""
    size, keys = PICTURES[name]
    feed = await Feed.demo(lambda: NOW, read_only=True)
    try:
        app = PipetuiApp(feed, settings=Settings(ascii=False, theme="dark"), now=lambda: NOW)
        app.look = Display(unicode=True, zone=ZoneInfo("UTC"))
        async with app.run_test(size=size) as pilot:
            await _settled(app, pilot)
            for key in keys:
                await pilot.press(key)
                await _settled(app, pilot)
            return app.export_screenshot(title=f"pipetui {name}")
    finally:
        await feed.close()


async def _settled(app: PipetuiApp, pilot: Pilot[None]) -> None:
    """Wait until nothing is being read, and the screen stays as it is."""
    before, same = "", 0
    while same < _STILL:
        await pilot.pause(_PAUSE)
        busy = [one for one in app.workers if one.is_running and one.group not in _ENDLESS]
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        same = same + 1 if text == before and not busy else 0
        before = text


async def write() -> None:
    """Write every picture."""
    PLACE.mkdir(exist_ok=True)
    for name in PICTURES:
        (PLACE / f"{name}.svg").write_text(await picture(name), encoding="utf-8")
