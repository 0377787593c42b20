"""``s3-dist-cp`` on this host: a copy between folders, by a program of one process.

Options are those of the EMR release guide. What a cluster alone has of them has no effect, and what
this host cannot do is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import JobError
from engine.steps.base import StepContext
from engine.steps.container import base_interpreter
from engine.steps.hdfs import STAND_IN as HDFS_STAND_IN
from engine.steps.hdfs import hdfs_path, is_hdfs
from engine.steps.programs import __file__ as programs
from engine.steps.spark import local_path

PROGRAM = "s3-dist-cp"
STAND_IN = "a copy in the local S3 tree in place of s3-dist-cp"
_SCRIPT = str(Path(programs).parent / "s3_dist_cp.py")
_VALUES = (
    "--src", "--dest", "--srcPattern", "--groupBy", "--targetSize", "--outputCodec",
    "--startingIndex", "--outputManifest", "--previousManifest", "--srcPrefixesFile",
)  # fmt: skip
_SWITCHES = (
    "--deleteOnSuccess", "--appendToLastFile", "--numberFiles", "--copyFromManifest",
    "--requirePreviousManifest",
)  # fmt: skip
_WITHOUT_EFFECT = ("--s3Endpoint", "--multipartUploadChunkSize", "--storageClass", "--tmpDir")
_SWITCHES_WITHOUT_EFFECT = ("--disableMultipartUpload", "--s3ServerSideEncryption")
_CODECS = {"keep": "keep", "none": "none", "gz": "gz", "gzip": "gz"}
_PLACES = ("--src", "--dest", "--previousManifest", "--srcPrefixesFile")
_S3 = re.compile("s3[an]?://.+")


@dataclass(frozen=True, slots=True)
class Copy:
    """What to copy, in the words of the command line.

    Args:
        source: a URI, as are ``target``, ``previous_manifest`` and ``prefixes_file``.
        pattern: a regular expression that the whole URI of an object has to match; empty for all.
        group_by: one whose groups, joined, name the file that an object becomes a part of.
        target_size: MiB at which a file of a group ends; 0 for no end.
        codec: ``keep``, ``none`` or ``gz``.
        delete: whether objects that were copied are removed.
        append: whether a file that is there already is written on.
        number_from: names are preceded by numbers from this one; None for no numbers.
        output_manifest: name of a file below ``target`` that tells what was copied.
        from_manifest: whether the previous manifest tells what to copy, not what to leave out.
        require_previous: whether a previous manifest that is not there is an error.
    """

    source: str
    target: str
    pattern: str = ""
    delete: bool = False
    group_by: str = ""
    target_size: int = 0
    codec: str = "keep"
    append: bool = False
    number_from: int | None = None
    output_manifest: str = ""
    previous_manifest: str = ""
    from_manifest: bool = False
    require_previous: bool = True
    prefixes_file: str = ""

    def stand_in(self) -> str:
        """What stands for the program, and for HDFS where it is one of its places."""
        hdfs = any(map(is_hdfs, (self.source, self.target)))
        return f"{STAND_IN}, {HDFS_STAND_IN}" if hdfs else STAND_IN


def copy_of(words: Sequence[str]) -> Copy:
    """The copy that a command line asks for, without the program.

    Errors: ``JobError`` (``s3-dist-cp-unsupported``).
    """
    given, switches = _options(words)
    for name in ("--src", "--dest"):
        if name not in given:
            raise _unsupported(f"it is given no {name}")
    for name in _PLACES:
        place = given.get(name)
        if place is not None and not (_S3.match(place) or is_hdfs(place)):
            raise _unsupported(f"{name} is {place}, which is neither in S3 nor in HDFS")
    codec = given.get("--outputCodec", "keep")
    if codec not in _CODECS:
        raise _unsupported(f"this host lacks the codec {codec}; it has {', '.join(_CODECS)}")
    append = switches.get("--appendToLastFile", False)
    if append and not is_hdfs(given["--dest"]):
        raise _unsupported(
            "--appendToLastFile writes on files of HDFS, and objects in S3 are whole"
        )
    from_manifest = switches.get("--copyFromManifest", False)
    if from_manifest and "--previousManifest" not in given:
        raise _unsupported("--copyFromManifest needs a --previousManifest")
    numbered = switches.get("--numberFiles", False)
    return Copy(
        given["--src"],
        given["--dest"],
        _pattern(given, "--srcPattern"),
        switches.get("--deleteOnSuccess", False),
        group_by=_group(given),
        target_size=_number(given, "--targetSize"),
        codec=_CODECS[codec],
        append=append,
        number_from=_number(given, "--startingIndex") if numbered else None,
        output_manifest=_file_name(given),
        previous_manifest=given.get("--previousManifest", ""),
        from_manifest=from_manifest,
        require_previous=switches.get("--requirePreviousManifest", True),
        prefixes_file=given.get("--srcPrefixesFile", ""),
    )


def _options(words: Sequence[str]) -> tuple[dict[str, str], dict[str, bool]]:
    """The options that have a value, and those that are on or off."""
    given: dict[str, str] = {}
    switches: dict[str, bool] = {}
    left = list(words)
    while left:
        name, equals, value = left.pop(0).partition("=")
        if name in (*_SWITCHES, *_SWITCHES_WITHOUT_EFFECT):
            if not equals and left and left[0] in ("true", "false"):
                value = left.pop(0)
            switches[name] = value != "false"
        elif name in (*_VALUES, *_WITHOUT_EFFECT):
            given[name] = value if equals else left.pop(0) if left else ""
        else:
            raise _unsupported(f"its option {name} is not known here")
    return given, switches


def _pattern(given: dict[str, str], name: str) -> str:
    pattern = given.get(name, "")
    try:
        re.compile(pattern)
    except re.error as problem:
        raise _unsupported(f"its pattern {pattern} cannot be read: {problem}") from None
    return pattern


def _group(given: dict[str, str]) -> str:
    pattern = _pattern(given, "--groupBy")
    if pattern and not re.compile(pattern).groups:
        raise _unsupported(f"--groupBy {pattern} has no parentheses, which name the groups")
    return pattern


def _number(given: dict[str, str], name: str) -> int:
    text = given.get(name, "0")
    if not re.fullmatch("[0-9]+", text):
        raise _unsupported(f"{name} is {text}, and no number")
    return int(text)


def _file_name(given: dict[str, str]) -> str:
    name = given.get("--outputManifest", "")
    if "/" in name or name in (".", ".."):
        raise _unsupported(f"--outputManifest is {name}, and not the name of a file")
    return name


def copy_command(context: StepContext, copy: Copy, hdfs: Path) -> list[str]:
    """The command line that copies.

    Args:
        hdfs: the folder that stands for HDFS.
    """
    tree = context.services.tree

    def placed(place: str) -> str:
        return hdfs_path(hdfs, place) if is_hdfs(place) else local_path(place, tree)

    uris = [copy.source, copy.target, copy.previous_manifest, copy.prefixes_file]
    asked = {**asdict(copy), "places": {uri: placed(uri) for uri in uris if uri}}
    return [base_interpreter(context.services.config), _SCRIPT, json.dumps(asked)]


def _unsupported(why: str) -> JobError:
    return JobError(
        f"ClientError: s3-dist-cp cannot run: {why}",
        code="s3-dist-cp-unsupported",
        hint=f"It takes {', '.join((*_VALUES, *_SWITCHES))} here.",
    )
