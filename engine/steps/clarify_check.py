"""ClarifyCheck: bias in data and predictions, and what predictions depend on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from engine.steps.base import StepContext
from engine.steps.check import BaselineFile, CheckKind, CheckStep
from engine.steps.shadow_endpoint import shadow_endpoint

PREDICTOR_URL = "PIPETUI_PREDICTOR_URL"
"""Tells the job which URL answers for the model."""

_TABLES = (
    "numpy==2.1.0",
    "pandas==2.2.3",
    "pyarrow==18.1.0",
    "scikit-learn==1.5.2",
    "scipy==1.14.1",
    "boto3==1.35.99",
)
BIAS = (*_TABLES, "smclarify==0.5", "pyfunctional==1.5.0", "s3fs==0.4.2")
"""smclarify fails on pandas 3; s3fs is pinned to the last one that takes any boto3."""
EXPLANATIONS = (*_TABLES, "shap==0.48.0", "numba==0.68.1", "llvmlite==0.50.0")


def _analysis(member: str) -> tuple[BaselineFile, ...]:
    return (BaselineFile("Constraints", "analysis.json", member),)


KINDS = {
    "DATA_BIAS": CheckKind("Bias", _analysis("PreTrainingConstraints"), BIAS),
    "MODEL_BIAS": CheckKind("Bias", _analysis("PostTrainingConstraints"), BIAS),
    "MODEL_EXPLAINABILITY": CheckKind("Explainability", _analysis("Constraints"), EXPLANATIONS),
}

Serve = Callable[[StepContext, str], AbstractAsyncContextManager[str]]
"""Runs the server of a model, by its name, and gives the URL of its ``/invocations``."""


class ClarifyCheckStep(CheckStep):
    """Runs Clarify's analysis and compares.

    Args:
        serve: how to run a model's server beside the job.
    """

    def __init__(self, serve: Serve = shadow_endpoint) -> None:
        super().__init__("ClarifyCheck", "clarify", "Clarify", KINDS)
        self._serve = serve

    @asynccontextmanager
    async def serving(self, context: StepContext) -> AsyncIterator[Mapping[str, str]]:
        """The server of the model that ModelName names, as long as the job runs."""
        name = context.resolve(context.step.extra.get("ModelName"))
        if not name:
            yield {}
            return
        async with self._serve(context, str(name)) as url:
            yield {PREDICTOR_URL: url}
