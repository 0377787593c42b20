"""Models served by real containers: how they are started, asked and ended, and what is left."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from engine.jobs.attempt import read_claim
from engine.model.commands import StopExecution
from engine.model.status import StepStatus
from engine.serving.endpoints import delete_endpoint, find_endpoint, invoke, stop_endpoint
from engine.sources.usage import UsageFile
from tests.engine.embedded import Embedded, definition, processing
from tests.engine.images import CLOSED, IMAGE, Podman, left, podman
from tests.engine.serving import container, model_step, pack_model, transform_step
from tests.engine.test_endpoints import NAME, endpoint_steps

__all__ = ["left", "podman"]

pytestmark = pytest.mark.container


@pytest.fixture
def unset(embedded: Embedded, left: Podman) -> Embedded:
    """A home where nothing says how jobs run."""
    embedded.home.config.write_text("[jobs]\ngrace_s = 2\n")
    embedded.put("s3://bucket/in/a.csv", "1\n2\n")
    return embedded


@pytest.fixture
def containers(unset: Embedded) -> Embedded:
    unset.home.config.write_text('[jobs]\nrunner = "container"\ngrace_s = 2\n')
    return unset


def scale(embedded: Embedded, factor: str, **variables: str) -> dict[str, Any]:
    uri = pack_model(embedded.home, f"s3://bucket/{factor}/model.tar.gz", "", factor=factor)
    return container(uri, IMAGE, **variables)


def score(**more: Any) -> dict[str, Any]:
    return transform_step("Score", "Make", "s3://bucket/in/", "s3://bucket/out", **more)


async def test_a_transform_asks_the_models_container(containers: Embedded) -> None:
    model = model_step("Make", scale(containers, "3"))
    view = (await containers.run(definition(model, score()))).steps["Score"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert containers.get("s3://bucket/out/a.csv.out") == "3\n6\n"
    assert "serving with 3 in batch 'true'" in containers.log(view)
    assert view.environment["Kind"] == "container"
    assert view.environment["Image"] == IMAGE


async def test_containers_in_series_are_asked_one_after_the_other(containers: Embedded) -> None:
    model = model_step("Make", scale(containers, "3"), scale(containers, "5"))
    view = (await containers.run(definition(model, score()))).steps["Score"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert containers.get("s3://bucket/out/a.csv.out") == "15\n30\n"


async def test_a_container_that_does_not_serve_fails_the_step_with_its_words(
    containers: Embedded,
) -> None:
    model = model_step("Make", scale(containers, "3", BROKEN="yes"))
    view = (await containers.run(definition(model, score()))).steps["Score"]
    assert view.status is StepStatus.FAILED
    assert "the container of model" in view.failure_reason
    assert "no weights here" in view.failure_reason


async def test_no_container_is_left_of_a_transform_that_is_killed_or_stopped(
    containers: Embedded, left: Podman
) -> None:
    model = model_step("Make", scale(containers, "3", SLOW="yes"))
    execution = await containers.create(definition(model, score()))
    async with left.starts() as started:
        running = asyncio.create_task(containers.go_on(execution))
        killed = await anext(started)
        (pid,) = containers.home.root.rglob("pid")
        claim = read_claim(str(pid.parent))
        assert claim is not None
        os.killpg(claim.pid, signal.SIGKILL)
        # A job that is lost runs again.
        assert await anext(started) != killed
    await containers.send(execution, StopExecution())
    assert (await running).steps["Score"].status is StepStatus.STOPPED
    assert left.names() == []


async def test_an_endpoint_of_containers_outlives_the_run_and_is_stopped(
    containers: Embedded, left: Podman
) -> None:
    state = await containers.run(definition(*endpoint_steps(scale(containers, "3"))))
    assert state.steps["Serve"].status is StepStatus.SUCCEEDED, state.steps["Serve"].failure_reason
    assert "containers" in state.steps["Serve"].stand_in
    home = containers.home.root
    answer = await asyncio.to_thread(invoke, home, NAME, b"2\n7", content_type="text/csv")
    assert (answer.status, answer.body) == (200, b"6\n21\n")
    # An update takes its place, and the former revision's container is gone.
    first = left.names()
    await containers.run(definition(*endpoint_steps(scale(containers, "4"), config="next")))
    assert len(left.names()) == 1 and left.names() != first
    answer = await asyncio.to_thread(invoke, home, NAME, b"2", content_type="text/csv")
    assert answer.body == b"8\n"
    stopped = await stop_endpoint(home, NAME)
    assert stopped.status == "Stopped" and left.names() == []
    await delete_endpoint(home, NAME)


async def test_a_killed_endpoints_container_goes_with_the_endpoint(
    containers: Embedded, left: Podman
) -> None:
    await containers.run(definition(*endpoint_steps(scale(containers, "3"))))
    home = containers.home.root
    os.killpg(find_endpoint(home, NAME).pid, signal.SIGKILL)
    assert len(left.names()) == 1
    await delete_endpoint(home, NAME)
    assert left.names() == []


async def test_pipetuis_own_programs_run_on_the_host_beside_containers(
    containers: Embedded,
) -> None:
    containers.put("s3://bucket/say.sh", "#!/bin/sh\necho from the host\n")
    jar = {"Jar": "script-runner.jar", "Args": ["s3://bucket/say.sh"]}
    emr = {
        "Name": "Say",
        "Type": "EMR",
        "Arguments": {"ClusterId": "j-1", "StepConfig": {"HadoopJarStep": jar}},
    }
    job = processing("Own", "test -x /usr/local/bin/serve && echo from the image")
    job["Arguments"]["AppSpecification"]["ImageUri"] = IMAGE
    steps = (await containers.run(definition(emr, job))).steps
    assert {one.status for one in steps.values()} == {StepStatus.SUCCEEDED}
    assert containers.log(steps["Say"]) == "from the host\n"
    assert containers.log(steps["Own"]) == "from the image\n"
    assert steps["Own"].environment["Runner"] == "container"
    assert steps["Say"].environment["Runner"] in ("namespace", "rewrite")


async def test_a_serving_container_reads_the_local_s3(containers: Embedded) -> None:
    containers.put("s3://bucket/words", "from the local S3\n")
    fetching = scale(containers, "3", FETCH="/bucket/words")
    model = model_step("Make", fetching, scale(containers, "5", FETCH="/bucket/words"))
    view = (await containers.run(definition(model, score()))).steps["Score"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    assert containers.log(view).count("fetched from the local S3") == 2


async def test_what_a_containers_job_takes_is_sampled(containers: Embedded) -> None:
    burn = "perl -e '$kept = q(a) x (60 << 20); do { @t = times } while $t[0] + $t[1] < 1.3'"
    job = processing("Burn", burn)
    job["Arguments"]["AppSpecification"]["ImageUri"] = IMAGE
    view = (await containers.run(definition(job))).steps["Burn"]
    assert view.status is StepStatus.SUCCEEDED, view.failure_reason
    usage = UsageFile(view.directory).read()
    assert usage.peak_memory > 60 << 20
    assert usage.cpu_s > 0.3


async def test_an_image_that_nothing_stands_for_runs_in_its_container_unasked(
    unset: Embedded,
) -> None:
    prep = processing("Prep", "test -x /usr/local/bin/serve && echo from the image")
    prep["Arguments"]["AppSpecification"]["ImageUri"] = IMAGE
    fit = {
        "Name": "Fit",
        "Type": "Training",
        "Arguments": {
            "AlgorithmSpecification": {"TrainingImage": CLOSED, "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large"},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    }
    trained = {"Get": "Steps.Fit.ModelArtifacts.S3ModelArtifacts"}
    model = model_step("Make", {"Image": CLOSED, "ModelDataUrl": trained})
    steps = (await unset.run(definition(prep, fit, model, score()))).steps
    assert {name: view.failure_reason for name, view in steps.items() if view.failure_reason} == {}
    assert unset.log(steps["Prep"]) == "from the image\n"
    assert unset.log(steps["Fit"]) == "trained in the image\n"
    assert {steps[name].environment["Runner"] for name in ("Prep", "Fit")} == {"container"}
    assert steps["Fit"].environment["Notes"] == [
        "nothing on this host stands for it; run by podman"
    ]
    assert unset.get("s3://bucket/out/a.csv.out") == "3\n6\n"
