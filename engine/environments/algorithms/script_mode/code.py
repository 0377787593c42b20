"""Puts the user's code into the job's code folder."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path


class CodeError(Exception):
    """The submitted code cannot be used."""


# far above any real source folder; an archive beyond it is damaged or hostile
_SIZE_LIMIT = 4 * 1024**3


def place(source: Path, folder: Path) -> None:
    """Fill an empty code folder from a folder or a ``.tar.gz``.

    A folder that holds something already is left as it is, as the toolkit does it.

    Raises:
        CodeError: there is nothing at ``source``, or the archive is unsafe or damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) or source.resolve() == folder.resolve():
        return
    if source.is_dir():
        shutil.copytree(str(source), str(folder), dirs_exist_ok=True)
        return
    try:
        with tarfile.open(str(source), "r:*") as archive:
            members = archive.getmembers()
            _check(members)
            archive.extractall(str(folder), members)
    except (OSError, tarfile.TarError) as error:
        raise CodeError(f"The code at {source} cannot be unpacked: {error}") from error


def _check(members: list[tarfile.TarInfo]) -> None:
    """Refuse what does not stay inside the folder or is no plain file."""
    for member in members:
        path = Path(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise CodeError(f"The code's archive has a member outside its folder: {member.name}")
        if not (member.isfile() or member.isdir()):
            raise CodeError(f"The code's archive has a link or device: {member.name}")
    if sum(member.size for member in members) > _SIZE_LIMIT:
        raise CodeError("The code's archive is larger than 4 GiB when unpacked")
