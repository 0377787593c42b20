from __future__ import annotations

import logging
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.environments.algorithms.xgboost import preflight
from engine.environments.algorithms.xgboost.errors import UserError


def findings(*lines: str, delimiter: str = ",") -> list[str]:
    tally = preflight.Tally()
    preflight.scan(tally, "a.csv", lines, delimiter)
    return preflight.findings("train", tally)


def test_numbers_alone_are_fine() -> None:
    assert findings("1,0.5,-2e3", "0,,inf", "1,3,4") == []


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["label,a,b", "1,2,3", "0,2,3"],
            "train: a header line once, in a.csv row 1 column 1 ('label')",
        ),
        (
            ['"label","a"', "1,2", "0,2"],
            "train: a header line once, in a.csv row 1 column 1 ('\"label\"')",
        ),
        (
            ["1,True", "0,False", "0,True"],
            "train: a True/False cell 3 times, first in a.csv row 1 column 2 ('True')",
        ),
        (
            ["1,2", "0,2", "True,2"],
            "train: a True/False label once, in a.csv row 3 column 1 ('True')",
        ),
        (
            ["1,2", "0,2", "yes,2", "no,3"],
            "train: a label that is no number 2 times, first in a.csv row 3 column 1 ('yes')",
        ),
        (
            ["1,2", "0,M"],
            "train: a cell that is no number once, in a.csv row 2 column 2 ('M')",
        ),
        (
            ["1,2", "0,1_000"],
            "train: a cell that is no number once, in a.csv row 2 column 2 ('1_000')",
        ),
        (
            ['1,"2.5"', "0,2"],
            "train: a quoted number once, in a.csv row 1 column 2 ('\"2.5\"')",
        ),
        (["1,2", "1,3"], "train: the label (column 1) is 1 in all 2 rows"),
        (
            ["1,2,", "0,3,nan", "1,4,5"],
            "train: column 3 is missing in 2 of 3 rows (67%)",
        ),
    ],
)
def test_trouble_is_named_with_its_first_place(lines: list[str], expected: str) -> None:
    [finding] = findings(*lines)
    assert finding.startswith(expected)


def test_a_header_of_booleans_is_no_header() -> None:
    assert "header" not in " ".join(findings("True,False", "1,0", "0,0"))


def test_text_in_every_row_is_no_header() -> None:
    assert "header" not in " ".join(findings("M,F", "F,M", "M,M"))


def test_rows_are_counted_as_an_editor_does() -> None:
    [finding] = findings("1,2", "", "0,x")
    assert "row 3 column 2" in finding


def test_other_delimiters_are_understood() -> None:
    assert findings("1;2", "0;3", delimiter=";") == []


def test_an_empty_file_is_not_remarked_on() -> None:
    assert findings() == []


def test_files_of_a_channel_are_read_together(tmp_path: Path) -> None:
    for name, text in {"a.csv": "1,2\n1,3\n", "b.csv": "0,x\n"}.items():
        (tmp_path / name).write_text(text)
    [finding] = preflight.check("train", [tmp_path / "a.csv", tmp_path / "b.csv"], ",")
    assert "in b.csv row 1 column 2" in finding


def test_findings_are_warnings_unless_refused(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        preflight.report(["train: x"], "warn")
    assert [record.getMessage() for record in caplog.records] == ["preflight: train: x"]
    with pytest.raises(UserError, match=r"PIPETUI_PREFLIGHT=refuse.*train: x"):
        preflight.report(["train: x"], "refuse")
    preflight.report([], "refuse")


def test_memory_does_not_grow_with_the_rows() -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        findings_of = preflight.Tally()
        preflight.scan(findings_of, "a.csv", (f"{row % 2},x,,True" for row in range(rows)), ",")
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(10)
    assert peak(20_000) < 2 * peak(200) + 50_000


@given(st.lists(st.text(st.characters(blacklist_categories=["Cs"])), max_size=8))
def test_any_text_is_read_without_failing(lines: list[str]) -> None:
    findings(*lines)


@given(
    st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
        min_size=1,
    )
)
def test_written_numbers_are_never_taken_for_text(rows: list[list[float]]) -> None:
    lines = [",".join(repr(value) for value in row) for row in rows]
    assert all("(column 1) is" in finding for finding in findings(*lines))
