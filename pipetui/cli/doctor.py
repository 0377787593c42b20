"""``doctor``: what of this host, home and terminal works, and what to do about the rest."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipetui.cli.program import command
from pipetui.cli.session import Session
from pipetui.cli.text import fill
from pipetui.term.glyphs import Look

if TYPE_CHECKING:
    from engine.api import Check

FAILED = 3
_LOOKS = {
    "ok": Look("✔", "+", "ok", "success"),
    "warning": Look("⚠", "!", "warning", "warning"),
    "failure": Look("✖", "x", "failure", "error"),
}
_SMALLEST = (80, 24)


@command()
def doctor(session: Session) -> int:
    """Check home, store, runners, ways to run jobs, environments, Python and terminal.

    Exit code 3 where something fails; a warning is none.
    """
    import engine.api as api

    checks = [*asyncio.run(api.diagnose(session.home)), *_terminal()]
    failed = any(one.state == "failure" for one in checks)
    if session.text:
        _show(session, checks)
    else:
        session.json({"healthy": not failed, "checks": [asdict(one) for one in checks]})
    return FAILED if failed else 0


def _show(session: Session, checks: list[Check]) -> None:
    ink = session.ink
    area = ""
    for one in checks:
        head = fill("" if one.area == area else one.area, 12)
        area = one.area
        mark = ink.paint(_LOOKS[one.state].mark(ink.unicode), _LOOKS[one.state].style)
        session.line(f"{ink.paint(head, 'bold')} {mark} {ink.safe(one.detail)}")
        if one.hint:
            session.line(f"{' ' * 15}{ink.safe(one.hint)}")


def _terminal() -> Iterator[Check]:
    from engine.api import Check, State

    if not sys.stdout.isatty():
        yield Check("terminal", State.OK, "none: this is a pipe or a file, so text has no colours")
        return
    size = shutil.get_terminal_size()
    small = size.columns < _SMALLEST[0] or size.lines < _SMALLEST[1]
    yield Check(
        "terminal",
        State.WARNING if small else State.OK,
        f"{os.environ.get('TERM') or 'TERM is not set'}, {size.columns}x{size.lines}, {_colours()}",
        "The app is made for 80x24 and more." if small else "",
    )
    encoding = (sys.stdout.encoding or "unknown").lower()
    utf8 = encoding.startswith("utf")
    yield Check(
        "terminal",
        State.OK if utf8 else State.WARNING,
        f"characters: {encoding}",
        "" if utf8 else "Set LANG to a UTF-8 locale for glyphs and boxes; ASCII is used instead.",
    )
    around = [name for name in ("TMUX", "STY", "SSH_CONNECTION") if os.environ.get(name)]
    if around:
        words = {"TMUX": "tmux", "STY": "screen", "SSH_CONNECTION": "SSH"}
        yield Check("terminal", State.OK, "within " + ", ".join(words[name] for name in around))


def _colours() -> str:
    if os.environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        return "true colour"
    return "256 colours" if "256" in os.environ.get("TERM", "") else "16 colours"
