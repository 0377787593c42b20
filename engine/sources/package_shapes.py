"""Model packages in the shapes of DescribeModelPackage and of EventBridge (pure)."""

from __future__ import annotations

from typing import Any

from engine.clock import timestamp
from engine.model.events import Event, ModelApprovalChanged, ModelPackageCreated
from engine.model.fold import apply_package
from engine.model.views import ModelPackageView
from engine.sources.aws_shapes import envelope, list_packages

Json = dict[str, Any]

PACKAGE_CHANGE = "SageMaker Model Package State Change"


def describe_package(package: ModelPackageView) -> Json:
    """A model package as DescribeModelPackage gives it: its request, and what became of it."""
    last = package.approvals[-1] if package.approvals else None
    about = {
        **package.request,
        **list_packages([package])["ModelPackageSummaryList"][0],
        "ModelPackageName": package.arn.rsplit("/", 1)[-1],
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "CreatedBy": {"UserProfileName": package.created_by},
    }
    if last is not None:
        about["LastModifiedTime"] = timestamp(last.at)
        about["LastModifiedBy"] = {"UserProfileName": last.actor}
        about["ApprovalDescription"] = last.comment
    return about


class PackageChanges:
    """Folds the events of a home's registry, and tells them as EventBridge does."""

    def __init__(self) -> None:
        self._packages: dict[str, ModelPackageView] = {}

    def take(self, event: Event) -> Json | None:
        """The EventBridge event that the next event makes: of a package made, or decided upon."""
        fact = event.fact
        if not isinstance(fact, ModelPackageCreated | ModelApprovalChanged):
            return None
        package = apply_package(self._packages.get(fact.arn), event)
        if package is None:
            return None
        self._packages[fact.arn] = package
        # Local is the envelope's, as in every event.
        detail = {key: value for key, value in describe_package(package).items() if key != "Local"}
        return envelope(f"{fact.arn}/{event.seq}", event, PACKAGE_CHANGE, [fact.arn], detail)
