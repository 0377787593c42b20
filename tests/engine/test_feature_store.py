"""Records that scripts put into a feature store: boto3, the endpoint, and the local tree."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.endpoint import feature_store
from engine.endpoint.activation import EndpointSocket
from engine.endpoint.faults import AwsFault
from engine.storage.feature_store import append_record, place_of_group
from engine.storage.tree import LocalTree
from tests.engine.test_endpoint import endpoint, run

__all__ = ["endpoint"]

PUT = """
store = boto3.client("sagemaker-featurestore-runtime")
for number in ("1", "2"):
    store.put_record(FeatureGroupName="orders", Record=[
        {"FeatureName": "id", "ValueAsString": number},
        {"FeatureName": "tags", "ValueAsStringList": ["a", "b"]}])
try:
    store.get_record(FeatureGroupName="orders", RecordIdentifierValueAsString="1")
except store.exceptions.ResourceNotFound as problem:
    print(problem)
"""
GROUPS = """
api = boto3.client("sagemaker")
store = boto3.client("sagemaker-featurestore-runtime")
api.create_feature_group(
    FeatureGroupName="clients", RecordIdentifierFeatureName="id", EventTimeFeatureName="at",
    FeatureDefinitions=[{"FeatureName": name, "FeatureType": kind}
        for name, kind in (("id", "String"), ("at", "Fractional"), ("age", "Integral"))],
    OnlineStoreConfig={"EnableOnlineStore": True},
    OfflineStoreConfig={"S3StorageConfig": {"S3Uri": "s3://lake/features"}}, RoleArn=
    "arn:aws:iam::123456789012:role/R")

def put(**values):
    record = [{"FeatureName": name, "ValueAsString": text} for name, text in values.items()]
    store.put_record(FeatureGroupName="clients", Record=record)

def age(identifier):
    got = store.get_record(FeatureGroupName="clients", FeatureNames=["age"],
        RecordIdentifierValueAsString=identifier).get("Record")
    return got and got[0]["ValueAsString"]

put(id="1", at="20", age="31"); put(id="1", at="10", age="30"); put(id="2", at="10", age="50")
store.delete_record(FeatureGroupName="clients", RecordIdentifierValueAsString="2", EventTime="11")
print(age("1"), age("2"), age("3"))
for bad in ({"id": "1", "at": "1", "size": "2"}, {"id": "1"}):
    try:
        put(**bad)
    except store.exceptions.ClientError as problem:
        print(problem.response["Error"]["Code"])
described = api.describe_feature_group(FeatureGroupName="clients")
print(described["FeatureGroupStatus"],
    described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"])
try:
    api.create_feature_group(FeatureGroupName="clients", RecordIdentifierFeatureName="id",
        EventTimeFeatureName="id", OnlineStoreConfig={"EnableOnlineStore": True},
        FeatureDefinitions=[{"FeatureName": "id", "FeatureType": "String"}])
except api.exceptions.ResourceInUse:
    print("in use")
print([one["FeatureGroupName"] for one in api.list_feature_groups()["FeatureGroupSummaries"]])
api.delete_feature_group(FeatureGroupName="clients")
try:
    api.describe_feature_group(FeatureGroupName="clients")
except api.exceptions.ResourceNotFound:
    print("gone", api.list_feature_groups()["FeatureGroupSummaries"])
"""


def lines(tree: LocalTree, group: str) -> list[dict[str, object]]:
    found = tree.list(place_of_group(group))
    return [json.loads(line) for one in found for line in tree.read(one.uri).splitlines()]


@pytest.mark.network
async def test_records_that_boto3_puts_are_lines_below_the_group(
    endpoint: EndpointSocket, tmp_path: Path
) -> None:
    said = await run(endpoint, PUT, tmp_path)
    kept = lines(LocalTree(tmp_path / "s3"), "orders")
    assert [(line["id"], line["tags"]) for line in kept] == [("1", ["a", "b"]), ("2", ["a", "b"])]
    assert "orders was not created" in said


@pytest.mark.network
async def test_a_feature_group_is_created_written_read_and_deleted_by_boto3(
    endpoint: EndpointSocket, tmp_path: Path
) -> None:
    said = await run(endpoint, GROUPS, tmp_path)
    assert said.splitlines() == [
        "31 None None",
        "ValidationError",
        "ValidationError",
        "Created s3://pipetui/feature-store/clients/data",
        "in use",
        "['clients']",
        "gone []",
    ]
    kept = lines(LocalTree(tmp_path / "s3"), "clients")
    assert [(line["id"], line["is_deleted"]) for line in kept] == [
        ("1", False), ("1", False), ("2", False), ("2", True),
    ]  # fmt: skip


def test_a_record_lies_where_the_offline_store_of_its_hour_is(tmp_path: Path) -> None:
    tree = LocalTree(tmp_path)
    now = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    uri = append_record(tree, "orders", {"id": "1"}, now)
    assert uri == (
        "s3://pipetui/feature-store/orders/data/year=2026/month=03/day=04/hour=05/records.jsonl"
    )
    assert lines(tree, "orders") == [
        {
            "id": "1",
            "write_time": "2026-03-04T05:06:07.000+00:00",
            "api_invocation_time": "2026-03-04T05:06:07.000+00:00",
            "is_deleted": False,
        }
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("PUT", "/FeatureGroup/orders", b"{", "ValidationError"),
        ("PUT", "/FeatureGroup/orders", b'{"Record": []}', "ValidationError"),
        ("PUT", "/FeatureGroup/orders", b'{"Record": [{"FeatureName": "a"}]}', "ValidationError"),
        ("PUT", "/FeatureGroup/orders",
         b'{"Record": [{"FeatureName": "a", "ValueAsString": 1}]}', "ValidationError"),
        ("PUT", "/FeatureGroup/..", b"{}", "NotImplemented"),
        ("GET", "/FeatureGroup/orders", b"", "ResourceNotFound"),
        ("POST", "/BatchGetRecord", b"", "NotImplemented"),
    ],
)  # fmt: skip
def test_what_is_no_put_of_a_record_is_refused_and_keeps_nothing(
    tmp_path: Path, method: str, path: str, body: bytes, code: str
) -> None:
    tree = LocalTree(tmp_path)
    with pytest.raises(AwsFault) as raised:
        feature_store.answer(tree, method, path, {}, body)
    assert raised.value.code == code
    assert lines(tree, "orders") == []
