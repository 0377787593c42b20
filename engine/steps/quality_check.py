"""QualityCheck: statistics and constraints of data or of a model's predictions."""

from __future__ import annotations

from engine.steps.check import BaselineFile, CheckKind, CheckStep

_FILES = (
    BaselineFile("Statistics", "statistics.json", "Statistics"),
    BaselineFile("Constraints", "constraints.json", "Constraints"),
)
KINDS = {
    "DATA_QUALITY": CheckKind("ModelDataQuality", _FILES),
    "MODEL_QUALITY": CheckKind("ModelQuality", _FILES),
}


class QualityCheckStep(CheckStep):
    """Runs Model Monitor's baseline job and compares."""

    def __init__(self) -> None:
        super().__init__("QualityCheck", "quality", "Model Monitor", KINDS)
