"""Records of models and endpoint configurations."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import NotFound, StorageError
from engine.serving.descriptions import Descriptions, checked, models


def test_a_description_is_found_by_name_or_arn_and_replaced(tmp_path: Path) -> None:
    kept = models(tmp_path)
    kept.write("a-1", {"ModelName": "a-1"})
    kept.write("a-1", {"ModelName": "a-1", "new": True})
    arn = "arn:aws:sagemaker:local:000000000000:model/a-1"
    assert kept.read("a-1") == kept.read(arn) == {"ModelName": "a-1", "new": True}
    assert kept.names() == ["a-1"]
    assert stat.S_IMODE((tmp_path / "models" / "a-1.json").stat().st_mode) == 0o600


def test_a_missing_one_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    kept = Descriptions(tmp_path, "endpoint configuration")
    with pytest.raises(NotFound) as failure:
        kept.read("b")
    assert failure.value.code == "endpoint-configuration-not-found"
    kept.write("a", {})
    with pytest.raises(NotFound, match='Could not find endpoint configuration "b"') as failure:
        kept.read("b")
    assert failure.value.hint == "This home has: a."


@given(st.text(st.sampled_from("ab/.\\\0-_ é"), max_size=70))
def test_a_name_is_a_files_name_and_nothing_else(name: str) -> None:
    try:
        assert Path("/x", checked(name, "model")).name == name
        assert len(name) <= 63 and name.isascii()
    except StorageError as refusal:
        assert refusal.code == "name-invalid"


@pytest.mark.parametrize("name", ["..", "a/..", "/etc/passwd", ""])
def test_a_path_finds_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "passwd.json").write_text("{}")
    (tmp_path / "models").mkdir()
    with pytest.raises(NotFound):
        models(tmp_path).read(name)
