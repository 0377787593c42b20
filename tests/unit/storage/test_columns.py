"""CSV and Parquet files tell what their columns hold, JSON its numbers."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from engine.storage.columns import SUMMARY
from engine.storage.preview import preview


def _csv(path: Path, rows: int = 50) -> Path:
    lines = [f"{n},{n / 2},{'' if n % 5 else 'b'}" for n in range(rows)]
    path.write_text("\n".join(["id,score,label", *lines]) + "\n", "utf-8")
    return path


def test_columns_of_a_csv_file_are_summed_up_over_all_rows(tmp_path: Path) -> None:
    found = preview(_csv(tmp_path / "a[1]*.csv"))
    assert found.table is not None and found.summary is not None
    assert "50 rows" in found.title and "3 columns" in found.title
    assert len(found.table.rows) == 20 and found.truncated
    assert found.summary.columns == SUMMARY
    [first, second, third] = found.summary.rows
    assert first[:4] == ("id", "BIGINT", "0", "49")
    assert second[:4] == ("score", "DOUBLE", "0.0", "24.5")
    assert third[0] == "label" and third[4] == "40"


def test_a_csv_file_without_names_has_numbered_columns_and_all_its_rows(tmp_path: Path) -> None:
    file = tmp_path / "train.csv"
    file.write_text("1,0.5\n0,0.25\n", "utf-8")
    found = preview(file)
    assert found.table is not None and found.summary is not None
    assert found.table.columns == ("0", "1")
    assert found.table.rows == (("1", "0.5"), ("0", "0.25"))
    assert [row[0] for row in found.summary.rows] == ["0", "1"]
    assert "2 rows" in found.title


def test_parquet_has_rows_types_and_a_summary(tmp_path: Path) -> None:
    import duckdb

    file = tmp_path / "x.parquet"
    duckdb.sql("SELECT range AS n, range * 2.5 AS x FROM range(300)").write_parquet(str(file))
    found = preview(file)
    assert found.table is not None and found.summary is not None
    assert found.table.columns[0] == "n BIGINT" and "300 rows" in found.title
    assert found.summary.rows[0][:4] == ("n", "BIGINT", "0", "299")


@pytest.mark.parametrize(("name", "content"), [("x.csv", b"a,b\n1,2\n"), ("x.parquet", b"PAR1")])
def test_without_the_extra_a_sentence_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes
) -> None:
    real = builtins.__import__

    def without(module: str, *more: Any) -> Any:
        if module == "duckdb":
            raise ImportError(module)
        return real(module, *more)

    monkeypatch.setattr(builtins, "__import__", without)
    (tmp_path / name).write_bytes(content)
    found = preview(tmp_path / name)
    assert found.summary is None
    assert "needs duckdb" in found.note and "pipetui[preview]" in found.note


def test_the_numbers_of_a_report_stand_ahead_with_their_paths(tmp_path: Path) -> None:
    file = tmp_path / "evaluation.json"
    report = {"metrics": {"mse": {"value": 4.9, "standard_deviation": 0.123456789}}, "n": 3}
    file.write_text(json.dumps(report), "utf-8")
    found = preview(file)
    assert found.summary is not None
    assert found.summary.rows == (
        ("metrics.mse.value", "4.9"),
        ("metrics.mse.standard_deviation", "0.123457"),
        ("n", "3"),
    )
    file.write_text(json.dumps({str(n): n for n in range(100)}), "utf-8")
    assert preview(file).summary is None
