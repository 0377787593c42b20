"""Python tracebacks found in text: frames, exception, chain, and the user's own frame. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.logs.severity import SGR, TRACEBACK

_FRAME = re.compile(r'  File "(?P<file>.+?)", line (?P<line>\d+)(?:, in (?P<function>.+))?$')
_EXCEPTION = re.compile(r"(?P<type>[^\W\d][\w.<>]*)(?:: ?(?P<message>.*))?$")
_CARETS = re.compile(r"\s*[~^]+[\s~^]*$")
_LINKS = {
    "During handling of the above exception, another exception occurred:": "context",
    "The above exception was the direct cause of the following exception:": "cause",
}
_FOREIGN = re.compile(
    r"""(?x)
    ^<                                          # <frozen runpy>, <string>
    | [/\\](?:site|dist)-packages[/\\]
    | [/\\]lib(?:64)?[/\\]python3(?:\.\d+)?[/\\]
    | [/\\]Lib[/\\](?!site-packages)[^/\\]+\.py$
    """
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One call: file, 1-based line, function ("" in a SyntaxError) and its source line."""

    file: str
    line: int
    function: str
    code: str

    @property
    def foreign(self) -> bool:
        """Whether the file belongs to Python or to an installed package."""
        return _FOREIGN.search(self.file) is not None


@dataclass(frozen=True, slots=True)
class Traceback:
    """One exception as Python printed it.

    Args:
        frames: outermost call first.
        exception: its type as printed, dotted for other than built-in ones.
        message: what follows the colon; later lines of it when they are indented.
        first_line: 0-based line of the text where it begins, the chain's first for a chained one.
        last_line: its last line, inclusive.
        earlier: the exception it was raised from or while handling.
        link: "cause" (raise from), "context" (while handling) or "" when nothing came before.
    """

    frames: tuple[Frame, ...]
    exception: str
    message: str
    first_line: int
    last_line: int
    earlier: Traceback | None = None
    link: str = ""

    @property
    def own_frame(self) -> Frame | None:
        """The innermost frame in the user's own code, through the chain; else the innermost."""
        link: Traceback | None = self
        while link is not None:
            for frame in reversed(link.frames):
                if not frame.foreign:
                    return frame
            link = link.earlier
        return self.frames[-1] if self.frames else None

    @property
    def summary(self) -> str:
        """Type and message in one line."""
        first = self.message.split("\n", 1)[0]
        return f"{self.exception}: {first}" if first else self.exception


def tracebacks(text: str) -> list[Traceback]:
    """Every traceback in the text, first to last; a chain is one, its last exception in front."""
    lines = SGR.sub("", text).split("\n")
    found: list[Traceback] = []
    row = 0
    while row < len(lines):
        if TRACEBACK not in lines[row]:
            row += 1
            continue
        one = _parse(lines, row)
        link = _link_before(lines, row)
        if link and found and found[-1].last_line >= row - 4:
            earlier = found.pop()
            one = replace(one, first_line=earlier.first_line, earlier=earlier, link=link)
        found.append(one)
        row = one.last_line + 1
    return found


def last_traceback(text: str) -> Traceback | None:
    """The last traceback in the text, usually what ended the process."""
    return found[-1] if (found := tracebacks(text)) else None


def _prefix(head: str) -> str:
    """What stands before every line: a container's name, the bar of an exception group."""
    prefix = head[: head.index(TRACEBACK)].removesuffix("Exception Group ")
    return prefix.replace("+", "|") if not prefix.strip("+ ") else prefix


def _parse(lines: Sequence[str], first: int) -> Traceback:
    prefix = _prefix(lines[first])
    frames: list[Frame] = []
    last = first
    for row in range(first + 1, len(lines)):
        line = lines[row].removeprefix(prefix).rstrip("\r")
        if match := _FRAME.match(line):
            name, number, function = match.group("file", "line", "function")
            frames.append(Frame(name, int(number), function or "", ""))
        elif line[:1] in (" ", "\t"):
            if frames and not frames[-1].code and not _CARETS.match(line):
                frames[-1] = replace(frames[-1], code=line.strip())
        else:
            return _ended(lines, prefix, tuple(frames), first, row)
        last = row
    return Traceback(tuple(frames), "", "", first, last)


def _ended(
    lines: Sequence[str], prefix: str, frames: tuple[Frame, ...], first: int, row: int
) -> Traceback:
    """The traceback whose exception stands, or should stand, at ``row``."""
    line = lines[row].removeprefix(prefix).rstrip("\r")
    match = _EXCEPTION.match(line)
    if match is None:
        return Traceback(frames, "", "", first, row - 1)
    message = [match["message"] or ""]
    last = row
    for further in range(row + 1, min(row + 20, len(lines))):
        more = lines[further].removeprefix(prefix)
        if more[:1] not in (" ", "\t") or more.lstrip().startswith(("+", "|")):
            break
        message.append(more.strip())
        last = further
    return Traceback(frames, match["type"], "\n".join(message), first, last)


def _link_before(lines: Sequence[str], row: int) -> str:
    for above in range(row - 1, max(-1, row - 4), -1):
        for sentence, link in _LINKS.items():
            if lines[above].endswith(sentence):
                return link
    return ""
