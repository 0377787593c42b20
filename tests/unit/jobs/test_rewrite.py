from __future__ import annotations

import pytest

from engine.jobs.rewrite import rewritten


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/opt/ml", "/a/ml"),
        ("/opt/ml/input/data", "/a/ml/input/data"),
        ("--dir=/opt/ml/model", "--dir=/a/ml/model"),
        ("file:///opt/ml/model", "file:///a/ml/model"),
        ("/opt/ml:/opt/ml/code", "/a/ml:/a/ml/code"),
        ("cd /opt/ml && ls '/opt/ml/x'", "cd /a/ml && ls '/a/ml/x'"),
        ("/opt/mlflow", "/opt/mlflow"),
        ("/opt/ml-ops", "/opt/ml-ops"),
        ("/opt/ml.txt", "/opt/ml.txt"),
        ("It is /opt/ml.", "It is /a/ml."),
        ("s3://bucket/opt/ml/x", "s3://bucket/opt/ml/x"),
        ("/home/opt/ml", "/home/opt/ml"),
        ("", ""),
    ],
)
def test_only_the_path_itself_is_replaced(text: str, expected: str) -> None:
    assert rewritten(text, "/a/ml") == expected


def test_a_directory_with_regex_characters_arrives_as_it_is() -> None:
    assert rewritten("/opt/ml/x", r"/a\1\g<0>") == r"/a\1\g<0>/x"
