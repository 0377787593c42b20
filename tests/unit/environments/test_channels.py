from __future__ import annotations

import logging
from pathlib import Path

import pytest

from engine.environments.algorithms.xgboost import channels
from engine.environments.algorithms.xgboost.errors import UserError

CSV = {
    "ContentType": "text/csv",
    "TrainingInputMode": "File",
    "S3DistributionType": "FullyReplicated",
}


def test_channels_have_a_format_and_a_folder(tmp_path: Path) -> None:
    found = channels.read_channels({"train": CSV, "validation": CSV, "code": {}}, tmp_path)
    assert list(found) == ["train", "validation"]
    assert (found["train"].format, found["train"].path) == ("csv", tmp_path / "train")


def test_data_without_a_type_is_libsvm(tmp_path: Path) -> None:
    found = channels.read_channels({"train": {"TrainingInputMode": "File"}}, tmp_path)
    assert found["train"].format == "libsvm"


def test_validation_data_is_of_the_training_datas_type(tmp_path: Path) -> None:
    found = channels.read_channels(
        {"train": CSV, "validation": {**CSV, "ContentType": "libsvm"}}, tmp_path
    )
    assert found["validation"].format == "csv"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "Missing required channel: train"),
        ({"train": CSV, "test": CSV}, "Extraneous channel found: test"),
        (
            {"train": {**CSV, "ContentType": "text/csv; label_size=1"}},
            "Channel configuration for 'train' channel is not supported",
        ),
        (
            {"train": {**CSV, "TrainingInputMode": "Pipe"}},
            "Channel configuration for 'train' channel is not supported",
        ),
    ],
)
def test_wrong_channels_are_named(
    config: dict[str, dict[str, str]], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as failure:
        channels.read_channels(config, tmp_path)
    assert str(failure.value).startswith(message)


def test_files_are_found_to_the_third_level(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["b.csv", "a/a.csv", "a/b/c.csv", "a/b/c/too-deep.csv"]
    for name in names:
        file = tmp_path / "train" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("1,2\n")
    (tmp_path / "train" / "_SUCCESS").touch()
    channel = channels.Channel("train", tmp_path / "train", "csv", sharded=False)
    with caplog.at_level(logging.WARNING):
        found = channel.files()
    assert [str(file.relative_to(tmp_path / "train")) for file in found] == [
        "a/a.csv",
        "a/b/c.csv",
        "b.csv",
    ]
    assert "exceeds the limit" in caplog.text


def test_a_hidden_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".DS_Store").write_text("x")
    with pytest.raises(UserError, match="Hidden file found in the data path"):
        channels.Channel("train", tmp_path, "csv", sharded=False).files()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_read_from_the_first_line(tmp_path: Path, delimiter: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(delimiter.join(["1", "0.5", "2.25", "10"]) + "\n")
    assert channels.delimiter_of(file) == delimiter


def test_csv_is_not_taken_for_libsvm(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("1\n1:0.5 0:1 3:2.5\n")
    bad.write_text("1,2,3\n")
    channels.check_libsvm(good)
    with pytest.raises(UserError, match=r"First line '1,2,3...' of file 'bad' is not 'LIBSVM'"):
        channels.check_libsvm(bad)
