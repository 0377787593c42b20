"""Pictures by kitty's graphics protocol: PNG in base64, in chunks, with a number to delete it by.

The protocol: https://sw.kovidgoyal.net/kitty/graphics-protocol/. Pure.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

NUMBER = 5117
"""The picture's number. One is shown at a time, and each replaces the one before."""
CHUNK = 4096
"""Most characters of data in a sequence, as the protocol has it."""
END = "\x1b_Gm=0;\x1b\\"
"""The last chunk of a picture that is given up."""
DELETE = f"\x1b_Ga=d,d=I,i={NUMBER},q=2;\x1b\\"
"""Takes the picture away, and its pixels out of the terminal's memory."""


def show(png: bytes, cells: tuple[int, int] | None = None) -> Iterator[str]:
    """The sequences that show a picture with its corner at the cursor, which stays where it is.

    Args:
        png: the picture.
        cells: columns and rows that it is stretched to; None shows it pixel by pixel.
    """
    data = base64.b64encode(png).decode("ascii")
    stretched = f",c={cells[0]},r={cells[1]}" if cells else ""
    keys = f"a=T,f=100,i={NUMBER},C=1,q=2{stretched},"
    for start in range(0, len(data), CHUNK):
        more = int(start + CHUNK < len(data))
        yield f"\x1b_G{keys}m={more};{data[start : start + CHUNK]}\x1b\\"
        keys = ""
