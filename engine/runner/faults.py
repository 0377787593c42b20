"""Named places at which a test has a runner die as if by ``kill -9``, or held as if by Ctrl-Z.

``PIPETUI_FAULT=point:count`` kills the process the ``count``-th time that it gets to ``point``,
``point:count:STOP`` sends it that signal instead; without the variable nothing happens.
docs/adr/0004-recovery.md lists the points.
"""

from __future__ import annotations

import itertools
import os
import signal

VARIABLE = "PIPETUI_FAULT"

_POINT, _COUNT, _SIGNAL = (*os.environ.get(VARIABLE, "").split(":"), "", "")[:3]
_times = itertools.count(1)


def reach(point: str) -> None:
    """Die here, if this is the place."""
    if point == _POINT and next(_times) == int(_COUNT or 1):
        os.kill(os.getpid(), signal.Signals[f"SIG{_SIGNAL or 'KILL'}"])
