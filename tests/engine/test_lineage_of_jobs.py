"""The lineage that jobs leave by themselves: from a registered model back to the raw data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import engine.api as api
from engine.lineage.graph import Branch, LineageKind
from engine.lineage.query import read_lineage
from engine.model.status import ExecutionStatus
from pipetui.cli.program import run_command
from tests.engine.embedded import HOST_IMAGE, Embedded, definition, processing
from tests.engine.test_registry import registering
from tests.engine.test_training import training

RAW, PREPARED = "s3://bucket/raw", "s3://bucket/prepared"
MODEL = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}
CACHED = {"Enabled": True, "ExpireAfter": "P30D"}


def pipeline(**prepare: Any) -> dict[str, Any]:
    """Raw data is prepared, a model trained on a part of it and registered."""
    script = "cd /opt/ml/processing && mkdir out/train && cp in/* out/train"
    prepared = processing(
        "Prepare", script, inputs={"in": RAW}, outputs={"out": f"{PREPARED}/"}, **prepare
    )
    train = training(
        "Train",
        "cp -r /opt/ml/input/data/train /opt/ml/model/",
        channels={"train": f"{PREPARED}/train"},
        hyperparameters={"rate": "1"},
        DependsOn=["Prepare"],
    )
    container = {"Image": HOST_IMAGE, "ModelDataUrl": MODEL}
    register = registering(arguments={"InferenceSpecification": {"Containers": [container]}})
    return definition(prepared, train, register)


def lineage(embedded: Embedded, text: str, **options: Any) -> Branch:
    """The tree, as the program reads it."""
    reader = api.open_reader(embedded.home)
    try:
        return api.lineage_of(reader, text, **options)
    finally:
        reader.close()


def paths(branch: Branch, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every way from the root to an end, in types."""
    way = (*above, branch.entity.type)
    if not branch.children:
        yield way
    for child in branch.children:
        yield from paths(child, way)


def entities(branch: Branch) -> Iterator[Any]:
    yield branch.entity
    for child in branch.children:
        yield from entities(child)


async def test_registered_model_leads_back_to_the_raw_data(embedded: Embedded) -> None:
    embedded.put(f"{RAW}/a", "1")
    state = await embedded.run(pipeline())
    assert state.execution.status is ExecutionStatus.SUCCEEDED
    tree = lineage(embedded, "abalone/1")
    registered = ("ModelPackage", "ModelPackageRegistration")
    trained = (*registered, "Model", "TrainingJob")
    assert set(paths(tree)) == {
        (*registered, "Image"),
        (*trained, "Image"),
        (*trained, "DataSet", "DataSet", "ProcessingJob", "Image"),
        (*trained, "DataSet", "DataSet", "ProcessingJob", "DataSet"),
    }
    found = list(entities(tree))
    assert [one.name for one in found if one.type == "DataSet"] == [
        f"{PREPARED}/train", PREPARED, RAW
    ]  # fmt: skip
    made = [one for one in found if one.kind in (LineageKind.TRIAL_COMPONENT, LineageKind.ACTION)]
    assert {one.generated_by for one in made} == {state.execution.arn}
    assert [one.step for one in made] == ["Register", "Train", "Prepare"]


async def test_raw_data_leads_to_every_model_and_group_that_came_of_it(embedded: Embedded) -> None:
    embedded.put(f"{RAW}/a", "1")
    await embedded.run(pipeline())
    await embedded.run(pipeline())
    found = list(entities(lineage(embedded, f"{RAW}/a", downstream=True)))
    packages = [one.name for one in found if one.type == "ModelPackage"]
    assert sorted(packages) == ["abalone/1", "abalone/2"]
    assert "ModelPackageGroup" in [one.type for one in found]


async def test_uri_that_was_written_twice_counts_as_it_was_when_it_was_read(
    embedded: Embedded,
) -> None:
    embedded.put(f"{RAW}/a", "1")
    first, second = await embedded.run(pipeline()), await embedded.run(pipeline())
    for number, state in ((1, first), (2, second)):
        jobs = [one for one in entities(lineage(embedded, f"abalone/{number}")) if one.step]
        assert {one.generated_by for one in jobs} == {state.execution.arn}
    (wrote,) = lineage(embedded, PREPARED).children
    assert wrote.entity.generated_by == second.execution.arn


async def test_cached_and_retried_steps_make_no_second_component(embedded: Embedded) -> None:
    embedded.put(f"{RAW}/a", "1")
    (embedded.folder / "pipetui.toml").write_text("[jobs]\nretry_user_code = 1\n")
    flag = embedded.folder / "second"
    document = pipeline(CacheConfig=CACHED)
    entry = document["Steps"][1]["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"]
    entry[-1] = f"test -e {flag} || {{ touch {flag}; exit 1; }}; {entry[-1]}"
    first = await embedded.run(document, pipeline="abalone")
    assert [step.attempt for step in first.steps.values()] == [1, 2, 1]
    second = await embedded.run(document, pipeline="abalone")
    assert second.steps["Prepare"].source_execution == first.execution.id
    reader = api.open_reader(embedded.home)
    components = [
        (one.step, one.generated_by)
        for one in read_lineage(reader).entities.values()
        if one.kind is LineageKind.TRIAL_COMPONENT
    ]
    reader.close()
    arns = first.execution.arn, second.execution.arn
    assert sorted(components) == sorted(
        [("Prepare", arns[0]), ("Train", arns[0]), ("Train", arns[1])]
    )
    names = [one.step for one in entities(lineage(embedded, "abalone/2")) if one.step]
    assert names == ["Register", "Register", "Train", "Prepare"]


async def test_edits_of_a_rerun_are_marked_on_its_component(embedded: Embedded) -> None:
    embedded.put(f"{RAW}/a", "1")
    first = await embedded.run(pipeline())
    edits = {"HyperParameters.rate": "2"}
    await embedded.run(
        pipeline(), source_execution=first.execution.id, selection=("Train",),
        edits={"Train": edits},
    )  # fmt: skip
    found = lineage(embedded, RAW, downstream=True)
    told = {(one.step, bool(one.edits)) for one in entities(found) if one.type == "TrainingJob"}
    assert told == {("Train", True), ("Train", False)}


async def test_failed_job_has_read_its_inputs_and_made_no_model(embedded: Embedded) -> None:
    embedded.put(f"{RAW}/a", "1")
    await embedded.run(definition(training("Train", "exit 1", channels={"in": RAW})))
    (job,) = lineage(embedded, RAW, downstream=True).children
    assert (job.entity.status, job.children) == ("Failed", ())


async def test_command_draws_the_tree_and_writes_it_as_json(
    embedded: Embedded, capsys: pytest.CaptureFixture[str]
) -> None:
    embedded.put(f"{RAW}/a", "1")
    state = await embedded.run(pipeline())
    home = ["--home", str(embedded.home.root)]
    assert run_command(["lineage", "abalone/1", *home]) == 0
    lines = capsys.readouterr().out.splitlines()
    by = f"step Prepare of {state.execution.id}"
    assert lines[0].startswith("abalone/1  model package, PendingManualApproval")
    assert any("processing job, Succeeded, " + by in line for line in lines)
    assert lines[-1].endswith(f"{RAW}  data")
    assert run_command(["lineage", f"{PREPARED}/train", "--output", "json", *home]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["Name"], told["LineageType"]) == (f"{PREPARED}/train", "Artifact")
    assert told["Entities"][0]["AssociationType"] == "DerivedFrom"
    assert run_command(["lineage", "s3://bucket/nobody", *home]) != 0
    assert "no job has read or written s3://bucket/nobody" in capsys.readouterr().err
