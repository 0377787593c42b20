"""A container image URI taken apart: what it names and which family of AWS images it belongs to.

The family is read from the repository name, never from the account: accounts differ per region and
per family, and a private mirror keeps the name. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache


class Family(Enum):
    """The AWS image families that are told apart, and ``OTHER`` for everything else."""

    SCIKIT_LEARN = "scikit-learn"
    XGBOOST = "xgboost"
    PYTORCH = "pytorch"
    TENSORFLOW = "tensorflow"
    HUGGINGFACE_PYTORCH = "huggingface-pytorch"
    HUGGINGFACE_TENSORFLOW = "huggingface-tensorflow"
    BASE_PYTHON = "base-python"
    DISTRIBUTION = "distribution"
    SPARK = "spark"
    MODEL_MONITOR = "model-monitor"
    CLARIFY = "clarify"
    DATA_WRANGLER = "data-wrangler"
    DEBUGGER = "debugger"
    BUILT_IN = "built-in-algorithm"
    SERVING_ONLY = "serving-only"
    OTHER = "other"


_BUILT_IN_ALGORITHMS = (
    "blazingtext|factorization-machines|forecasting-deepar|image-classification|ipinsights|kmeans"
    "|knn|lda|linear-learner|ntm|object-detection|object2vec|pca|randomcutforest"
    "|semantic-segmentation|seq2seq"
)

_REPOSITORIES: tuple[tuple[re.Pattern[str], Family], ...] = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r"sagemaker-scikit-learn", Family.SCIKIT_LEARN),
        (r"sagemaker-xgboost|xgboost", Family.XGBOOST),
        (r"huggingface-pytorch-.+", Family.HUGGINGFACE_PYTORCH),
        (r"huggingface-tensorflow-.+", Family.HUGGINGFACE_TENSORFLOW),
        (r"pytorch-(training|inference)(-graviton|-arm64)?", Family.PYTORCH),
        (r"tensorflow-(training|inference)(-graviton|-arm64)?", Family.TENSORFLOW),
        (r"sagemaker-base-python(-\d+)?", Family.BASE_PYTHON),
        (r"sagemaker-distribution(-prod|-cpu|-gpu)?", Family.DISTRIBUTION),
        (r"sagemaker-spark-processing", Family.SPARK),
        (r"sagemaker-model-monitor-analyzer", Family.MODEL_MONITOR),
        (r"sagemaker-clarify-processing", Family.CLARIFY),
        (r"sagemaker-data-wrangler-container", Family.DATA_WRANGLER),
        (r"sagemaker-debugger-rules.*", Family.DEBUGGER),
        (
            r"sagemaker-(sparkml-serving|rl-.+|neo-.+|tritonserver|geospatial.*)",
            Family.SERVING_ONLY,
        ),
        (_BUILT_IN_ALGORITHMS, Family.BUILT_IN),
    )
)

# registry host "<account>.dkr.ecr[-fips].<region>.<dns suffix>"; the suffix differs by partition
_ECR_HOST = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z]{2}(?:-[a-z]+)+-\d+)\.[a-z0-9.-]+"
)
_REFERENCE = re.compile(
    r"(?:(?P<registry>[^/@]+)/)?"
    r"(?P<repository>[^:@]+)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class Image:
    """What an image URI says. Empty strings stand for what it does not say.

    Attributes:
        version: the framework version with the container's own, such as ``1.7-1`` or ``2.1.0``.
        processor: ``cpu`` or ``gpu``.
        python: the interpreter named in the tag or repository, such as ``3.10``.
        transformers: the Transformers version of a Hugging Face image.
        architecture: ``arm64``, or empty for x86-64.
    """

    uri: str
    registry: str = ""
    account: str = ""
    region: str = ""
    repository: str = ""
    tag: str = ""
    digest: str = ""
    family: Family = Family.OTHER
    version: str = ""
    processor: str = ""
    python: str = ""
    transformers: str = ""
    architecture: str = ""

    @property
    def name(self) -> str:
        """The last part of the repository, which a private mirror keeps."""
        return self.repository.rpartition("/")[2]


@lru_cache(maxsize=256)
def parse_image(uri: str) -> Image:
    """Take an image URI apart; a text that is no image reference gives an ``OTHER`` image."""
    match = _REFERENCE.fullmatch(uri.strip())
    if match is None:
        return Image(uri=uri)
    registry, repository = match["registry"] or "", match["repository"]
    if registry and not _is_host(registry):
        registry, repository = "", f"{registry}/{repository}"
    ecr = _ECR_HOST.fullmatch(registry)
    image = Image(
        uri=uri,
        registry=registry,
        account=ecr["account"] if ecr else "",
        region=ecr["region"] if ecr else "",
        repository=repository,
        tag=match["tag"] or "",
        digest=match["digest"] or "",
    )
    image = replace(image, family=_family(image.name), **_tag_parts(image.tag))
    if image.family is Family.BASE_PYTHON and not image.python:
        digits = image.name.rpartition("-")[2]
        image = replace(image, python=_dotted(digits) if digits.isdigit() else "")
    return image


def _is_host(text: str) -> bool:
    return "." in text or ":" in text or text == "localhost"


def _family(name: str) -> Family:
    return next(
        (family for pattern, family in _REPOSITORIES if pattern.fullmatch(name)), Family.OTHER
    )


def _tag_parts(tag: str) -> dict[str, str]:
    """What the parts of a tag say; they are joined by ``-`` and each is known by its form."""
    parts: dict[str, str] = {}
    version: list[str] = []
    for position, word in enumerate(tag.split("-")):
        if re.fullmatch(r"\d+(\.\d+)*", word) and len(version) == position:
            version.append(word)
        elif word in ("cpu", "gpu"):
            parts["processor"] = word
        elif word == "arm64":
            parts["architecture"] = word
        elif found := re.fullmatch(r"transformers([\d.]+)", word):
            parts["transformers"] = found[1]
        elif found := re.fullmatch(r"py(\d{2,3})", word):
            # the first one counts: the SDK adds a bare "py3" behind a published "1.4-2-py312"
            parts.setdefault("python", _dotted(found[1]))
    return parts | {"version": "-".join(version)}


def _dotted(digits: str) -> str:
    """``310`` as ``3.10``."""
    return f"{digits[0]}.{digits[1:]}" if len(digits) > 1 else digits
