"""Command lines of Hive, as Spark SQL understands them."""

from __future__ import annotations

import pytest

from engine.errors import JobError
from engine.steps.hive import hive_driver, hive_query


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (
            ["--run-hive-script", "--hive-versions", "latest", "--args", "-f", "s3://b/q"],
            [("-f", "s3://b/q")],
        ),
        (["-e", "SELECT 1", "-d", "A=1"], [("-e", "SELECT 1"), ("--define", "A=1")]),
        (
            ["--hiveconf", "a=b", "-hivevar", "c=d", "-f", "q", "-v", "-S"],
            [("--hiveconf", "a=b"), ("--hivevar", "c=d"), ("-f", "q")],
        ),
        (
            ["--database=x", "-i", "first", "-f", "q"],
            [("--database", "x"), ("-i", "first"), ("-f", "q")],
        ),
    ],
)
def test_hives_options_are_spark_sqls(words: list[str], options: list[tuple[str, str]]) -> None:
    assert list(hive_query(words).options) == options


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], "emr-command-missing"),
        (["-d", "A=1"], "emr-command-missing"),
        (["-f"], "hive-option-unknown"),
        (["-p", "1", "-f", "q"], "hive-option-unknown"),
        (["q.sql"], "hive-option-unknown"),
    ],
)
def test_a_command_line_without_a_script_or_with_another_option_is_refused(
    words: list[str], code: str
) -> None:
    with pytest.raises(JobError) as problem:
        hive_query(words)
    assert problem.value.code == code


def test_a_driver_of_emr_serverless_names_files_or_the_query_itself() -> None:
    file = {"query": "s3://b/q", "initQueryFile": "s3://b/i", "parameters": "--hiveconf 'a=b c'"}
    expected = [("--hiveconf", "a=b c"), ("-i", "s3://b/i"), ("-f", "s3://b/q")]
    assert list(hive_driver(file).options) == expected
    assert list(hive_driver({"query": "SELECT 1"}).options) == [("-e", "SELECT 1")]


@pytest.mark.parametrize(
    ("driver", "code"),
    [({}, "emr-command-missing"), ({"query": "q", "parameters": "'"}, "emr-parameters-invalid")],
)
def test_a_driver_that_cannot_be_read_is_refused(driver: dict[str, str], code: str) -> None:
    with pytest.raises(JobError) as problem:
        hive_driver(driver)
    assert problem.value.code == code
