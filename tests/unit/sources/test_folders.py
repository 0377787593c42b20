"""How the files differ that two attempts of a step were given."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.comparison.trees import Change
from engine.sources.folders import compare_folders

OLD, NEW = "id,monthly_charges\n1,20.5\n2,30\n", "id,monthly_fee\n1,20.5\n2,30\n"


def folder(top: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(text, encoding="utf-8")
    return top


@pytest.mark.parametrize("beside", [{}, {"schema.csv": "id"}], ids=["alone", "beside another"])
def test_a_file_of_another_name_is_the_same_file_and_its_columns_are_compared(
    tmp_path: Path, beside: dict[str, str]
) -> None:
    before = folder(tmp_path / "a", {"monday.csv": OLD, **beside})
    now = folder(tmp_path / "b", {"tuesday.csv": NEW, **beside})
    found = compare_folders("input", "data", before, now)
    (changed,) = [one for one in found.tree.files if one.change is not Change.SAME]
    assert (changed.name, changed.change) == ("tuesday.csv", Change.CHANGED)
    assert "monthly_fee" in repr(found.contents["tuesday.csv"])


@pytest.mark.parametrize(
    "now",
    [
        {"data.parquet": NEW},
        {"more/data.csv": NEW},
        {"b.csv": NEW, "c.csv": NEW},
    ],
    ids=["another kind", "another folder", "two for one"],
)
def test_what_may_be_another_file_is_gone_and_new(tmp_path: Path, now: dict[str, str]) -> None:
    before = folder(tmp_path / "a", {"a.csv": OLD})
    found = compare_folders("input", "data", before, folder(tmp_path / "b", now))
    changes = {one.name: one.change for one in found.tree.files}
    assert changes == {"a.csv": Change.REMOVED, **dict.fromkeys(now, Change.ADDED)}
    assert not found.contents
