"""What the expressions of a step see while it starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from engine.clock import timestamp
from engine.definition.document import Definition
from engine.definition.expressions import resolve
from engine.definition.paths import Path, walk
from engine.errors import ExpressionError
from engine.model.events import IterationContext
from engine.model.views import local_arn
from engine.steps.base import Run
from engine.storage.tree import LocalTree

DOCUMENT_LIMIT = 16 * 1024 * 1024
"""Bytes of a JSON file that an expression may read."""


class ExecutionScope:
    """``Scope`` over the results of the steps that have ended.

    Args:
        results: properties by step name; grows while the execution runs.
        now: seconds since the epoch, for ``CurrentDateTime``.
        job_name: of the job that the step with the expression runs.
        iteration: of the ForEach that the step repeats in; None for every other step.
    """

    def __init__(
        self,
        definition: Definition,
        run: Run,
        parameters: Mapping[str, Any],
        results: Mapping[str, Mapping[str, Any]],
        tree: LocalTree,
        now: Callable[[], float],
        job_name: str = "",
        iteration: IterationContext | None = None,
    ) -> None:
        self._definition = definition
        self._run = run
        self._parameters = parameters
        self._results = results
        self._tree = tree
        self._now = now
        self._job_name = job_name
        self._iteration = iteration

    def parameter(self, name: str) -> Any:
        """A parameter, with its type."""
        if name not in self._parameters:
            raise ExpressionError(f"ClientError: parameter {name} has no value")
        return self._parameters[name]

    def execution_variable(self, name: str) -> Any:
        """An execution variable (section 2.1 of the pipelines reference), always text."""
        run = self._run
        match name:
            case "PipelineName":
                return run.pipeline
            case "PipelineArn":
                return local_arn("pipeline", run.pipeline.lower())
            case "PipelineExecutionId":
                return run.id
            case "PipelineExecutionArn":
                return run.arn
            case "StartDateTime":
                return timestamp(run.started_at)
            case "CurrentDateTime":
                return timestamp(self._now())
            case "TrainingJobName" | "ProcessingJobName":
                return self._job_name
        raise ExpressionError(f"ClientError: there is no execution variable {name}")

    def step_property(self, step: str, path: Path) -> Any:
        """A property of a step that has ended; a sibling's is that of the same iteration."""
        document = self._definition.steps[step].type == "Job"
        return walk(self._result(step), path, root=f"Steps.{step}", parse_text=document)

    def property_file_uri(self, step: str, name: str) -> str:
        """S3 URI of a property file: that of its output, and its path below it."""
        declared = self._definition.steps[step].property_files
        file = next((one for one in declared if one.name == name), None)
        if file is None:
            raise ExpressionError(f"ClientError: step {step} declares no property file {name}")
        path: Path = ("ProcessingOutputConfig", "Outputs", file.output_name, "S3Output", "S3Uri")
        return f"{str(self.step_property(step, path)).rstrip('/')}/{file.file_path}"

    def document(self, uri: str) -> Any:
        """The JSON document at a URI."""
        text = self._tree.read(uri, 0, DOCUMENT_LIMIT)
        try:
            return json.loads(text)
        except ValueError as problem:
            raise ExpressionError(
                f"ClientError: {uri} is not JSON: {problem}",
                code="document-not-json",
                hint="JsonGet reads JSON files; look at what the step wrote.",
            ) from problem

    def foreach_item(self) -> Any:
        """The item of the present iteration."""
        if self._iteration is None:
            raise ExpressionError("ClientError: ForEach.CurrentItem stands outside of a ForEach")
        return self._iteration.item

    def experiment(self, name: str) -> Any:
        """A value of PipelineExperimentConfig."""
        config = self._definition.experiment or {}
        if name not in config:
            raise ExpressionError(f"ClientError: PipelineExperimentConfig has no {name}")
        return resolve(config[name], self)

    def _result(self, step: str) -> Mapping[str, Any]:
        if self._iteration and self._definition.steps[step].parent == self._iteration.parent:
            step = self._iteration.child(step)
        if step not in self._results:
            raise ExpressionError(
                f"ClientError: step {step} has no properties: it did not run, or its job did not",
                code="step-has-no-properties",
            )
        return self._results[step]
