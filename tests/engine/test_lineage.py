"""Lineage steps: what is kept in the home, what flows on, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from engine.lineage.records import EntityKind, Lineage
from engine.model.fold import ExecutionState
from engine.model.status import StepStatus
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.refused import refusal

RUN = {
    "ActionName": "run",
    "Source": {"SourceUri": "s3://b/run", "SourceType": "S3ETag"},
    "ActionType": "ModelTraining",
}
MODEL = {"ArtifactName": "m", "Source": {"SourceUri": "s3://b/m"}, "ArtifactType": "Model"}
STAGE = {"ContextName": "ctx", "Source": {"SourceUri": "s3://b/c"}, "ContextType": "Endpoint"}
PRODUCED = {
    "Source": {"Name": "run", "Type": "Action"},
    "Destination": {"Name": "m", "Type": "Artifact"},
    "AssociationType": "Produced",
}
ARN = "arn:aws:sagemaker:local:000000000000:action/"


def lineage(
    *associations: Any, actions: Any = (), artifacts: Any = (), contexts: Any = (), **more: Any
) -> dict[str, Any]:
    """A Lineage step."""
    arguments = {
        "Actions": list(actions),
        "Artifacts": list(artifacts),
        "Contexts": list(contexts),
        "Associations": list(associations),
    }
    return {"Name": "Lin", "Type": "Lineage", "Arguments": arguments, **more}


def full() -> dict[str, Any]:
    """One entity of each kind, and an association."""
    return lineage(PRODUCED, actions=[RUN], artifacts=[MODEL], contexts=[STAGE])


def kept(embedded: Embedded) -> Lineage:
    """What the home holds."""
    return Lineage(embedded.home.root)


async def run(embedded: Embedded, *steps: dict[str, Any]) -> ExecutionState:
    """Run steps that end well."""
    state = await embedded.run(definition(*steps))
    view = state.steps["Lin"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    return state


async def test_entities_and_associations_are_kept_and_read_again(embedded: Embedded) -> None:
    state = await run(embedded, full())
    [action] = kept(embedded).entities(EntityKind.ACTION)
    [artifact] = kept(embedded).entities(EntityKind.ARTIFACT)
    [context] = kept(embedded).entities(EntityKind.CONTEXT)
    assert RUN.items() <= action.items()
    assert MODEL.items() <= artifact.items()
    assert STAGE.items() <= context.items()
    assert action["MetadataProperties"] == {"GeneratedBy": state.execution.arn}
    assert kept(embedded).entity(action["ActionArn"]) == action
    [association] = kept(embedded).associations()
    assert association["SourceArn"] == action["ActionArn"]
    assert association["DestinationArn"] == artifact["ArtifactArn"]
    assert association["AssociationType"] == "Produced"
    view = state.steps["Lin"]
    assert view.properties == {
        "ActionArns": {"run": action["ActionArn"]},
        "ArtifactArns": {"m": artifact["ArtifactArn"]},
        "ContextArns": {"ctx": context["ContextArn"]},
        "Associations": [
            {"SourceArn": action["ActionArn"], "DestinationArn": artifact["ArtifactArn"]}
        ],
    }
    assert view.metadata == {"Lineage": view.properties}
    assert view.stand_in == "kept in this home's lineage, not on AWS"


async def test_arns_flow_on_to_later_steps_by_name(embedded: Embedded) -> None:
    use = processing("Use", 'echo "$ACTION"', arguments={
        "Environment": {"ACTION": {"Get": "Steps.Lin.ActionArns['run']"}}
    })  # fmt: skip
    state = await run(embedded, full(), use)
    assert embedded.log(state.steps["Use"]) == f"{ARN}run\n"


async def test_source_uri_of_another_step_is_what_is_kept(embedded: Embedded) -> None:
    make = processing("Make", "true", outputs={"out": "s3://bucket/made"})
    uri = {"Get": "Steps.Make.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"}
    await run(embedded, make, lineage(artifacts=[{**MODEL, "Source": {"SourceUri": uri}}]))
    [artifact] = kept(embedded).entities(EntityKind.ARTIFACT)
    assert artifact["Source"]["SourceUri"] == "s3://bucket/made"


async def test_a_second_run_changes_entities_and_keeps_when_they_were_made(
    embedded: Embedded,
) -> None:
    first = await run(embedded, full())
    before = kept(embedded).entities(EntityKind.ACTION)[0]
    second = await run(embedded, lineage(actions=[{**RUN, "Status": "Completed"}]))
    [after] = kept(embedded).entities(EntityKind.ACTION)
    assert after["Status"] == "Completed"
    assert after["CreationTime"] == before["CreationTime"] < after["LastModifiedTime"]
    assert first.execution.arn != second.execution.arn
    assert after["MetadataProperties"]["GeneratedBy"] == second.execution.arn


async def test_one_name_with_another_source_is_another_artifact(embedded: Embedded) -> None:
    await run(embedded, lineage(artifacts=[MODEL]))
    await run(embedded, lineage(artifacts=[{**MODEL, "Source": {"SourceUri": "s3://b/m2"}}]))
    assert len(kept(embedded).entities(EntityKind.ARTIFACT)) == 2


async def test_association_reaches_entities_of_earlier_runs_and_other_kinds(
    embedded: Embedded,
) -> None:
    await run(embedded, lineage(actions=[RUN]))
    package = "arn:aws:sagemaker:us-east-1:123456789012:model-package/abalone/1"
    joined = {"Source": {"Arn": f"{ARN}run"}, "Destination": {"Arn": package}}
    await run(embedded, lineage(joined))
    [association] = kept(embedded).associations()
    assert (association["SourceArn"], association["DestinationArn"]) == (f"{ARN}run", package)


async def test_arn_that_is_not_in_this_home_fails_the_step_and_nothing_is_kept(
    embedded: Embedded,
) -> None:
    joined = {"Source": {"Arn": f"{ARN}gone"}, "Destination": {"Name": "m", "Type": "Artifact"}}
    state = await embedded.run(definition(lineage(joined, artifacts=[MODEL])))
    view = state.steps["Lin"]
    assert view.status is StepStatus.FAILED
    assert view.failure_reason.startswith(f"ClientError: Source refers to {ARN}gone, which is not")
    assert kept(embedded).entities(EntityKind.ARTIFACT) == []


async def test_name_that_is_wrong_once_it_is_known_fails_the_step(embedded: Embedded) -> None:
    named = {**RUN, "ActionName": {"Get": "Parameters.Name"}}
    name = {"Name": "Name", "Type": "String", "DefaultValue": "not a name"}
    state = await embedded.run(definition(lineage(actions=[named]), parameters=[name]))
    view = state.steps["Lin"]
    assert view.status is StepStatus.FAILED
    assert view.failure_reason == "ClientError: ActionName cannot be 'not a name'"


def many(kind: str, entity: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Entities that differ in their names."""
    return [{**entity, f"{kind}Name": f"n{number}"} for number in range(count)]


