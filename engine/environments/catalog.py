"""Which Python environment stands in for an image, and how close it comes. Pure.

``resolve`` never picks the newest libraries in place of pins: an image that is not in the table
runs on the host's own interpreter, graded ``unmatched``, or is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Literal

from engine.environments.frameworks import framework_pins
from engine.environments.grade import Grade, closeness, release
from engine.environments.image import Family, Image, parse_image
from engine.environments.pins import CHANGES, COMMON, NOT_RUNNABLE, TABLE, Change, Minor, Row

Kind = Literal["host", "venv", "refused"]


@dataclass(frozen=True, slots=True)
class Override:
    """An entry of the user's own table: an interpreter, or requirements to build from.

    Attributes:
        command: stands for the image's own program, with ``python`` for the interpreter.
    """

    python: str = ""
    requirements: tuple[str, ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """The environment that stands in for an image.

    Attributes:
        requirements: what to install, for kind ``venv``.
        notes: what may differ from the image or why it is refused, a sentence each.
        algorithm: the algorithm that runs when no script is given (``xgboost``), or None.
        kind: ``venv`` is built, ``host`` is an interpreter that is there, ``refused`` is neither.
        key: identity of the environment by content; empty unless ``venv``.
        python: the interpreter to use for kind ``host``, where the user's table names one.
        command: what the user's table names in place of the image's own program.
    """

    image: Image
    grade: Grade
    kind: Kind
    requirements: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    algorithm: str | None = None
    key: str = ""
    python: str = ""
    command: tuple[str, ...] = ()


def resolve(
    image_uri: str,
    *,
    python: Minor,
    overrides: Mapping[str, Override] | None = None,
    unknown: Literal["host", "refused"] = "host",
) -> Resolution:
    """The environment for an image.

    Args:
        image_uri: as the definition names it.
        python: version of the interpreter that environments are built with.
        overrides: glob over image URIs to the user's choice; the first match wins.
        unknown: what to do with an image that is not in the table.
    """
    image = parse_image(image_uri)
    algorithm = "xgboost" if image.family is Family.XGBOOST else None
    for pattern, override in (overrides or {}).items():
        if fnmatchcase(image_uri, pattern):
            return _configured(image, override, python, algorithm)
    if image.family in NOT_RUNNABLE:
        reason = NOT_RUNNABLE[image.family]
        return Resolution(image, Grade.NOT_RUNNABLE, "refused", notes=(reason,))
    row = _row(image)
    if row is not None:
        return _from_row(image, row, python, algorithm)
    framework = framework_pins(image, python)
    if framework is None:
        reason = _unknown_reason(image)
        return Resolution(image, Grade.UNMATCHED, unknown, notes=(reason,), algorithm=algorithm)
    requirements = (*framework.requirements, *COMMON)
    key = content_key(requirements, python)
    return Resolution(image, framework.grade, "venv", requirements, framework.notes, algorithm, key)


def content_key(requirements: Sequence[str], python: Minor) -> str:
    """Identity of an environment: the same requirements on the same Python share one."""
    text = "\n".join((*sorted(requirements), f"python{python[0]}.{python[1]}"))
    return sha256(text.encode()).hexdigest()[:16]


def _configured(
    image: Image, override: Override, python: Minor, algorithm: str | None
) -> Resolution:
    if override.command:
        algorithm = None
    if not override.requirements:
        return Resolution(
            image,
            Grade.CONFIGURED,
            "host",
            algorithm=algorithm,
            python=override.python,
            command=override.command,
        )
    return Resolution(
        image,
        Grade.CONFIGURED,
        "venv",
        override.requirements,
        algorithm=algorithm,
        key=content_key(override.requirements, python),
        command=override.command,
    )


def _row(image: Image) -> Row | None:
    """The table's row: by version, by the same without rebuild number, or by its first numbers."""
    rows = TABLE.get(image.family, ())
    version = image.version or (image.tag if image.tag == "latest" else "")
    framework = version.partition("-")[0]
    candidates = [version, *(f"{framework}-{number}" for number in range(1, 10)), framework]
    if image.family is Family.DISTRIBUTION:
        candidates = [framework.partition(".")[0]]
    return next(
        (row for candidate in candidates for row in rows if candidate in row.versions), None
    )


def _from_row(image: Image, row: Row, python: Minor, algorithm: str | None) -> Resolution:
    pins = _nearest(row.pins, python)
    requirements = (*pins, *COMMON)
    pinned = _versions(pins)
    crossed = [change for change in CHANGES if _crosses(change, row, pinned)]
    grade = closeness(row.lead, row.inside, pinned)
    if row.partial and grade is Grade.EXACT:
        grade = Grade.SAME_MINOR
    if any(change.breaks for change in crossed):
        grade = Grade.FAR
    return Resolution(
        image,
        grade,
        "venv",
        requirements,
        (*(change.note for change in crossed), *_differences(row, pinned)),
        algorithm,
        content_key(requirements, python),
    )


def _nearest(pins: Mapping[Minor, tuple[str, ...]], python: Minor) -> tuple[str, ...]:
    """The pins of this Python, of the nearest older one that has some, or of the oldest."""
    older = [minor for minor in pins if minor <= python]
    return pins[max(older) if older else min(pins)]


def _versions(requirements: Sequence[str]) -> dict[str, str]:
    pinned = dict(item.split("==") for item in requirements if "==" in item)
    if "xgboost-cpu" in pinned:
        pinned["xgboost"] = pinned["xgboost-cpu"]
    return pinned


def _crosses(change: Change, row: Row, pinned: Mapping[str, str]) -> bool:
    if change.lead and (
        row.lead != change.lead or release(row.inside[row.lead]) >= release(change.lead_below)
    ):
        return False
    image, ours = row.inside.get(change.library), pinned.get(change.library)
    if image is None or ours is None:
        return False
    return release(image) < release(change.border) <= release(ours)


def _differences(row: Row, pinned: Mapping[str, str]) -> list[str]:
    different = [
        f"{library} {pinned.get(library, 'absent')} (image: {version})"
        for library, version in row.inside.items()
        if pinned.get(library) != version
    ]
    return ["not as in the image: " + ", ".join(different)] if different else []


def _unknown_reason(image: Image) -> str:
    if image.family is Family.OTHER:
        return "not an AWS image that is known here; name an environment for it in your table"
    if not image.tag:
        return "the image has no tag, so its version is not known; name one in your table"
    return f"version {image.tag} of {image.family.value} is not known; name one in your table"
