"""Cleanup steps: what they delete, what they must not, and what they say of it."""

from __future__ import annotations

from typing import Any

import pytest

from engine.model.status import StepStatus
from engine.model.views import StepView
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.refused import refusal
from tests.engine.test_training import training


def cleanup(*sources: dict[str, Any], after: Any = ()) -> dict[str, Any]:
    """A Cleanup step; it waits for its sources, as those of the SDK do, unless told otherwise."""
    names = [source["StepName"] for source in sources if "StepName" in source]
    return {
        "Name": "Clean",
        "Type": "Cleanup",
        "Arguments": {"Resources": {"S3": list(sources)}},
        "DependsOn": list(after or names),
    }


def made(*files: str, to: str = "s3://bucket/out") -> dict[str, Any]:
    """A Processing step that leaves these files in its output."""
    script = "cd /opt/ml/processing/o && " + " && ".join(
        f"mkdir -p $(dirname {name}) && echo x > {name}" for name in files
    )
    return processing("Make", script, outputs={"o": to})


def objects(embedded: Embedded) -> set[str]:
    """The keys of all objects in the home's S3."""
    files = (path for path in embedded.home.s3.rglob("*") if path.is_file())
    keys = (str(path.relative_to(embedded.home.s3)) for path in files)
    return {key for key in keys if not key.startswith(".")}


async def clean(embedded: Embedded, *steps: dict[str, Any]) -> StepView:
    """Run steps; returns what became of the one that cleans up."""
    return (await embedded.run(definition(*steps))).steps["Clean"]


async def test_results_of_a_training_step_are_found_by_themselves(embedded: Embedded) -> None:
    embedded.put("s3://bucket/models/other/model.tar.gz", "another job's")
    train = training("Train", "echo w > /opt/ml/model/w; echo e > /opt/ml/output/data/e")
    view = await clean(embedded, train, cleanup({"StepName": "Train"}))
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert objects(embedded) == {"bucket/models/other/model.tar.gz"}
    assert view.metadata == {
        "Cleanup": {"CleanedSteps": ["Train"], "FailedSteps": [], "SkippedSteps": []}
    }
    assert view.note == "2 objects deleted"


async def test_named_objects_and_folders_of_an_output_are_deleted_and_no_others(
    embedded: Embedded,
) -> None:
    uris = [
        {"Std:Join": {"On": "/", "Values": ["s3://bucket/out", "a.txt"]}},
        "s3://bucket/out/tmp",
        "s3://bucket/out/logs/",
    ]
    make = made("a.txt", "a.txt.keep", "tmp/1", "tmp/in/2", "tmpfile", "logs/l", "keep")
    view = await clean(embedded, make, cleanup({"StepName": "Make", "S3Uris": uris}))
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert objects(embedded) == {f"bucket/out/{name}" for name in ("a.txt.keep", "tmpfile", "keep")}
    assert view.note == "4 objects deleted"


async def test_what_is_gone_already_is_no_error(embedded: Embedded) -> None:
    source = {"StepName": "Make", "S3Uris": ["s3://bucket/out/gone"]}
    view = await clean(embedded, made("a"), cleanup(source))
    assert view.status is StepStatus.SUCCEEDED
    assert (view.note, objects(embedded)) == ("0 objects deleted", {"bucket/out/a"})


@pytest.mark.parametrize(
    "uri", ["s3://bucket/other/x", "s3://bucket/output/x", "s3://bucket", "s3://bucket/", "../x"]
)
async def test_objects_outside_of_the_steps_outputs_stay_and_the_step_fails(
    embedded: Embedded, uri: str
) -> None:
    embedded.put("s3://bucket/other/x", "not yours")
    embedded.put("s3://bucket/output/x", "not yours")
    named = {"StepName": "Make", "S3Uris": [{"Get": "Parameters.Uri"}]}
    parameter = {"Name": "Uri", "Type": "String", "DefaultValue": uri}
    state = await embedded.run(definition(made("a"), cleanup(named), parameters=[parameter]))
    view = state.steps["Clean"]
    assert view.status is StepStatus.FAILED
    text = f"{uri} is below no output of Make (s3://bucket/out/)"
    assert view.failure_reason == f"ClientError: Clean could not clean up after Make: {text}"
    failed = [{"StepName": "Make", "ErrorCode": "ClientError", "ErrorMessage": text}]
    assert view.metadata["Cleanup"] == {
        "CleanedSteps": [], "FailedSteps": failed, "SkippedSteps": []
    }  # fmt: skip
    assert objects(embedded) == {"bucket/other/x", "bucket/output/x", "bucket/out/a"}


