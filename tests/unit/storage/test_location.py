from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StorageError
from engine.storage.location import (
    KEY_BYTES,
    Location,
    parse,
    path_of_key,
    relative_path,
    segment_of,
)

SEGMENTS = st.one_of(
    st.sampled_from(["", ".", "..", "%", "%..", "%%", "a", "a b", "ü"]),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), max_size=20),
)
KEYS = st.lists(SEGMENTS, min_size=1, max_size=8).map("/".join).filter(bool)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://bucket/a/b.csv", Location("s3", "bucket", "a/b.csv")),
        ("S3://bucket", Location("s3", "bucket", "")),
        ("s3://bucket//a", Location("s3", "bucket", "/a")),
        ("s3://bucket/a?b#c%20d", Location("s3", "bucket", "a?b#c%20d")),
        ("file:///data/x", Location("file", "", "/data/x")),
        ("file://localhost/data/x", Location("file", "", "/data/x")),
        ("file://data/x", Location("file", "", "/base/data/x")),
        ("/data/../x/", Location("file", "", "/x")),
        ("../x", Location("file", "", "/x")),
        ("data/x.csv", Location("file", "", "/base/data/x.csv")),
    ],
)
def test_every_way_to_write_a_location_is_read(text: str, expected: Location) -> None:
    assert parse(text, "/base") == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "uri-invalid"),
        ("file://", "uri-invalid"),
        ("a\0b", "uri-invalid"),
        ("https://example.com/x", "uri-unsupported"),
        ("s3:///key", "bucket-invalid"),
        ("s3://../key", "bucket-invalid"),
        ("s3://a b/key", "bucket-invalid"),
        ("s3://bucket/" + "k" * 1025, "key-too-long"),
        ("s3://bucket/\ud800", "key-invalid"),
    ],
)
def test_what_is_no_location_is_refused_with_its_own_code(text: str, code: str) -> None:
    with pytest.raises(StorageError) as raised:
        parse(text, "/base")
    assert raised.value.code == code


def test_a_relative_path_without_a_base_is_refused() -> None:
    with pytest.raises(StorageError) as raised:
        parse("data/x")
    assert raised.value.code == "path-without-base"


@given(KEYS)
def test_a_key_survives_its_way_through_uri_and_file_name(key: str) -> None:
    location = parse(f"s3://bucket/{key}")
    assert parse(location.uri) == location
    stored = path_of_key(key)
    assert "/".join(segment_of(part) for part in stored.split("/")) == key


@given(KEYS)
def test_the_path_of_a_key_stays_in_its_folder_and_is_in_normal_form(key: str) -> None:
    joined = posixpath.join("/root/bucket", path_of_key(key))
    assert posixpath.normpath(joined) == joined
    assert joined.startswith("/root/bucket/")


@given(st.lists(KEYS, min_size=2, max_size=2, unique=True))
def test_two_keys_never_share_a_path(keys: list[str]) -> None:
    assert path_of_key(keys[0]) != path_of_key(keys[1])


def test_a_segment_longer_than_a_file_name_is_refused() -> None:
    with pytest.raises(StorageError) as raised:
        path_of_key("a/" + "ü" * 128)
    assert raised.value.code == "key-segment-too-long"
    assert len(path_of_key("/".join(["x" * 255] * 4))) == KEY_BYTES - 1


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("s3://bucket", "s3://bucket/a/b"),
        ("s3://bucket/", "s3://bucket/a/b"),
        ("s3://bucket/x", "s3://bucket/x/a/b"),
        ("s3://bucket/x/", "s3://bucket/x/a/b"),
        ("/", "file:///a/b"),
        ("/x", "file:///x/a/b"),
    ],
)
def test_a_child_lies_one_slash_below(parent: str, child: str) -> None:
    assert parse(parent).child("a/b").uri == child


def test_the_rest_of_a_key_becomes_a_relative_path_or_is_refused() -> None:
    assert relative_path("//a/./b/") == "a/b"
    with pytest.raises(StorageError) as raised:
        relative_path("a/../../x")
    assert raised.value.code == "key-unsafe"
