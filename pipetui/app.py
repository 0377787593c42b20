"""The way into the full-screen program."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.api import Home
    from pipetui.config import Settings
    from pipetui.feed import Feed


_SETTLED_S = 3.0


def terminal_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What Textual is told before it is imported; a person's own settings win.

    Nothing moves by itself, and over SSH there are fewer colours, because every byte is paid for
    there. How many frames there are is the link's business (``pipetui.term.link``).
    """
    settings = {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_SMOOTH_SCROLL": "0"}
    if environment.get("SSH_CONNECTION"):
        settings["TEXTUAL_COLOR_SYSTEM"] = _colors_over_ssh(environment)
    return {name: value for name, value in settings.items() if name not in environment}


def _colors_over_ssh(environment: Mapping[str, str]) -> str:
    """256 colours, fewer bytes than true ones, for terminals that have so many; else as it says."""
    rich = environment.get("COLORTERM") or "256" in environment.get("TERM", "")
    return "256" if rich else "auto"


def run_app(
    home: Home,
    *,
    execution: str = "",
    file: str = "",
    watch: bool = False,
    read_only: bool = False,
) -> int:
    """Show the executions of a home until the person leaves; runs go on.

    Args:
        execution: open this one at once (an id, a unique prefix, an ARN or ``[PIPELINE]@last``).
        file: open the form that runs this definition file, an absolute path.
        watch: keep the selection on the step that runs until the person moves it, and return the
            exit code of the execution when it has ended.
        read_only: refuse every action.

    Errors: ``ConfigError``, ``StoreError`` and ``NotFound`` before the screen is taken.
    """
    from pipetui.config import load

    settings = load(home.config)
    if settings.linear:
        from pipetui.linear import run_linear

        return run_linear(home, execution=execution, read_only=read_only)
    _get_ready()
    return asyncio.run(_run(home, settings, execution, watch, read_only, file))


def run_demo(home: Home, *, read_only: bool = False) -> int:
    """Show recorded executions as if they ran now; of the home only the settings are read."""
    from pipetui.config import load

    settings = replace(load(home.config), kept_theme=None, restore=False, notify="off")
    _get_ready()
    return asyncio.run(_run(None, settings, "", False, read_only))


def _get_ready() -> None:
    # What is imported and mounted now stays: looking through it for garbage costs a tenth of the
    # time to the first screen.
    gc.disable()
    os.environ.update(terminal_settings(os.environ))


async def _run(
    home: Home | None,
    settings: Settings,
    execution: str,
    watch: bool,
    read_only: bool,
    file: str = "",
) -> int:
    """The app on a home, or on the recording that the program brings where there is none."""
    from pipetui.bookmarks import Bookmarks
    from pipetui.feed import Feed
    from pipetui.session import Session
    from pipetui.ui import PipetuiApp

    if home is None:
        feed = await Feed.demo(time.time, read_only=read_only)
    else:
        feed = await Feed.open(home, read_only=read_only)
    kept = None if home is None else home.root / "ui"
    session = Session(kept and kept / "session.json")
    try:
        if execution:
            execution = (await feed.execution(execution)).id
        app = PipetuiApp(
            feed,
            settings=settings,
            execution=execution,
            file=file,
            watch=watch,
            bookmarks=Bookmarks(kept and kept / "bookmarks.json"),
            session=session,
        )
        loop = asyncio.get_running_loop()
        loop.call_later(_SETTLED_S, _collect_garbage)
        for number in (signal.SIGHUP, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError):
                loop.add_signal_handler(number, app.exit)
        await app.run_async()
        if app.return_code:
            return app.return_code
        return await _exit_code(feed, execution) if watch and execution else 0
    finally:
        session.write()
        await feed.close()


def _collect_garbage() -> None:
    """From now on; what is there already is not looked at again."""
    gc.freeze()
    gc.enable()


async def _exit_code(feed: Feed, execution: str) -> int:
    from pipetui.viewmodel.state import EXIT_CODES

    return EXIT_CODES.get((await feed.execution(execution)).status, 0)
