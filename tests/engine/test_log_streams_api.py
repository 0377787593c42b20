"""Streams of the steps whose logs CloudWatch keeps elsewhere than a plain job's, by boto3."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from engine.serving.endpoints import delete_endpoint
from tests.engine.serving import SCALE, container, pack_model
from tests.engine.test_automl import TRAIN, automl, bought, rows
from tests.engine.test_endpoints import NAME, endpoint_steps
from tests.engine.test_job_step import PATH, job
from tests.engine.test_sagemaker_api import Service, service
from tests.engine.test_tuning import tuning
from tests.environments import shared_environments

__all__ = ["service"]

pytestmark = pytest.mark.network
SAYS = 'AgentRFT = {command = ["/bin/sh", "-c", "echo the agent learns"]}'


def streams(service: Service, group: str) -> dict[str, list[str]]:
    """The messages of each stream of a group."""
    api = service.client("logs")
    found = api.describe_log_streams(logGroupName=group)["logStreams"]
    return {
        one["logStreamName"]: [
            event["message"]
            for event in api.get_log_events(
                logGroupName=group, logStreamName=one["logStreamName"], startFromHead=True
            )["events"]
        ]
        for one in found
    }


def name_of(step: dict[str, Any], kind: str) -> str:
    """The name of a step's job."""
    return str(step["Metadata"][kind]["Arn"].rpartition("/")[2])


def test_tuning_jobs_and_endpoints_have_their_streams(service: Service) -> None:
    service.home.config.write_text(f"[job_categories]\n{SAYS}\n")
    data = pack_model(service.home, "s3://bucket/3/model.tar.gz", SCALE, factor="3")
    steps = [tuning("echo loss=1; echo tried", most=2, name="Search"), job()]
    steps += endpoint_steps(container(data))
    arn = service.start(service.create(*steps, parameters=[PATH]))
    try:
        assert service.end(arn) == "Succeeded", service.steps(arn)
        found = service.steps(arn)
        searched = name_of(found["Search"], "TuningJob")
        trained = streams(service, "/aws/sagemaker/TrainingJobs")
        for name in trained:
            assert re.fullmatch(rf"{searched}-00[12]-[0-9a-f]+/algo-1-\d+", name), name
        assert list(trained.values()) == [["loss=1", "tried"]] * 2
        [(name, said)] = streams(service, "/aws/sagemaker/Job/AgentRFT").items()
        assert name.startswith(f"{name_of(found['Tune'], 'Job')}/algo-1-")
        assert said == ["the agent learns"]
        [name] = streams(service, f"/aws/sagemaker/Endpoints/{NAME}")
        assert name == "v0/i-local1"
    finally:
        asyncio.run(delete_endpoint(service.home.root, NAME))


@pytest.mark.environments
def test_a_search_of_automl_has_its_stream(service: Service) -> None:
    shared_environments(service.home)
    train = service.home.s3 / TRAIN.removeprefix("s3://") / "train.csv"
    train.parent.mkdir(parents=True)
    train.write_text(rows(200, bought))
    arn = service.start(service.create(automl()))
    assert service.end(arn) == "Succeeded", service.steps(arn)
    searched = name_of(service.steps(arn)["Search"], "AutoMLJob")
    [(name, said)] = streams(service, "/aws/sagemaker/AutoMLJobs").items()
    assert name.startswith(f"{searched}/algo-1-")
    assert said
