"""How ``/opt/ml`` comes to be in a job's mount namespace while the rest of ``/opt`` stays there."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass

_KEPT_OPTIONS = {
    os.ST_NOSUID: "nosuid",
    os.ST_NODEV: "nodev",
    os.ST_NOEXEC: "noexec",
    os.ST_NOATIME: "noatime",
    os.ST_NODIRATIME: "nodiratime",
}
_UNSAFE = re.compile(r"[\s\\#]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Bind:
    """One directory or file to be seen at a second place too, mounts below it included."""

    source: str
    target: str
    read_only: bool = False


def binds(ml: str, scratch: str, host: str = "/opt") -> list[Bind]:
    """What to mount, in this order, so that ``ml`` is seen at ``/opt/ml``.

    Without root nobody can create ``/opt/ml``. So where it is missing, a skeleton of ``/opt`` is
    made under ``scratch`` once, filled with the host's own entries, and laid over ``/opt``.

    Args:
        ml: the directory that the job is to find at ``/opt/ml``.
        scratch: a directory of the caller's for skeletons; they are small and used again.
        host: the directory in question, another one in tests.
    """
    opt = os.path.realpath(host)
    if os.path.isdir(f"{opt}/ml"):
        return [Bind(ml, f"{opt}/ml")]
    with os.scandir(opt) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    skeleton = _skeleton(entries, scratch)
    own = [
        Bind(entry.path, f"{skeleton}/{entry.name}") for entry in entries if not entry.is_symlink()
    ]
    # Root could write into the skeleton; for others the kernel may refuse to seal it.
    seal = os.geteuid() == 0
    return [*own, Bind(ml, f"{skeleton}/ml"), Bind(skeleton, opt, read_only=seal)]


def names(hosts: int, scratch: str, host: str = "/etc/hosts") -> list[Bind]:
    """What to mount so that ``algo-1`` to ``algo-<hosts>`` resolve to addresses of this host.

    Each gets its own address of the loopback net, so that all of them may listen on one port. The
    file is the host's own with these names behind, made under ``scratch`` once.
    """
    if not hosts or not os.path.isfile(host):
        return []
    with open(host, encoding="utf-8", errors="surrogateescape") as file:
        text = file.read()
    text += "\n" + "".join(f"127.0.0.{n} algo-{n}\n" for n in range(1, min(hosts, 254) + 1))
    data = text.encode("utf-8", "surrogateescape")
    path = os.path.join(scratch, f"hosts-{hashlib.sha256(data).hexdigest()[:16]}")
    if not os.path.exists(path):
        os.makedirs(scratch, mode=0o700, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix="hosts-", dir=scratch)
        with open(handle, "wb") as made:
            made.write(data)
        os.chmod(draft, 0o644)
        os.rename(draft, path)
    return [Bind(path, host)]


def fstab(binds: Iterable[Bind]) -> str:
    """The binds as fstab(5) lines for ``mount --all``: one process mounts them all."""
    lines = (
        f"{_escaped(bind.source)} {_escaped(bind.target)} none"
        f" {','.join(('rbind', *_sealing(bind)))} 0 0\n"
        for bind in binds
    )
    return "".join(lines)


def _sealing(bind: Bind) -> list[str]:
    """Options that make a bind read-only, with those of its source, which no user may take off."""
    if not bind.read_only:
        return []
    try:
        flags = os.statvfs(bind.source).f_flag
    except OSError:
        flags = 0
    return ["ro", *(name for flag, name in _KEPT_OPTIONS.items() if flags & flag)]


def bubblewrap(ml: str, host: str = "/opt", more: Iterable[Bind] = ()) -> list[str]:
    """The same for bwrap(1), which can lay an empty directory over ``/opt``; ``more`` after it."""
    opt = os.path.realpath(host)
    words = []
    if not os.path.isdir(f"{opt}/ml"):
        words = ["--tmpfs", opt]
        with os.scandir(opt) as listing:
            for entry in listing:
                link = entry.is_symlink()
                words += ("--symlink", os.readlink(entry)) if link else ("--dev-bind", entry.path)
                words.append(entry.path)
    words += ("--dev-bind", ml, f"{opt}/ml")
    for bind in more:
        words += ("--ro-bind" if bind.read_only else "--bind", bind.source, bind.target)
    return words


def _escaped(path: str) -> str:
    return _UNSAFE.sub(lambda match: f"\\{ord(match[0]):03o}", path)


def _skeleton(entries: list[os.DirEntry[str]], scratch: str) -> str:
    """A directory with a place for each entry and for ``ml``, made in one go and kept."""
    kinds = [
        (entry.name, os.readlink(entry.path) if entry.is_symlink() else entry.is_dir())
        for entry in entries
    ]
    digest = hashlib.sha256(repr(kinds).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    skeleton = os.path.join(scratch, f"opt-{digest}")
    if os.path.isdir(skeleton):
        return skeleton
    os.makedirs(scratch, mode=0o700, exist_ok=True)
    draft = tempfile.mkdtemp(prefix="opt-", dir=scratch)
    os.chmod(draft, 0o755)
    os.mkdir(f"{draft}/ml")
    for name, kind in kinds:
        place = f"{draft}/{name}"
        if isinstance(kind, str):
            os.symlink(kind, place)
        elif kind:
            os.mkdir(place)
        else:
            open(place, "x").close()
    try:
        os.rename(draft, skeleton)
    except OSError:
        shutil.rmtree(draft)
        if not os.path.isdir(skeleton):
            raise
    return skeleton
