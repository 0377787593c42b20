"""Pins for the images whose tag itself names the framework's version. Pure.

PyTorch, TensorFlow and Hugging Face images hold the version that their tag says, so their pins are
computed from the tag and from the oldest version with wheels for the interpreter. What else they
hold is not known here, so they are never graded better than ``same-minor``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.environments.grade import Grade, closeness, release
from engine.environments.image import Family, Image
from engine.environments.pins import Minor

# oldest version on the registry with wheels for the interpreter
_OLDEST_TORCH: Mapping[Minor, str] = {(3, 11): "1.13.1", (3, 12): "2.2.0", (3, 13): "2.5.1"}
_OLDEST_TENSORFLOW: Mapping[Minor, str] = {(3, 11): "2.12.1", (3, 12): "2.16.2", (3, 13): "2.20.0"}
# the release of each minor version whose wheels are complete
_TENSORFLOW_COMPLETE = {"2.12": "2.12.1", "2.14": "2.14.1", "2.16": "2.16.2"}

_NUMPY_1 = ("numpy==1.26.4", "scipy==1.11.4", "pandas==2.1.4", "scikit-learn==1.3.2")
_NUMPY_2 = ("numpy==2.1.0", "scipy==1.14.1", "pandas==2.2.3", "scikit-learn==1.5.2")
# TensorFlow decides on numpy, so these only bound what comes beside it
_TENSORFLOW_BESIDE = ("pandas<3", "scikit-learn<1.7")


@dataclass(frozen=True, slots=True)
class FrameworkPins:
    """Requirements for a framework image, their grade, and what differs."""

    requirements: tuple[str, ...]
    grade: Grade
    notes: tuple[str, ...] = ()


def framework_pins(image: Image, python: Minor) -> FrameworkPins | None:
    """The pins for an image, or None where its family or version says too little."""
    compute = _BY_FAMILY.get(image.family)
    return compute(image, python) if compute else None


def _torch(image: Image, python: Minor) -> FrameworkPins | None:
    wanted = _full(image.version)
    if not wanted:
        return None
    chosen = _at_least(wanted, _OLDEST_TORCH, python)
    beside = _NUMPY_2 if python >= (3, 13) else _NUMPY_1
    return _framework("torch", wanted, chosen, (f"torch=={chosen}", *beside))


def _tensorflow(image: Image, python: Minor) -> FrameworkPins | None:
    wanted = _full(image.version)
    if not wanted:
        return None
    chosen = _at_least(wanted, _OLDEST_TENSORFLOW, python)
    chosen = _TENSORFLOW_COMPLETE.get(chosen.rpartition(".")[0], chosen)
    requirements = (f"tensorflow-cpu=={chosen}", *_TENSORFLOW_BESIDE)
    return _framework("tensorflow", wanted, chosen, requirements)


def _framework(
    library: str, wanted: str, chosen: str, requirements: tuple[str, ...]
) -> FrameworkPins:
    if wanted == chosen:
        return FrameworkPins(requirements, Grade.SAME_MINOR)
    note = f"{library} {chosen} (image: {wanted}): the closest that installs on this Python"
    grade = closeness(library, {library: wanted}, {library: chosen})
    return FrameworkPins(requirements, grade, (note,))


def _huggingface(image: Image, python: Minor) -> FrameworkPins | None:
    base = (_torch if image.family is Family.HUGGINGFACE_PYTORCH else _tensorflow)(image, python)
    if base is None or not image.transformers:
        return None
    # datasets 2.16 is what accompanies Transformers 4.36; older and newer 4.x work with it
    added = (f"transformers=={image.transformers}", "datasets==2.16.1")
    return replace(base, requirements=(*added, *base.requirements))


def _base_python(image: Image, python: Minor) -> FrameworkPins:
    ours = f"{python[0]}.{python[1]}"
    if image.python == ours:
        return FrameworkPins((), Grade.SAME_MINOR)
    return FrameworkPins((), Grade.CLOSEST, (f"Python {ours} (image: {image.python})",))


def _spark(image: Image, _python: Minor) -> FrameworkPins | None:
    if not image.version:
        return None
    major, minor, _ = release(image.version)
    notes = ("Spark needs a Java runtime on this host", "Spark runs on this host alone")
    return FrameworkPins((f"pyspark=={major}.{minor}.0", *_NUMPY_1), Grade.CLOSEST, notes)


_BY_FAMILY = {
    Family.PYTORCH: _torch,
    Family.TENSORFLOW: _tensorflow,
    Family.HUGGINGFACE_PYTORCH: _huggingface,
    Family.HUGGINGFACE_TENSORFLOW: _huggingface,
    Family.BASE_PYTHON: _base_python,
    Family.SPARK: _spark,
}


def _full(version: str) -> str:
    """``2.1`` as ``2.1.0``: tags may leave the last number out; empty where there is none."""
    return ".".join(str(number) for number in release(version)) if version else ""


def _at_least(version: str, oldest: Mapping[Minor, str], python: Minor) -> str:
    known = [minor for minor in oldest if minor <= python]
    return max(version, oldest[max(known)], key=release) if known else version
