"""Operations of the SageMaker API on the model registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.clock import timestamp
from engine.endpoint.faults import AwsFault
from engine.endpoint.sagemaker_pages import ordered, page, within
from engine.endpoint.sagemaker_pipelines import Json, Operation
from engine.errors import NotFound
from engine.model.status import ApprovalStatus
from engine.model.views import ModelPackageView, local_arn
from engine.sources.aws_shapes import list_packages
from engine.sources.package_shapes import describe_package

if TYPE_CHECKING:
    from engine.endpoint.sagemaker import Desk
    from engine.sources.reader import LocalReader

_CREATION = ("CreationTimeAfter", "CreationTimeBefore")
_APPROVAL = frozenset({"ModelPackageArn", "ModelApprovalStatus", "ApprovalDescription"})


async def list_groups(desk: Desk, given: Json) -> Json:
    """ListModelPackageGroups."""

    def ask(reader: LocalReader) -> Json:
        text = given.get("NameContains", "").lower()
        groups = [one for one in _groups(reader) if text in one.group.lower()]
        groups = ordered(
            within(groups, given, _created, *_CREATION),
            given,
            {"CreationTime": _created, "Name": lambda one: one.group.lower()},
        )
        shown, more = page(groups, given, lambda one: one.group)
        return {"ModelPackageGroupSummaryList": [_group(one) for one in shown], **more}

    return await desk.read(ask)


async def describe_group(desk: Desk, given: Json) -> Json:
    """DescribeModelPackageGroup."""
    wanted = _last(given["ModelPackageGroupName"])

    def ask(reader: LocalReader) -> Json:
        for one in _groups(reader):
            if one.group.lower() == wanted.lower():
                return {**_group(one), "CreatedBy": {"UserProfileName": one.created_by}}
        raise NotFound(
            f"ModelPackageGroup {wanted} does not exist.", code="package-group-not-found"
        )

    return await desk.read(ask)


async def list_all(desk: Desk, given: Json) -> Json:
    """ListModelPackages, of one group or of all."""

    def ask(reader: LocalReader) -> Json:
        text = given.get("NameContains", "").lower()
        approval = given.get("ModelApprovalStatus")
        packages = [
            one
            for one in reader.packages(_last(given.get("ModelPackageGroupName", "")))
            if text in one.arn.lower() and approval in (None, str(one.approval))
        ]
        packages = ordered(
            within(packages, given, _created, *_CREATION),
            given,
            {"CreationTime": _order, "Name": lambda one: one.arn},
        )
        shown, more = page(packages, given, lambda one: one.arn)
        return list_packages(shown) | more

    return await desk.read(ask)


async def describe(desk: Desk, given: Json) -> Json:
    """DescribeModelPackage: what its request said, and what became of it."""
    return await desk.read(
        lambda reader: describe_package(reader.package(given["ModelPackageName"]))
    )


async def update(desk: Desk, given: Json) -> Json:
    """UpdateModelPackage: its approval, which is all that changes here."""
    other = given.keys() - _APPROVAL - {"ClientToken"}
    if other or "ModelApprovalStatus" not in given:
        raise AwsFault(
            "ValidationException",
            "The local registry changes the ModelApprovalStatus of a model package, with its"
            f" ApprovalDescription; not {', '.join(sorted(other)) or 'nothing'}.",
        )
    package = await desk.read(lambda reader: reader.package(given["ModelPackageArn"]))
    wanted = ApprovalStatus(given["ModelApprovalStatus"])
    if package.approval is not wanted:
        comment = given.get("ApprovalDescription", "")
        package = await desk.control.decide(package.arn, wanted, comment)
    return {"ModelPackageArn": package.arn}


def _groups(reader: LocalReader) -> list[ModelPackageView]:
    """The first version of each group."""
    first = {one.group.lower(): one for one in reader.packages() if one.group}
    return list(first.values())


def _group(first: ModelPackageView) -> Json:
    return {
        "ModelPackageGroupName": first.group,
        "ModelPackageGroupArn": local_arn("model-package-group", first.group.lower()),
        "CreationTime": timestamp(first.created_at),
        "ModelPackageGroupStatus": "Completed",
    }


def _last(text: str) -> str:
    """The name in an ARN, or the text itself."""
    return text.rsplit("/", 1)[-1] if text.startswith("arn:") else text


def _created(package: ModelPackageView) -> float:
    return package.created_at


def _order(package: ModelPackageView) -> tuple[float, int]:
    return package.created_at, package.version


OPERATIONS: dict[str, Operation] = {
    "ListModelPackageGroups": list_groups,
    "DescribeModelPackageGroup": describe_group,
    "ListModelPackages": list_all,
    "DescribeModelPackage": describe,
    "UpdateModelPackage": update,
}
