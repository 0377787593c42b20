"""Feature groups of the SageMaker API: descriptions beside their records in the local tree."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from engine.endpoint.faults import AwsFault
from engine.endpoint.sagemaker_pages import ordered, page, within
from engine.model.views import local_arn
from engine.storage.feature_store import (
    OWN_FEATURES,
    forget_group,
    groups,
    place_of_group,
    read_group,
    write_group,
)

if TYPE_CHECKING:
    from engine.endpoint.sagemaker import Desk

Json = dict[str, Any]


async def create(desk: Desk, given: Json) -> Json:
    """CreateFeatureGroup."""
    name = given["FeatureGroupName"]
    if problem := _problem(given):
        raise AwsFault("ValidationException", problem)
    if await asyncio.to_thread(read_group, desk.tree, name) is not None:
        raise AwsFault("ResourceInUse", f"Resource Already Exists: FeatureGroup with name {name}.")
    description = {key: value for key, value in given.items() if key != "Tags"}
    description |= {
        "FeatureGroupArn": local_arn("feature-group", name),
        "CreationTime": time.time(),
        "FeatureGroupStatus": "Created",
    }
    if offline := given.get("OfflineStoreConfig"):
        resolved = {"ResolvedOutputS3Uri": f"{place_of_group(name)}data"}
        storage = {**offline["S3StorageConfig"], **resolved}
        description["OfflineStoreConfig"] = {**offline, "S3StorageConfig": storage}
        description["OfflineStoreStatus"] = {"Status": "Active"}
    await asyncio.to_thread(write_group, desk.tree, name, description)
    return {"FeatureGroupArn": description["FeatureGroupArn"]}


def _problem(given: Json) -> str:
    """What the service refuses of a new group; empty where it is fine."""
    names = [one.get("FeatureName") for one in given["FeatureDefinitions"]]
    for member in ("RecordIdentifierFeatureName", "EventTimeFeatureName"):
        if given[member] not in names:
            return f"{member} {given[member]} is none of the FeatureDefinitions."
    if len(set(names)) < len(names):
        return "Two FeatureDefinitions have the same name."
    if reserved := sorted(set(OWN_FEATURES) & set(names)):
        return f"{', '.join(reserved)} is a reserved feature name."
    online = given.get("OnlineStoreConfig", {}).get("EnableOnlineStore")
    if not online and not given.get("OfflineStoreConfig"):
        return "A group needs an OnlineStoreConfig that is enabled, or an OfflineStoreConfig."
    return ""


async def describe(desk: Desk, given: Json) -> Json:
    """DescribeFeatureGroup; all features are on one page."""
    return {**await _known(desk, given["FeatureGroupName"]), "NextToken": ""}


async def delete(desk: Desk, given: Json) -> Json:
    """DeleteFeatureGroup; the records stay."""
    name = (await _known(desk, given["FeatureGroupName"]))["FeatureGroupName"]
    await asyncio.to_thread(forget_group, desk.tree, name)
    return {}


async def list_(desk: Desk, given: Json) -> Json:
    """ListFeatureGroups."""
    known = await asyncio.to_thread(groups, desk.tree)
    known = [
        one
        for one in known
        if given.get("NameContains", "") in one["FeatureGroupName"]
        and given.get("FeatureGroupStatusEquals", "Created") == one["FeatureGroupStatus"]
        and given.get("OfflineStoreStatusEquals") in (None, _offline(one))
    ]
    known = within(
        known, given, lambda one: one["CreationTime"], "CreationTimeAfter", "CreationTimeBefore"
    )
    keys = {
        "Name": lambda one: one["FeatureGroupName"],
        "FeatureGroupStatus": lambda one: one["FeatureGroupStatus"],
        "OfflineStoreStatus": lambda one: _offline(one) or "",
        "CreationTime": lambda one: one["CreationTime"],
    }
    shown, more = page(ordered(known, given, keys), given, lambda one: one["FeatureGroupName"])
    return {"FeatureGroupSummaries": shown, **more}


def _offline(group: Json) -> str | None:
    status: str | None = group.get("OfflineStoreStatus", {}).get("Status")
    return status


async def _known(desk: Desk, name: str) -> Json:
    """A group by its name or ARN. Errors: ``ResourceNotFound``."""
    plain = name.rpartition("/")[2]
    found = await asyncio.to_thread(read_group, desk.tree, plain)
    if found is None:
        raise AwsFault(
            "ResourceNotFound", f"Resource Not Found: there is no feature group {plain}."
        )
    return found


OPERATIONS = {
    "CreateFeatureGroup": create,
    "DescribeFeatureGroup": describe,
    "DeleteFeatureGroup": delete,
    "ListFeatureGroups": list_,
}
