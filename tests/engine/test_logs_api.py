"""CloudWatch Logs of a home, as boto3 uses it: real clients, a real server, real jobs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.engine.embedded import processing
from tests.engine.test_sagemaker_api import Service, service

__all__ = ["service"]

pytestmark = pytest.mark.network
GROUP = "/aws/sagemaker/ProcessingJobs"
LINES = 25
SCRIPT = f"""
echo '2026-01-02T03:04:05Z first'
for n in $(seq 2 {LINES}); do echo "line $n"; done
echo '2026-01-02T03:04:06Z ERROR last of all'
"""


class Job:
    """A processing job that has written a log."""

    def __init__(self, service: Service) -> None:
        arn = service.start(service.create(processing("Say", SCRIPT)))
        assert service.end(arn) == "Succeeded"
        metadata = service.steps(arn)["Say"]["Metadata"]
        self.name = metadata["ProcessingJob"]["Arn"].rpartition("/")[2]
        self.api = service.client("logs")
        self.service = service
        self.where = {"logGroupName": GROUP, "logStreamName": self.stream["logStreamName"]}

    @property
    def stream(self) -> dict[str, Any]:
        found = self.api.describe_log_streams(
            logGroupName=GROUP, logStreamNamePrefix=f"{self.name}/"
        )["logStreams"]
        assert len(found) == 1
        return dict(found[0])

    def filtered(self, **given: Any) -> list[str]:
        found = self.api.get_paginator("filter_log_events").paginate(
            logGroupName=GROUP, logStreamNamePrefix=f"{self.name}/", **given
        )
        return [one["message"] for page in found for one in page["events"]]


@pytest.fixture(scope="module")
def job(service: Service) -> Job:
    return Job(service)


def test_a_jobs_stream_is_named_as_cloudwatch_names_it(job: Job) -> None:
    about = job.stream
    name = about["logStreamName"]
    assert name == f"{job.name}/algo-1-{about['creationTime'] // 1000}"
    assert about["arn"].endswith(f":log-group:{GROUP}:log-stream:{name}")
    assert about["storedBytes"] > 0
    groups = job.api.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/P")["logGroups"]
    assert [one["logGroupName"] for one in groups] == [GROUP]


def test_events_are_read_forwards_page_by_page_until_the_token_stays(job: Job) -> None:
    given: dict[str, Any] = {**job.where, "startFromHead": True, "limit": 10}
    messages: list[str] = []
    while True:
        page = job.api.get_log_events(**given)
        messages += [one["message"] for one in page["events"]]
        if page["nextForwardToken"] == given.get("nextToken"):
            break
        given["nextToken"] = page["nextForwardToken"]
    middle = [f"line {number}" for number in range(2, LINES + 1)]
    first, last = "2026-01-02T03:04:05Z first", "2026-01-02T03:04:06Z ERROR last of all"
    assert messages == [first, *middle, last]


def test_events_are_read_backwards_from_the_end_unless_asked_otherwise(job: Job) -> None:
    page = job.api.get_log_events(**job.where, limit=2)
    assert [one["message"][-7:] for one in page["events"]] == [f"line {LINES}", " of all"]
    before = job.api.get_log_events(**job.where, limit=1, nextToken=page["nextBackwardToken"])
    assert [one["message"] for one in before["events"]] == [f"line {LINES - 1}"]
    after = job.api.get_log_events(**job.where, nextToken=page["nextForwardToken"])
    assert after["events"] == []
    start = job.api.get_log_events(**job.where, nextToken=f"b/{0:056d}")
    assert start["nextBackwardToken"] == f"b/{0:056d}"


def test_a_line_without_a_time_has_that_of_the_line_before_it(job: Job) -> None:
    events = job.api.get_log_events(**job.where, startFromHead=True)["events"]
    begin = 1767323045000
    assert {one["timestamp"] for one in events[:-1]} == {begin}
    assert events[-1]["timestamp"] == begin + 1000
    late = job.api.get_log_events(**job.where, startTime=begin + 1, startFromHead=True)["events"]
    assert late == events[-1:]
    assert job.api.get_log_events(**job.where, endTime=begin)["events"] == []


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("", LINES + 1), ("ERROR", 1), ("?first ?last", 2), ("line -1", LINES - 12),
     ('"line 2"', 7), ("%line [0-9]$%", 8), ("ERROR first", 0)],
)  # fmt: skip
def test_a_filter_pattern_chooses_events(job: Job, pattern: str, count: int) -> None:
    assert len(job.filtered(filterPattern=pattern)) == count
    assert len(job.filtered(filterPattern=pattern, PaginationConfig={"PageSize": 3})) == count


def test_ids_of_events_tell_them_apart(job: Job) -> None:
    names = [job.where["logStreamName"]]
    found = job.api.filter_log_events(logGroupName=GROUP, logStreamNames=names)["events"]
    assert len({one["eventId"] for one in found}) == len(found) == LINES + 1


@pytest.mark.parametrize(
    ("operation", "given", "code"),
    [
        ("describe_log_streams", {"logGroupName": "/aws/none"}, "ResourceNotFoundException"),
        ("get_log_events", {"logStreamName": "none/algo-1-1"}, "ResourceNotFoundException"),
        ("filter_log_events", {"logStreamNames": ["none"]}, "ResourceNotFoundException"),
        ("filter_log_events", {"filterPattern": "{ $.a = 1 }"}, "InvalidParameterException"),
        ("filter_log_events", {"nextToken": "x"}, "InvalidParameterException"),
        ("describe_log_streams", {"nextToken": "x"}, "InvalidParameterException"),
        (
            "describe_log_streams",
            {"orderBy": "LastEventTime", "logStreamNamePrefix": "p"},
            "InvalidParameterException",
        ),
        ("delete_log_group", {}, "UnknownOperationException"),
    ],
)
def test_what_cannot_be_answered_is_said_in_the_services_words(
    job: Job, operation: str, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(job.api, operation)(**{"logGroupName": GROUP, **given})
    assert refusal.value.response["Error"]["Code"] == code


def test_a_group_that_may_come_has_no_streams_yet(job: Job) -> None:
    group = "/aws/sagemaker/TransformJobs"
    assert job.api.describe_log_streams(logGroupName=group)["logStreams"] == []


def test_each_host_of_a_job_has_a_stream(service: Service, job: Job) -> None:
    step = processing("Two", "cat /opt/ml/config/resourceconfig.json")
    step["Arguments"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 2
    arn = service.start(service.create(step))
    assert service.end(arn) == "Succeeded"
    name = service.steps(arn)["Two"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    found = job.api.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{name}/")
    hosts = [one["logStreamName"].rpartition("/")[2][:7] for one in found["logStreams"]]
    assert hosts == ["algo-1-", "algo-2-"]
    page = job.api.describe_log_streams(
        logGroupName=GROUP, logStreamNamePrefix=f"{name}/", limit=1, descending=True
    )
    assert page["logStreams"][0] == found["logStreams"][1]
    rest = job.api.describe_log_streams(
        logGroupName=GROUP, logStreamNamePrefix=f"{name}/", descending=True,
        nextToken=page["nextToken"],
    )  # fmt: skip
    assert rest["logStreams"] == found["logStreams"][:1]