@pytest.mark.parametrize(
    ("step", "code", "told"),
    [
        (lineage(actions=many("Action", RUN, 6)), "lineage-too-many", "6 Actions"),
        (lineage(artifacts=many("Artifact", MODEL, 6)), "lineage-too-many", "6 Artifacts"),
        (lineage(contexts=many("Context", STAGE, 6)), "lineage-too-many", "6 Contexts"),
        (lineage(*[PRODUCED] * 11, actions=[RUN], artifacts=[MODEL]), "lineage-too-many", "11"),
        (lineage(actions=[RUN, RUN]), "lineage-name-twice", "two Actions named run"),
        (lineage(PRODUCED, actions=[RUN]), "lineage-reference-unknown", "Artifact 'm'"),
        (
            lineage({**PRODUCED, "Source": {"Name": "m", "Type": "Action"}}, artifacts=[MODEL]),
            "lineage-reference-unknown",
            "Source refers to Action 'm'",
        ),
        (
            lineage({**PRODUCED, "Source": {"Arn": "run"}}, artifacts=[MODEL]),
            "lineage-reference-invalid",
            "Source 'run'",
        ),
        (
            lineage({"Source": {}, "Destination": {}}),
            "lineage-reference-invalid",
            "Source {} names nothing",
        ),
        (
            lineage({**PRODUCED, "AssociationType": "Made"}, actions=[RUN], artifacts=[MODEL]),
            "lineage-edge-unknown",
            "'Made'",
        ),
        (lineage(actions=[{**RUN, "ActionName": "-a"}]), "lineage-name-invalid", "'-a'"),
        (lineage(actions=[{**RUN, "Source": {}}]), "lineage-source-missing", "Action run"),
        (lineage(contexts=[{**STAGE, "ContextType": ""}]), "lineage-type-missing", "Context ctx"),
    ],
)  # fmt: skip
async def test_what_is_wrong_in_the_definition_is_refused_before_anything_runs(
    embedded: Embedded, step: dict[str, Any], code: str, told: str
) -> None:
    problem = await refusal(embedded, definition(step))
    assert problem.code == code
    assert problem.message.startswith("Lin: ")
    assert told in problem.message


async def test_as_many_as_the_service_takes_are_kept(embedded: Embedded) -> None:
    pairs = [
        {
            "Source": {"Name": f"n{number % 5}", "Type": "Action"},
            "Destination": {"Name": f"n{number // 5}", "Type": "Artifact"},
        }
        for number in range(10)
    ]
    actions, artifacts = many("Action", RUN, 5), many("Artifact", MODEL, 5)
    await run(embedded, lineage(*pairs, actions=actions, artifacts=artifacts))
    assert len(kept(embedded).associations()) == 10
