"""The job's channels: which there may be, what their data is, and which files hold it."""

from __future__ import annotations

import csv
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Mapping

from .errors import UserError

CSV = "csv"
LIBSVM = "libsvm"
PARQUET = "parquet"
RECORDIO = "recordio-protobuf"

# the channel check compares these exactly: "text/csv; label_size=1" is not among them
_FORMATS = {
    "csv": CSV,
    "libsvm": LIBSVM,
    "parquet": PARQUET,
    "recordio-protobuf": RECORDIO,
    "text/csv": CSV,
    "text/libsvm": LIBSVM,
    "text/x-libsvm": LIBSVM,
    "application/x-parquet": PARQUET,
    "application/x-recordio-protobuf": RECORDIO,
}
_DATA_CHANNELS = ("train", "validation")
_DEPTH = 3
_SNIPPET = 50

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Channel:
    """A channel of data.

    Attributes:
        path: its folder.
        format: ``csv``, ``libsvm`` or ``parquet``.
        sharded: whether every host has other files of it.
    """

    name: str
    path: Path
    format: str
    sharded: bool

    def files(self) -> list[Path]:
        """The files with data, in a fixed order, down to folders of the third level.

        Raises:
            UserError: a hidden file lies among them.
        """
        return sorted(file for file in _files(self.path, 1) if file.stat().st_size)


def read_channels(config: Mapping[str, Mapping[str, Any]], data: Path) -> dict[str, Channel]:
    """The data channels by name.

    Args:
        config: contents of ``inputdataconfig.json``.
        data: folder that holds one folder per channel.

    Raises:
        UserError: a channel is missing, unknown, or of a kind that is not supported.
    """
    if "train" not in config:
        raise UserError("Missing required channel: train")
    channels: dict[str, Channel] = {}
    for name, given in config.items():
        if name not in (*_DATA_CHANNELS, "code"):
            raise UserError(f"Extraneous channel found: {name}")
        if name == "code":
            continue
        value = {"ContentType": "text/libsvm", **{k: v for k, v in given.items() if v is not None}}
        distribution = value.get("S3DistributionType", "FullyReplicated")
        if (
            value["ContentType"] not in _FORMATS
            or value.get("TrainingInputMode", "File") not in ("File", "FastFile")
            or distribution not in ("FullyReplicated", "ShardedByS3Key")
        ):
            raise UserError(f"Channel configuration for '{name}' channel is not supported: {value}")
        # validation data is of the kind that the training data has
        kind = channels["train"].format if "train" in channels else _FORMATS[value["ContentType"]]
        channels[name] = Channel(name, data / name, kind, distribution == "ShardedByS3Key")
    if channels["train"].format == RECORDIO:
        raise UserError("recordio-protobuf data cannot be read here; use csv, libsvm or parquet.")
    return channels


def delimiter_of(file: Path) -> str:
    """The delimiter of a CSV file, from its first line."""
    with file.open(encoding="utf-8", errors="ignore") as lines:
        line = lines.readline()
    try:
        return csv.Sniffer().sniff(line).delimiter
    except csv.Error as error:
        raise UserError(
            f"Could not determine delimiter on line {line[:_SNIPPET]}:\n{error}"
        ) from error


def check_libsvm(file: Path) -> None:
    """Raise UserError unless the lines up to the first with features are in LIBSVM format."""
    with file.open(encoding="utf-8", errors="ignore") as lines:
        for line in lines:
            features = _libsvm_features(line)
            if features is None:
                raise UserError(
                    f"First line '{line[:_SNIPPET].rstrip()}...' of file '{file.name}' is not"
                    " 'LIBSVM' format. Please ensure the file is in 'LIBSVM' format."
                )
            if features > 0:
                return


def _libsvm_features(line: str) -> int | None:
    """How many features a line has, or None where it is not LIBSVM."""
    words = line.split()
    if not words:
        return 0
    try:
        label = [float(part) for part in words[0].split(":")]
        for word in words[1:]:
            index, _, value = word.partition(":")
            if not index.startswith("qid"):
                int(index)
            float(value)
    except ValueError:
        return None
    return len(words) - 1 if len(label) <= 2 else None


def _files(folder: Path, depth: int) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    if not folder.is_dir():
        return
    if depth > _DEPTH:
        logger.warning(
            "The depth of folder %s exceeds the limit %d; its files are not loaded.", folder, _DEPTH
        )
        return
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            yield from _files(entry, depth + 1)
        elif entry.name.startswith("."):
            raise UserError("Hidden file found in the data path! Remove that before training.")
        else:
            yield entry
