"""Named things that are only a record: models and endpoint configurations, a JSON file each."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import NotFound, StorageError

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class Descriptions:
    """The records of one kind, in a folder that is made on the first write.

    Args:
        kind: what one is called in messages, ``model``.
    """

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._kind = kind

    def write(self, name: str, description: Mapping[str, Any]) -> None:
        """Keep a description; one of the same name is replaced in one go.

        Raises:
            StorageError: ``name-invalid``, or the folder cannot be written (``record-unwritable``).
        """
        write_json(self._folder / f"{checked(name, self._kind)}.json", description)

    def read(self, name: str) -> dict[str, Any]:
        """The description of ``name``, which may also be given as an ARN.

        Raises:
            NotFound: there is none.
        """
        plain = name.rpartition("/")[2]
        found = read_json(self._folder / f"{plain}.json") if _NAME.fullmatch(plain) else None
        if found is None:
            known = ", ".join(self.names()[-5:])
            raise NotFound(
                f'ClientError: Could not find {self._kind} "{plain}"',
                code=f"{self._kind.replace(' ', '-')}-not-found",
                hint=f"This home has: {known}." if known else f"This home has no {self._kind}.",
            )
        return found

    def names(self) -> list[str]:
        """All names, in alphabetical order."""
        return sorted(file.stem for file in self._folder.glob("*.json"))


def models(home: Path) -> Descriptions:
    """The models that Model steps have made in a home, as DescribeModel says it."""
    return Descriptions(home / "models", "model")


def endpoint_configs(home: Path) -> Descriptions:
    """The endpoint configurations of a home, as DescribeEndpointConfig says it."""
    return Descriptions(home / "endpoint-configs", "endpoint configuration")


def checked(name: str, kind: str) -> str:
    """A name that can be a file's, by the service's own rule. Errors: ``name-invalid``."""
    if not _NAME.fullmatch(name):
        raise StorageError(
            f"ClientError: {name!r} is no name for a {kind}",
            code="name-invalid",
            hint="Use up to 63 letters, digits and hyphens, with no hyphen at either end.",
        )
    return name


def read_json(file: Path) -> dict[str, Any] | None:
    """A JSON object; None where there is no such file, or none in it."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def write_json(file: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object, private, with one rename. Errors: ``record-unwritable``."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(6)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as opened:
            json.dump(value, opened, indent=1)
        os.replace(draft, file)
    except OSError as error:
        raise StorageError(
            f"{file} cannot be written: {error.strerror}",
            code="record-unwritable",
            hint="Check the folder's permissions and the space that is left.",
        ) from error
