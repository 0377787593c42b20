"""Writes the generated parts of the documentation: ``make docs``.

Keys, command line and configuration come from the tables in the code; tests compare them. The
pictures are the real app on real runs of two samples, in a folder of their own.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

from engine.api import Home
from engine.config import reference
from pipetui.actions import markdown
from pipetui.config import load
from pipetui.feed import Feed
from pipetui.ui import PipetuiApp

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
PLACE = Path("/tmp/demo")
HOME = Home(PLACE / "home")
PICTURES = (
    ("executions", (120, 30), ()),
    ("execution", (160, 45), ("enter",)),
    ("graph", (120, 30), ("enter", "2")),
    ("why", (100, 30), ("!", "enter", "w")),
)
"""Name, size in cells, and the keys that lead from the executions there."""


def pages() -> None:
    """Write the pages that come from tables in the code."""
    (DOCS / "keys.md").write_text(markdown(), encoding="utf-8")
    (DOCS / "configuration.md").write_text(reference(), encoding="utf-8")
    command = [sys.executable, "-m", "pipetui.cli.reference"]
    (DOCS / "cli.md").write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)


def runs() -> None:
    """Run the samples that the pictures show; the second one fails on purpose."""
    for sample, more in (("broken_features", []), ("breast_cancer", ["--auto-approve"])):
        shutil.copytree(ROOT / "sample_pipelines" / sample, PLACE / sample, dirs_exist_ok=True)
        file = PLACE / sample / "pipeline.json"
        command = ["run", str(file), "--headless", *more]
        subprocess.run(
            [sys.executable, "-m", "pipetui", "--home", str(HOME.root), *command],
            env={**os.environ, "LOGNAME": "ana", "PYTHONPATH": str(ROOT)},
        )


async def pictures() -> None:
    """Export the screens as SVG."""
    (DOCS / "screens").mkdir(exist_ok=True)
    for name, size, keys in PICTURES:
        feed = await Feed.open(HOME.prepare(), read_only=True)
        try:
            app = PipetuiApp(feed, settings=load(HOME.config))
            async with app.run_test(size=size) as pilot:
                await pilot.pause(1.5)
                for key in keys:
                    await pilot.press(key)
                    await pilot.pause(1.0)
                await pilot.pause(1.5)
                app.save_screenshot(f"{name}.svg", str(DOCS / "screens"))
        finally:
            await feed.close()


if __name__ == "__main__":
    pages()
    runs()
    asyncio.run(pictures())
