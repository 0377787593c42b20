"""Tags of pipelines, as boto3 keeps, changes and lists them."""

from __future__ import annotations

import pytest

from tests.engine.test_sagemaker_api import Service, code, decision, refused, service

__all__ = ["service"]

pytestmark = pytest.mark.network


def test_tags_of_a_pipeline_are_kept_changed_and_listed(service: Service) -> None:
    given = [{"Key": "team", "Value": "fraud"}, {"Key": "stage", "Value": "dev"}]
    name = service.create(decision(), Tags=given)
    arn = service.api.describe_pipeline(PipelineName=name)["PipelineArn"]
    assert service.api.list_tags(ResourceArn=arn)["Tags"] == given
    changed = [{"Key": "stage", "Value": "prod"}, {"Key": "cost", "Value": ""}]
    added = service.api.add_tags(ResourceArn=arn, Tags=changed)["Tags"]
    assert added == [given[0], *changed]
    service.api.delete_tags(ResourceArn=arn, TagKeys=["team", "unknown"])
    pages = service.api.get_paginator("list_tags").paginate(
        ResourceArn=arn, PaginationConfig={"PageSize": 50}
    )
    assert [tag for page in pages for tag in page["Tags"]] == changed


def test_tags_of_what_has_none_here_and_too_many_are_refused(service: Service) -> None:
    name = service.create(decision())
    arn = service.api.describe_pipeline(PipelineName=name)["PipelineArn"]
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    service.api.add_tags(ResourceArn=arn, Tags=many)
    more = [{"Key": "one-more", "Value": "v"}]
    for call, given, expected in (
        (service.api.add_tags, {"ResourceArn": arn, "Tags": more}, "ValidationException"),
        (service.api.list_tags, {"ResourceArn": f"{arn}-none"}, "ResourceNotFound"),
        (service.api.list_tags, {"ResourceArn": "arn:aws:s3:::b"}, "ValidationException"),
    ):
        assert code(refused(call, **given)) == expected
