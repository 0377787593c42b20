"""Training channels on a file system: a folder of this host stands for EFS or FSx for Lustre."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from engine.config import Config
from engine.errors import JobError
from engine.jobs.base import Mount
from engine.steps.base import StepContext
from engine.steps.inputs import mappings, section

Json = Mapping[str, Any]
FILE_SYSTEMS = "file-systems"
"""Folder of a home that holds one folder for each file system without a configured one."""


def file_system_of(channel: Json) -> Json:
    """The FileSystemDataSource of a channel; empty where it has none."""
    return section(section(channel, "DataSource"), "FileSystemDataSource")


def stand_ins_of(arguments: Json, config: Config) -> list[str]:
    """What stands for the file systems of a training job."""
    open_ = ", which it may write to though ro is asked for"
    loose = config.job_runner in ("rewrite", "process")
    return [
        f"a folder of this host stands for the {source.get('FileSystemType') or 'file system'}"
        f" {source.get('FileSystemId')} of channel {channel.get('ChannelName')}"
        + open_
        * (loose and source.get("FileSystemAccessMode") != "rw")
        for channel in mappings(arguments.get("InputDataConfig"))
        if (source := file_system_of(channel))
    ]


def mounts_of(context: StepContext) -> tuple[Mount, ...]:
    """Where a training job finds the folders of its file systems.

    Errors: ``JobError`` (``file-system-invalid``, ``file-system-missing``).
    """
    return tuple(
        Mount(
            _folder(context, channel, source),
            f"/opt/ml/input/data/{channel.get('ChannelName')}",
            source.get("FileSystemAccessMode") != "rw",
        )
        for channel in mappings(context.arguments.get("InputDataConfig"))
        if (source := file_system_of(channel))
    )


def link_unmounted(context: StepContext, folder: Path, channel: Json) -> None:
    """Link a channel's empty folder for the runner ``process``, which mounts nothing."""
    if context.services.config.job_runner == "process":
        folder.rmdir()
        folder.symlink_to(_folder(context, channel, file_system_of(channel)))


def _folder(context: StepContext, channel: Json, source: Json) -> str:
    what = f"{context.step.name}: channel {channel.get('ChannelName')}"
    name, inside = source.get("FileSystemId"), source.get("DirectoryPath")
    parts = PurePosixPath(inside).parts if isinstance(inside, str) else ("..",)
    plain = isinstance(name, str) and name not in ("", ".", "..") and "/" not in name
    mode = source.get("FileSystemAccessMode")
    if not plain or ".." in parts or "\0" in f"{name}{inside}" or mode not in ("ro", "rw"):
        raise JobError(
            f"ClientError: {what}: FileSystemId {name!r}, DirectoryPath {inside!r} and"
            f" FileSystemAccessMode {mode!r} name no folder of a file system",
            code="file-system-invalid",
            hint="Give an id such as fs-0123456789abcdef0, an absolute path without '..', and ro or"
            " rw.",
        )
    root = _root(context.services.config, context.services.home, str(name))
    folder = root.joinpath(*(part for part in parts if part.strip("/")))
    if not folder.is_dir():
        raise JobError(
            f"ClientError: {what}: the folder {folder}, which stands for {inside} of the file"
            f" system {name}, is not there",
            code="file-system-missing",
            hint=f'Put the data there, or name another folder under [file_systems]: {name} = "..."'
            " (file_systems in pipetui.toml or the home's config.toml).",
        )
    return os.path.realpath(folder)


def _root(config: Config, home: Path, name: str) -> Path:
    configured = config.file_systems.get(name)
    return Path(configured) if configured else home / FILE_SYSTEMS / name
