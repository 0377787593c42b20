"""Copying through the terminal with OSC 52, which reaches the clipboard across SSH. Pure.

Terminals drop longer sequences without a word, so what does not fit is refused here and the caller
can say so.
"""

from __future__ import annotations

import base64

LIMIT = 74_994
"""Bytes of text: 99,992 characters once encoded, which xterm's and tmux's 100,000 still take."""


def osc52(text: str, *, tmux: bool = False, limit: int = LIMIT) -> str | None:
    """The sequence that puts text on the clipboard, or None when it is too long.

    Args:
        text: what to copy; lone surrogates become question marks.
        tmux: wrap it so that tmux passes it on (``allow-passthrough on``).
        limit: most bytes of UTF-8 to send.
    """
    data = text.encode("utf-8", "replace")
    if len(data) > limit:
        return None
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode('ascii')}\x07"
    return tmux_passthrough(sequence) if tmux else sequence


def tmux_passthrough(sequence: str) -> str:
    """A sequence wrapped for tmux to hand to the terminal around it, every escape doubled."""
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"
