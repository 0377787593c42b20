from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.comparison.contents import (
    Bounds,
    Content,
    ContentDifference,
    compare_archives,
    compare_contents,
    unified,
)
from engine.comparison.trees import FileEntry, compare_trees

names = st.sampled_from(["a.json", "a.csv", "a.tsv", "a.txt", "a"])
texts = st.text(st.sampled_from('ab1,{}[]:"\n\t '), max_size=30)


def content(data: bytes | str) -> Content:
    data = data.encode() if isinstance(data, str) else data
    return Content(data, len(data))


def compare(name: str, before: bytes | str, now: bytes | str) -> ContentDifference:
    return compare_contents(name, content(before), content(now))


@given(names, st.binary(max_size=60) | texts)
def test_a_content_does_not_differ_from_itself(name: str, data: bytes | str) -> None:
    found = compare(name, data, data)
    assert found.empty
    assert not found.note


@given(names, texts, texts)
def test_contents_that_differ_are_told_apart_or_said_to_differ_in_form(
    name: str, before: str, now: str
) -> None:
    found = compare(name, before, now)
    assert (before == now) == (found.empty and not found.note)
    assert compare(name, now, before).kind == found.kind
    assert compare(name, now, before).empty == found.empty


lines = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12)


@given(lines, lines)
def test_a_unified_diff_holds_every_line_that_changes(before: list[str], now: list[str]) -> None:
    told = [one for one in unified(before, now, context=100) if not one.startswith("@@")]
    if before == now:
        assert not told
        return
    assert [one[1:] for one in told if one[:1] != "+"] == before
    assert [one[1:] for one in told if one[:1] != "-"] == now


def test_json_is_told_by_its_paths() -> None:
    found = compare("evaluation.json", '{"auc": 0.5}', '{"auc": 0.75}')
    assert found.kind == "json"
    assert [(one.path, one.before, one.now) for one in found.values] == [("auc", "0.5", "0.75")]


def test_json_in_another_layout_differs_in_form_alone() -> None:
    found = compare("a.json", '{"a": 1, "b": 2}', '{\n"b":2,"a":1}')
    assert found.empty
    assert "form" in found.note


def test_csv_is_told_by_its_cells() -> None:
    found = compare("a.csv", "x,y\n1,2\n", "x,y\n1,3\n")
    assert found.kind == "csv"
    assert found.table is not None
    assert [(one.column, one.now) for one in found.table.cells] == [("y", "3")]


def test_text_is_told_by_its_lines() -> None:
    found = compare("a.txt", "one\ntwo\n", "one\nthree\n")
    assert found.lines == ("@@ -1,2 +1,2 @@", " one", "-two", "+three")


def test_bytes_are_told_by_their_digests() -> None:
    found = compare("model.bin", b"\0\1", b"\0\2")
    assert found.kind == "binary"
    assert found.digests[0] != found.digests[1]


def test_json_read_by_half_is_compared_as_text_and_says_so() -> None:
    whole = b'{"a": [1, 2, 3]}'
    before, now = Content(whole[:8], len(whole)), content('{"a": [7')
    found = compare_contents("a.json", before, now)
    assert found.kind == "text"
    assert found.more
    assert found.note


def test_a_character_that_the_reader_cut_in_two_does_not_make_text_binary() -> None:
    cut = Content("aé".encode()[:2], 3)
    assert compare_contents("a.txt", cut, content("b")).kind == "text"


def test_long_differences_are_bounded_and_say_so() -> None:
    before, now = ("\n".join(f"{letter}{number}" for number in range(500)) for letter in "xy")
    found = compare_contents("a.txt", content(before), content(now), Bounds(told=10))
    assert (len(found.lines), found.more) == (10, True)


def test_archives_are_told_by_their_members() -> None:
    before = [FileEntry("a", 1, "x"), FileEntry("b", 1, "x")]
    found = compare_archives(compare_trees(before, before[:1]), more=False)
    assert found.members is not None
    assert [one.name for one in found.members.differing] == ["b"]
    repacked = compare_archives(compare_trees(before, before), more=False)
    assert repacked.empty
    assert repacked.note
