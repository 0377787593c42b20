"""The file that a person edits is the one behind the attempt's copy, where it is still the same."""

from __future__ import annotations

from pathlib import Path

from pipetui.source_code import original, source_uris


def _attempt(folder: Path, text: str = "print(1)\n") -> Path:
    copy = folder / "attempt" / "ml" / "processing" / "input" / "code" / "evaluate.py"
    copy.parent.mkdir(parents=True)
    copy.write_text(text, "utf-8")
    return copy


def _arguments(uri: str, place: str = "/opt/ml/processing/input/code") -> dict[str, object]:
    return {"ProcessingInputs": [{"S3Input": {"S3Uri": uri, "LocalPath": place}}]}


def test_a_file_of_the_definitions_folder_that_holds_the_same_is_preferred(tmp_path: Path) -> None:
    copy = _attempt(tmp_path)
    own = tmp_path / "project" / "code" / "evaluate.py"
    stored = tmp_path / "s3" / "evaluate.py"
    for path in (own, stored):
        path.parent.mkdir(parents=True)
        path.write_text("print(1)\n", "utf-8")
    definition = str(tmp_path / "project" / "pipeline.json")
    assert original(copy, definition, [str(stored)]) == own
    own.write_text("print(2)\n", "utf-8")
    assert original(copy, definition, [str(stored)]) == stored
    stored.unlink()
    assert original(copy, definition, [str(stored)]) is None
    assert original(copy, "") is None


def test_the_input_that_a_copy_came_from_names_its_object(tmp_path: Path) -> None:
    copy = _attempt(tmp_path)
    folder = str(tmp_path / "attempt")
    found = list(source_uris(copy, folder, _arguments("s3://b/code")))
    assert found == ["s3://b/code/evaluate.py"]
    found = list(source_uris(copy, folder, _arguments("s3://b/code/evaluate.py")))
    assert "s3://b/code/evaluate.py" in found
    assert not list(source_uris(copy, folder, _arguments("s3://b/x", "/opt/ml/processing/data")))
    assert not list(source_uris(copy, "", _arguments("s3://b/code")))
    assert not list(source_uris(copy, folder, {"ProcessingInputs": ["nonsense", {}]}))
