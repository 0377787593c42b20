"""What the service takes as a name, a text or a token (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.errors import DefinitionError

NAME_LIMIT = 256
VERSION_NAME_LIMIT = 82
EXECUTION_NAME_LIMIT = 82
DESCRIPTION_LIMIT = 3072
ALIASES_PER_VERSION = 10
TAGS = 50
TOKEN_LENGTHS = range(32, 129)

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*")
_ALIAS = re.compile(r"[a-zA-Z0-9._-]{1,128}")


def check_pipeline_name(name: str) -> None:
    """Refuse what is no PipelineName. Errors: ``DefinitionError``."""
    if len(name) > NAME_LIMIT or not _NAME.fullmatch(name):
        raise DefinitionError(
            f"{name[:NAME_LIMIT]!r} is not a pipeline name",
            code="pipeline-name-invalid",
            hint=f"Letters, digits and hyphens between them, at most {NAME_LIMIT}.",
        )


def check_version_name(name: str) -> None:
    """Refuse what is no PipelineVersionDisplayName. Errors: ``DefinitionError``."""
    if name and (len(name) > VERSION_NAME_LIMIT or not _NAME.fullmatch(name)):
        raise DefinitionError(
            f"{name[:VERSION_NAME_LIMIT]!r} is not a name of a pipeline version",
            code="version-name-invalid",
            hint=f"Letters, digits and hyphens between them, at most {VERSION_NAME_LIMIT}.",
        )


def check_alias(alias: str) -> None:
    """Refuse an alias that is no name, or that reads as a PipelineVersionId.

    Errors: ``DefinitionError``.
    """
    if not _ALIAS.fullmatch(alias) or alias.isdecimal():
        raise DefinitionError(
            f"{alias[:128]!r} is not an alias of a pipeline version",
            code="version-alias-invalid",
            hint="1 to 128 letters, digits, dots, hyphens and underscores; not digits alone.",
        )


def check_execution_name(name: str) -> None:
    """Refuse a PipelineExecutionDisplayName that is too long. Errors: ``DefinitionError``."""
    if len(name) > EXECUTION_NAME_LIMIT:
        raise DefinitionError(
            f"the display name of an execution has {len(name)} characters;"
            f" {EXECUTION_NAME_LIMIT} are allowed",
            code="execution-name-too-long",
            hint="Say more in the description.",
        )


def check_description(text: str) -> None:
    """Refuse a description that is too long. Errors: ``DefinitionError``."""
    if len(text) > DESCRIPTION_LIMIT:
        raise DefinitionError(
            f"the description has {len(text)} characters; {DESCRIPTION_LIMIT} are allowed",
            code="description-too-long",
            hint="Shorten it.",
        )


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse more tags than a resource has. Errors: ``DefinitionError``."""
    if len(tags) > TAGS:
        raise DefinitionError(
            f"a pipeline has up to {TAGS} tags; these are {len(tags)}",
            code="too-many-tags",
            hint="Delete some first.",
        )


def check_token(token: str) -> None:
    """Refuse a ClientRequestToken of another length. Errors: ``DefinitionError``."""
    if token and len(token) not in TOKEN_LENGTHS:
        raise DefinitionError(
            f"a token has 32 to 128 characters; this one has {len(token)}",
            code="token-invalid",
            hint="A UUID is one.",
        )