async def test_outputs_that_are_files_of_the_host_are_never_deleted(embedded: Embedded) -> None:
    folder = embedded.folder / "results"
    uri = f"file://{folder}"
    named = {"StepName": "Make", "S3Uris": [{"Std:Join": {"On": "", "Values": [uri, "/a"]}}]}
    view = await clean(embedded, made("a", to=uri), cleanup(named))
    assert view.status is StepStatus.FAILED
    assert "names no object in S3, and nothing else is deleted" in view.failure_reason
    assert (folder / "a").read_text() == "x\n"


async def test_a_whole_bucket_is_never_deleted(embedded: Embedded) -> None:
    named = {"StepName": "Make", "S3Uris": ["s3://bucket/"]}
    view = await clean(embedded, made("a", to="s3://bucket"), cleanup(named))
    assert view.status is StepStatus.FAILED
    assert objects(embedded) == {"bucket/a"}


async def test_other_steps_are_cleaned_up_after_although_one_cannot_be(embedded: Embedded) -> None:
    train = training("Train", "echo w > /opt/ml/model/w")
    sources = cleanup({"StepName": "Make"}, {"StepName": "Train"})
    view = await clean(embedded, made("a"), train, sources)
    assert view.status is StepStatus.FAILED
    assert view.metadata["Cleanup"]["CleanedSteps"] == ["Train"]
    [problem] = view.metadata["Cleanup"]["FailedSteps"]
    assert problem["ErrorMessage"].startswith("S3Uris are needed for Make")
    assert objects(embedded) == {"bucket/out/a"}


async def test_a_step_that_did_not_succeed_is_skipped_and_named(embedded: Embedded) -> None:
    bad = processing("Bad", "true", inputs={"i": "s3://bucket/nothing-here"})
    after = [{"Step": "Bad", "Trigger": "Any"}]
    view = await clean(embedded, bad, cleanup({"StepName": "Bad"}, after=after))
    assert view.status is StepStatus.SUCCEEDED
    assert view.metadata["Cleanup"]["SkippedSteps"] == ["Bad"]
    assert view.note == "0 objects deleted; did not succeed, so nothing is known of: Bad"


async def test_what_failed_jobs_have_left_is_found_and_deleted(embedded: Embedded) -> None:
    train = training("Train", "echo e > /opt/ml/output/data/e; exit 1")
    make = made("half")
    make["Arguments"]["AppSpecification"]["ContainerEntrypoint"][-1] += "; exit 1"
    output = {"Get": "Steps.Make.ProcessingOutputConfig.Outputs['o'].S3Output.S3Uri"}
    sources = {"StepName": "Train"}, {"StepName": "Make", "S3Uris": [output]}
    after = [{"Step": name, "Trigger": "Failed"} for name in ("Train", "Make")]
    embedded.put("s3://bucket/keep", "x")
    view = await clean(embedded, train, make, cleanup(*sources, after=after))
    assert view.metadata["Cleanup"]["CleanedSteps"] == ["Train", "Make"], view.failure_reason
    assert objects(embedded) == {"bucket/keep"}


@pytest.mark.parametrize(
    ("sources", "code"),
    [
        ([{"StepName": "Make", "S3Uris": ["file:///etc/hosts"]}], "cleanup-outside-s3"),
        ([{"StepName": "Make", "S3Uris": ["data/x"]}], "cleanup-outside-s3"),
        ([{"S3Uris": ["s3://bucket/out/a"]}], "cleanup-source-missing"),
        ([], "cleanup-source-missing"),
        ([{"StepName": "Nobody"}], "step-unknown"),
    ],
)
async def test_what_can_never_be_cleaned_up_is_refused_before_anything_runs(
    embedded: Embedded, sources: list[dict[str, Any]], code: str
) -> None:
    steps = definition(made("a"), cleanup(*sources, after=["Make"]))
    assert (await refusal(embedded, steps)).code == code
