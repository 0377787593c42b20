"""Cleanup: deletes what steps before it have left in S3, in the local tree and nowhere else.

As on AWS a training step's results are found by themselves; of a processing or transform step the
objects are named, and each lies below one of that step's outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.config import Config
from engine.definition.document import Step
from engine.errors import ExpressionError, JobError, PipetuiError, PlanError
from engine.steps.base import Outcome, StepContext, failed, succeeded
from engine.steps.inputs import mappings, section
from engine.steps.opt_ml import as_text
from engine.storage.location import Location
from engine.storage.tree import LocalTree

Json = Mapping[str, Any]


class CleanupStep:
    """Deletes S3 objects of steps."""

    runs_jobs = False
    interruptible = True

    def refuse(self, step: Step, config: Config) -> PlanError | None:
        """No step named, and what is not in S3."""
        sources = mappings(section(step.arguments, "Resources").get("S3"))
        if not sources or not all(source.get("StepName") for source in sources):
            return PlanError(
                f"{step.name} names no step to clean up after",
                code="cleanup-source-missing",
                hint='Give Resources.S3 = [{"StepName": ...}].',
                path=step.path,
            )
        for source in sources:
            for uri in source.get("S3Uris") or ():
                if isinstance(uri, str) and not uri.startswith("s3://"):
                    return PlanError(
                        f"{step.name}: {uri} is not in S3, and nothing else is deleted",
                        code="cleanup-outside-s3",
                        hint="Name objects as s3://bucket/key.",
                        path=step.path,
                    )
        return None

    def stand_in(self, step: Step, config: Config) -> str:
        """None: objects of the local tree are really deleted."""
        return ""

    async def run(self, context: StepContext) -> Outcome:
        """The metadata says which steps' objects are gone, which could not be, and which had none.

        Fails where a step could not be cleaned up, after all others were.
        """
        cleaned: list[str] = []
        skipped: list[str] = []
        problems: list[dict[str, str]] = []
        deleted = 0
        for source in mappings(section(context.arguments, "Resources").get("S3")):
            name = as_text(source.get("StepName"))
            try:
                result = context.resolve({"Get": f"Steps.{name}"})
            except ExpressionError:
                skipped.append(name)
                continue
            try:
                uris = _named(source, result) if source.get("S3Uris") else _found(name, result)
                deleted += await context.in_thread(_delete, context.services.tree, uris)
                cleaned.append(name)
            except PipetuiError as error:
                problems.append(_problem(name, error))
        metadata: dict[str, Any] = {
            "Cleanup": {"CleanedSteps": cleaned, "FailedSteps": problems, "SkippedSteps": skipped}
        }
        note = f"{deleted} {'object' if deleted == 1 else 'objects'} deleted"
        if skipped:
            note += f"; did not succeed, so nothing is known of: {', '.join(skipped)}"
        if problems:
            told = "; ".join(f"{one['StepName']}: {one['ErrorMessage']}" for one in problems)
            reason = f"ClientError: {context.step.name} could not clean up after {told}"
            return failed(reason, "cleanup-failed", metadata=metadata, note=note)
        return succeeded(metadata=metadata, note=note)


def _problem(name: str, error: PipetuiError) -> dict[str, str]:
    text = error.message.removeprefix("ClientError: ")
    return {"StepName": name, "ErrorCode": "ClientError", "ErrorMessage": text}


def _found(name: str, result: Json) -> list[str]:
    """The results of a training step: what lies in the folder of its job.

    Errors: ``JobError`` (``cleanup-uris-missing``) for a step of another kind.
    """
    path = section(result, "OutputDataConfig").get("S3OutputPath")
    job = result.get("TrainingJobName")
    if not job or not path:
        raise JobError(
            f"S3Uris are needed for {name}: only a training step's results are found by themselves",
            code="cleanup-uris-missing",
        )
    return [f"{str(path).rstrip('/')}/{job}"]


def _named(source: Json, result: Json) -> list[str]:
    """The URIs that the step lists. Errors: ``JobError`` (``cleanup-outside-outputs``)."""
    places = [f"{str(uri).rstrip('/')}/" for uri in _outputs(result)]
    uris = [as_text(uri) for uri in source["S3Uris"]]
    for uri in uris:
        if not any(f"{uri}/".startswith(place) for place in places):
            raise JobError(
                f"{uri} is below no output of {source['StepName']}"
                f" ({', '.join(places) or 'it has none'})",
                code="cleanup-outside-outputs",
            )
    return uris


def _outputs(result: Json) -> Iterator[Any]:
    """Where a step's job writes to in S3."""
    for output in mappings(section(result, "ProcessingOutputConfig").get("Outputs")):
        if uri := section(output, "S3Output").get("S3Uri"):
            yield uri
    for key, member in (("OutputDataConfig", "S3OutputPath"), ("TransformOutput", "S3OutputPath")):
        if uri := section(result, key).get(member):
            yield uri


def _delete(tree: LocalTree, uris: list[str]) -> int:
    """Delete each object, or all that lie in a folder; returns how many there were."""
    found: dict[str, None] = {}
    for uri in uris:
        location = tree.locate(uri)
        if location.scheme != "s3" or not location.key.strip("/"):
            raise JobError(
                f"{uri} names no object in S3, and nothing else is deleted",
                code="cleanup-outside-s3",
            )
        found |= {one.uri: None for one in tree.scan(location) if _covers(location, one.key)}
    for uri in found:
        tree.delete(uri)
    return len(found)


def _covers(location: Location, key: str) -> bool:
    """Whether a key is the location's own, or lies in it as a folder."""
    return key == location.key or key.startswith(f"{location.key.rstrip('/')}/")
