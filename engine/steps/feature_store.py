"""Feature store outputs of processing jobs: the script puts its records, this host keeps them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.errors import JobError
from engine.steps.inputs import mappings, section
from engine.storage.feature_store import place_of_group

Json = Mapping[str, Any]
_NAME = re.compile("[a-zA-Z0-9]([_-]*[a-zA-Z0-9]){0,63}")


def stand_ins_of(arguments: Json) -> list[str]:
    """What stands for the feature groups that a job writes to."""
    return [
        f"JSON Lines files below {place_of_group(group)} stand for the feature group {group}"
        for output in _outputs(arguments)
        if isinstance(group := section(output, "FeatureStoreOutput").get("FeatureGroupName"), str)
    ]


def check_feature_groups(step: str, arguments: Json) -> None:
    """See to it that feature store outputs are what the service accepts.

    Errors: ``JobError`` (``feature-store-output-invalid``).
    """
    for output in _outputs(arguments):
        group = section(output, "FeatureStoreOutput").get("FeatureGroupName")
        problem = ""
        if not isinstance(group, str) or not _NAME.fullmatch(group):
            problem = f"{group!r} is not the name of a feature group"
        elif not output.get("AppManaged"):
            problem = "FeatureStoreOutput needs AppManaged: the script itself puts the records"
        if problem:
            raise JobError(
                f"ClientError: {step}: output {output.get('OutputName')}: {problem}",
                code="feature-store-output-invalid",
                hint="Set AppManaged to true and FeatureGroupName to letters, digits, '-' and '_'"
                " (64 at most).",
            )


def _outputs(arguments: Json) -> list[Json]:
    found = mappings(section(arguments, "ProcessingOutputConfig").get("Outputs"))
    return [output for output in found if output.get("FeatureStoreOutput")]
