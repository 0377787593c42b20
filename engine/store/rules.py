"""What every event store holds to, whatever keeps the events (pure)."""

from __future__ import annotations

from dataclasses import replace

from engine.errors import CommandRejected, NotFound, StaleLease
from engine.model.events import ExecutionCreated, ModelPackageCreated
from engine.model.pipelines import PipelineStatus, PipelineView
from engine.model.status import StepAction, StepStatus
from engine.model.views import ExecutionView, ModelPackageView, StepView, local_arn


def same_request(view: ExecutionView, fact: ExecutionCreated) -> str:
    """The id of the execution made with a token, for a request that comes with it again.

    Errors: ``CommandRejected`` (``token-conflict``) where the request asks for something else.
    """
    made = (view.pipeline, view.definition, view.parameters, view.source_execution,
            view.selection, view.edits)  # fmt: skip
    asked = (fact.pipeline, fact.definition, fact.parameters, fact.source_execution,
             fact.selection, fact.edits)  # fmt: skip
    if made != asked:
        raise CommandRejected(
            f"the token was already used for execution {view.id} with other content",
            code="token-conflict",
            hint="Use a new ClientRequestToken for a new execution.",
        )
    return view.id


def versioned(fact: ExecutionCreated, view: PipelineView | None) -> ExecutionCreated:
    """An execution with the version it runs: that of its content, or the next.

    Args:
        view: its pipeline; None where there is none yet.
    """
    if fact.pipeline_version:
        return fact
    if view is None or view.status is PipelineStatus.DELETING:
        return replace(fact, pipeline_version=1)
    same = (fact.content or fact.definition) == view.newest.content
    number = view.newest.number if same else view.newest.number + 1
    return replace(fact, pipeline_version=number)


def group_key(package: ModelPackageCreated | ModelPackageView) -> str:
    """What the versions of one group have in common; ARNs, and so groups, know no upper case.

    A package without a group stands in a group of its own.
    """
    return package.group.lower() or package.arn


def numbered(fact: ModelPackageCreated, newest: ModelPackageView | None) -> ModelPackageCreated:
    """A package with its version and ARN.

    Args:
        newest: the version of its group with the highest number; it also says how the group's
            name is spelled.
    """
    if not fact.group:
        return replace(fact, arn=fact.arn or local_arn("model-package", fact.key))
    version = fact.version or (newest.version if newest else 0) + 1
    return replace(
        fact,
        group=newest.group if newest else fact.group,
        version=version,
        arn=local_arn("model-package", f"{fact.group.lower()}/{version}"),
    )


def stale(execution_id: str) -> StaleLease:
    """The refusal of a write under a lease that is no longer held."""
    return StaleLease(
        f"another runner took over execution {execution_id}",
        hint="This runner stops; the other one goes on.",
    )


def no_execution(execution_id: str) -> NotFound:
    """The answer where there is no such execution."""
    return NotFound(f"no execution {execution_id}", code="execution-not-found")


def no_package(arn: str) -> NotFound:
    """The answer where there is no such model package."""
    return NotFound(f"no model package {arn}", code="package-not-found")


def no_definition(sha: str) -> NotFound:
    """The answer where no execution brought that definition."""
    return NotFound(f"no definition {sha}", code="definition-not-found")


def computed(step: StepView) -> bool:
    """Whether a step has a result that it computed itself, and that may be reused."""
    return step.status is StepStatus.SUCCEEDED and step.action is StepAction.RUN
