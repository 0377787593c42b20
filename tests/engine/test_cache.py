"""Caching: a result is taken over when nothing it depends on has changed, and says why not."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.status import StepAction, StepStatus
from engine.sources.base import PlanView, StartRequest
from engine.sources.control import LocalControl
from tests.engine.embedded import Embedded, definition, processing


def cached(script: str = "echo x >> $WHERE", **arguments: Any) -> dict[str, Any]:
    return processing("Work", script, CacheConfig={"Enabled": True, "ExpireAfter": "30d"},
                      arguments=arguments)  # fmt: skip


def marked(embedded: Embedded, **environment: str) -> dict[str, Any]:
    where = str(embedded.folder / "ran")
    return cached(Environment={"WHERE": where, **environment})


def ran(embedded: Embedded) -> int:
    return len((embedded.folder / "ran").read_text().splitlines())


async def test_an_unchanged_step_is_taken_from_the_run_that_computed_it(embedded: Embedded) -> None:
    file = embedded.write(definition(marked(embedded)))
    first = await embedded.run(file)
    await embedded.run(file)
    third = await embedded.run(file)
    step = third.steps["Work"]
    assert ran(embedded) == 1
    assert (step.status, step.action) == (StepStatus.SUCCEEDED, StepAction.CACHED)
    assert step.source_execution == first.execution.id
    assert step.properties == first.steps["Work"].properties
    assert step.attempts == ()


async def test_a_changed_field_is_a_miss_that_names_it(embedded: Embedded) -> None:
    first = await embedded.run(embedded.write(definition(marked(embedded, A="1")), "one.json"))
    second = await embedded.run(embedded.write(definition(marked(embedded, A="2")), "one.json"))
    assert ran(embedded) == 2
    reason = second.steps["Work"].reason
    assert reason == f"cache: changed since {first.execution.id}: Environment.A: '1' -> '2'"


async def test_outputs_instances_and_roles_are_no_part_of_the_key(embedded: Embedded) -> None:
    await embedded.run(embedded.write(definition(marked(embedded)), "one.json"))
    other = marked(embedded)
    other["Arguments"]["RoleArn"] = "arn:aws:iam::123456789012:role/Other"
    other["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceType"] = "ml.m5.24xlarge"
    await embedded.run(embedded.write(definition(other), "one.json"))
    assert ran(embedded) == 1


async def test_a_failed_result_is_never_taken(embedded: Embedded) -> None:
    file = embedded.write(definition(cached("exit 1")))
    await embedded.run(file)
    again = await embedded.run(file)
    assert again.steps["Work"].status is StepStatus.FAILED
    assert again.steps["Work"].reason == "cache: no earlier result"


async def test_without_cache_config_nothing_is_taken(embedded: Embedded) -> None:
    step = marked(embedded)
    del step["CacheConfig"]
    file = embedded.write(definition(step))
    await embedded.run(file)
    await embedded.run(file)
    assert ran(embedded) == 2


async def test_another_pipeline_has_a_cache_of_its_own(embedded: Embedded) -> None:
    file = embedded.write(definition(marked(embedded)))
    await embedded.run(file, pipeline="one")
    await embedded.run(file, pipeline="two")
    assert ran(embedded) == 2


async def test_the_content_of_a_file_beside_the_definition_counts(embedded: Embedded) -> None:
    step = marked(embedded)
    step["Arguments"]["ProcessingInputs"] = [
        {"InputName": "in", "S3Input": {"S3Uri": "data.csv", "LocalPath": "/opt/ml/processing/in"}}
    ]
    file = embedded.write(definition(step))
    (embedded.folder / "data.csv").write_text("1")
    await embedded.run(file)
    await embedded.run(file)
    assert ran(embedded) == 1
    (embedded.folder / "data.csv").write_text("2")
    await embedded.run(file)
    assert ran(embedded) == 2


async def test_a_step_that_is_selected_for_a_rerun_runs(embedded: Embedded) -> None:
    file = embedded.write(definition(marked(embedded)))
    first = await embedded.run(file)
    await embedded.run(file, selection=("Work",), source_execution=first.execution.id)
    assert ran(embedded) == 2


async def test_a_cached_result_feeds_the_steps_after_it(embedded: Embedded) -> None:
    make = processing("Make", "echo 1 > /opt/ml/processing/out/n",
                      outputs={"out": "s3://bucket/m"}, CacheConfig={"Enabled": True})  # fmt: skip
    use = processing("Use", "cat /opt/ml/processing/in/n", inputs={"in": "s3://unset/x"})
    use["Arguments"]["ProcessingInputs"][0]["S3Input"]["S3Uri"] = {
        "Get": "Steps.Make.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"
    }
    file = embedded.write(definition(make, use))
    await embedded.run(file)
    second = await embedded.run(file)
    assert second.steps["Make"].action is StepAction.CACHED
    assert embedded.log(second.steps["Use"]) == "1\n"


async def planned(embedded: Embedded, file: str, **request: Any) -> PlanView:
    return await LocalControl(embedded.home).plan(StartRequest(file, **request))


async def test_a_plan_says_what_would_be_taken_and_from_where(embedded: Embedded) -> None:
    use = processing(
        "Use", "true", CacheConfig={"Enabled": True},
        arguments={"Environment": {"Job": {"Get": "Steps.Work.ProcessingJobName"}}},
    )  # fmt: skip
    file = embedded.write(definition(marked(embedded), use))
    first = await embedded.run(file)
    plan = await planned(embedded, file)
    assert {step.name: step.action for step in plan.steps} == {"Work": "cached", "Use": "cached"}
    assert all(step.reason.endswith(f"result of {first.execution.id}") for step in plan.steps)
    selected = await planned(embedded, file, selection=("Work",))
    assert selected.steps[0].action == "run"


async def test_a_plan_says_field_by_field_why_nothing_would_be_taken(embedded: Embedded) -> None:
    first = await embedded.run(embedded.write(definition(marked(embedded, A="1")), "one.json"))
    use = processing(
        "Use", "true", CacheConfig={"Enabled": True},
        arguments={"Environment": {"Job": {"Get": "Steps.Work.ProcessingJobName"}}},
    )  # fmt: skip
    file = embedded.write(definition(marked(embedded, A="2"), use), "one.json")
    work, user = (await planned(embedded, file)).steps
    assert (work.action, user.action) == ("run", "run")
    changed = f"cache: changed since {first.execution.id}: Environment.A: '1' -> '2'"
    assert work.reason == f"waits for nothing; {changed}"
    assert user.reason == "after Work; cache: known when it starts"


@pytest.mark.parametrize(
    ("variable", "action"), [("PipelineExecutionId", "run"), ("PipelineName", "cached")]
)
async def test_a_plan_knows_that_an_execution_has_an_id_of_its_own(
    embedded: Embedded, variable: str, action: str
) -> None:
    step = cached("true", Environment={"X": {"Get": f"Execution.{variable}"}})
    file = embedded.write(definition(step))
    await embedded.run(file)
    assert (await planned(embedded, file)).steps[0].action == action
