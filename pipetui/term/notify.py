"""Telling a person who looks elsewhere: a bell, a desktop notification through the terminal. Pure.

OSC 9 is what iTerm2, WezTerm, kitty, Windows Terminal and foot understand, OSC 777 what rxvt, VTE
and Ghostty do; a terminal that knows neither drops them, and rings.
"""

from __future__ import annotations

import re
import shlex

from pipetui.term.clipboard import tmux_passthrough
from pipetui.term.sanitize import plain

BELL = "\x07"
_TITLE = "pipetui"
_MOST = 200
_PROGRESS = re.compile(r"^\d+;")


def notification(how: str, text: str, *, tmux: bool = False) -> str:
    """What to send to the terminal; empty where nothing is to be sent.

    Args:
        how: ``bell``, ``osc`` (which rings as well), ``off``, or a command, which is not for here.
        text: what to say; anything that a terminal could obey is made visible.
        tmux: wrap it so that tmux passes it on.
    """
    if how == "bell":
        return BELL
    if how != "osc":
        return ""
    words = plain(text)[:_MOST]
    # ConEmu and Windows Terminal take digits and a semicolon for another command.
    first = f"\x1b]9;{_PROGRESS.sub('', words)}\x07"
    second = f"\x1b]777;notify;{_TITLE};{words.replace(';', ',')}\x07"
    wrapped = [tmux_passthrough(one) if tmux else one for one in (first, second)]
    return "".join(wrapped) + BELL


def command(how: str, text: str) -> list[str]:
    """The command to run, the text its last argument; empty where ``how`` names none."""
    if how in ("bell", "osc", "off", ""):
        return []
    try:
        words = shlex.split(how)
    except ValueError:
        return []
    return [*words, plain(text)[:_MOST]] if words else []
