from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.image import Family, parse_image

ECR = "683313688378.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("reference", "family", "version", "processor", "python"),
    [
        ("sagemaker-scikit-learn:0.23-1-cpu-py3", Family.SCIKIT_LEARN, "0.23-1", "cpu", ""),
        ("sagemaker-scikit-learn:1.4-2-py312-cpu-py3", Family.SCIKIT_LEARN, "1.4-2", "cpu", "3.12"),
        ("sagemaker-xgboost:1.7-1", Family.XGBOOST, "1.7-1", "", ""),
        ("xgboost:latest", Family.XGBOOST, "", "", ""),
        (
            "pytorch-training:2.1.0-cpu-py310-ubuntu20.04-sagemaker",
            Family.PYTORCH,
            "2.1.0",
            "cpu",
            "3.10",
        ),
        ("tensorflow-inference-graviton:2.9.1-cpu", Family.TENSORFLOW, "2.9.1", "cpu", ""),
        ("sagemaker-base-python-310:1.0", Family.BASE_PYTHON, "1.0", "", "3.10"),
        ("sagemaker-spark-processing:3.3-cpu-py39-v1", Family.SPARK, "3.3", "cpu", "3.9"),
        ("sagemaker-model-monitor-analyzer", Family.MODEL_MONITOR, "", "", ""),
        ("sagemaker-data-wrangler-container:1.x", Family.DATA_WRANGLER, "", "", ""),
        ("sagemaker-distribution-prod:3.2.0-gpu", Family.DISTRIBUTION, "3.2.0", "gpu", ""),
        ("linear-learner:1", Family.BUILT_IN, "1", "", ""),
        ("my-own-image:1.0", Family.OTHER, "1.0", "", ""),
    ],
)
def test_the_parts_of_an_aws_image_are_read(
    reference: str, family: Family, version: str, processor: str, python: str
) -> None:
    image = parse_image(f"{ECR}/{reference}")
    assert (image.account, image.region) == ("683313688378", "us-east-1")
    assert (image.family, image.version, image.processor, image.python) == (
        family,
        version,
        processor,
        python,
    )


def test_a_hugging_face_tag_names_two_versions() -> None:
    image = parse_image(
        f"{ECR}/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04"
    )
    assert (image.version, image.transformers) == ("2.1.0", "4.36.0")
    assert image.family is Family.HUGGINGFACE_PYTORCH


@pytest.mark.parametrize(
    "host",
    [
        "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn",
        "414596584902.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
        "886529160074.dkr.ecr.us-iso-east-1.c2s.ic.gov",
    ],
)
def test_partitions_are_alike(host: str) -> None:
    image = parse_image(f"{host}/sagemaker-xgboost:1.7-1")
    assert image.family is Family.XGBOOST
    assert image.account == host[:12]
    assert image.region == host.split(".")[3]


def test_the_family_is_kept_by_a_private_mirror() -> None:
    image = parse_image("mirror.example.com:5000/aws/sagemaker-scikit-learn:1.2-1")
    assert image.family is Family.SCIKIT_LEARN
    assert (image.registry, image.account) == ("mirror.example.com:5000", "")


def test_a_digest_stands_beside_or_in_place_of_a_tag() -> None:
    digest = "sha256:" + "0" * 64
    both = parse_image(f"{ECR}/sagemaker-xgboost:1.7-1@{digest}")
    alone = parse_image(f"{ECR}/sagemaker-xgboost@{digest}")
    assert (both.tag, both.digest) == ("1.7-1", digest)
    assert (alone.tag, alone.digest) == ("", digest)


def test_a_name_without_registry_is_a_repository() -> None:
    image = parse_image("library/python:3.11")
    assert (image.registry, image.repository, image.tag) == ("", "library/python", "3.11")


@given(st.text())
def test_any_text_can_be_parsed(text: str) -> None:
    assert parse_image(text).uri == text


@given(
    st.from_regex(r"\d{12}", fullmatch=True),
    st.sampled_from(["us-east-1", "eu-central-2", "us-gov-west-1", "cn-northwest-1"]),
    st.sampled_from(["sagemaker-xgboost", "team/sagemaker-xgboost"]),
)
def test_the_account_decides_nothing(account: str, region: str, repository: str) -> None:
    image = parse_image(f"{account}.dkr.ecr.{region}.amazonaws.com/{repository}:1.7-1")
    assert (image.account, image.region) == (account, region)
    assert (image.family, image.version) == (Family.XGBOOST, "1.7-1")
