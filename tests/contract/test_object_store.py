"""What every object store does alike: the local tree, S3 as moto plays it, our own endpoint."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import boto3
import pytest

from engine.endpoint.activation import EndpointSocket
from engine.errors import StorageError
from engine.storage.base import ObjectStore
from engine.storage.local import LocalStore
from engine.storage.overlay import lay_over, open_tree
from engine.storage.s3 import S3Store
from engine.storage.transfer import download, upload
from engine.storage.tree import LocalTree

BUCKET = "s3://contract-bucket"
KEYS = [
    "a-b",
    "a/b",
    "a/c/d",
    "a//e",
    "a/./f",
    "a/../../g",
    "%2e%2e/h",
    "i j+k&l=m?n#o",
    "ü/日本",
    "tab\tand%0Aline",
    "Case",
    "case",
]


def make_bucket(url: str, access_key: str, secret_key: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
    )
    client.create_bucket(Bucket=BUCKET.removeprefix("s3://"))
    client.close()


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    pytest.importorskip("flask", reason="moto's server needs moto[server]")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    make_bucket(url, "testing", "testing")
    yield url
    server.stop()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndpointSocket]:
    folder = tmp_path_factory.mktemp("endpoint")
    loop = asyncio.new_event_loop()
    socket = EndpointSocket.bind(folder / "s3", folder / "endpoint.log", "token")
    socket.watch(loop)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    variables = socket.environment()
    make_bucket(
        variables["AWS_ENDPOINT_URL"],
        variables["AWS_ACCESS_KEY_ID"],
        variables["AWS_SECRET_ACCESS_KEY"],
    )
    yield socket
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    socket.close()
    loop.close()


@pytest.fixture(params=["tree", "overlay", "moto", "endpoint"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    if request.param == "tree":
        yield LocalStore(LocalTree(tmp_path / "s3"))
        return
    if request.param == "overlay":
        LocalTree(tmp_path / "below").put("s3://another-bucket/key", b"of the tree below")
        lay_over(tmp_path / "below", tmp_path / "s3")
        yield LocalStore(open_tree(tmp_path / "s3"))
        return
    if request.param == "moto":
        url, keys = request.getfixturevalue("moto"), ("testing", "testing")
    else:
        variables = request.getfixturevalue("endpoint").environment()
        url = variables["AWS_ENDPOINT_URL"]
        keys = (variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    store = S3Store(
        endpoint_url=url,
        region="us-east-1",
        access_key=keys[0],
        secret_key=keys[1],
        part_bytes=5 << 20,
        page_keys=3,
    )
    async with store:
        for info in await store.list(f"{BUCKET}/"):
            await store.delete(info.uri)
        yield store


async def code_of(awaitable: object) -> str:
    with pytest.raises(StorageError) as raised:
        await awaitable  # type: ignore[misc]
    return raised.value.code


async def test_what_is_put_is_read_back(store: ObjectStore) -> None:
    put = await store.put(f"{BUCKET}/a/b", b"hello")
    assert (put.uri, put.key, put.size) == (f"{BUCKET}/a/b", "a/b", 5)
    assert await store.read(f"{BUCKET}/a/b") == b"hello"
    assert await store.stat(f"{BUCKET}/a/b") == put
    assert [info.etag for info in await store.list(f"{BUCKET}/a")] == [put.etag]


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, 2, b"he"),
        (1, 3, b"ell"),
        (3, 9, b"lo"),
        (2, None, b"llo"),
        (5, 1, b""),
        (9, 9, b""),
        (1, 0, b""),
    ],
)
async def test_a_part_is_read(
    store: ObjectStore, start: int, length: int | None, expected: bytes
) -> None:
    await store.put(f"{BUCKET}/a", b"hello")
    assert await store.read(f"{BUCKET}/a", start, length) == expected


async def test_an_empty_object_is_an_object(store: ObjectStore, tmp_path: Path) -> None:
    await store.put(f"{BUCKET}/empty", b"")
    assert await store.read(f"{BUCKET}/empty") == b""
    assert await store.fetch(f"{BUCKET}/empty", tmp_path / "empty") == 0


async def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    first = await store.put(f"{BUCKET}/a", b"hello")
    second = await store.put(f"{BUCKET}/a", b"world!")
    assert first.etag != second.etag
    assert await store.read(f"{BUCKET}/a") == b"world!"


async def test_every_key_comes_back_as_it_was_written_in_key_order(store: ObjectStore) -> None:
    for key in KEYS:
        await store.put(f"{BUCKET}/{key}", key.encode())
    listed = await store.list(f"{BUCKET}/")
    assert [info.key for info in listed] == sorted(KEYS)
    for info in listed:
        assert await store.read(info.uri) == info.key.encode()


async def test_a_prefix_is_any_start_of_a_key_and_a_limit_holds(store: ObjectStore) -> None:
    for key in ("data/train/a", "data/train.csv", "data/test", "other"):
        await store.put(f"{BUCKET}/{key}", b"x")
    found = await store.list(f"{BUCKET}/data/tr")
    assert [info.key for info in found] == ["data/train.csv", "data/train/a"]
    assert [info.key for info in await store.list(BUCKET, limit=2)] == [
        "data/test",
        "data/train.csv",
    ]
    assert list(await store.list(f"{BUCKET}/none")) == []


async def test_more_objects_than_a_page_are_listed(store: ObjectStore) -> None:
    for number in range(7):
        await store.put(f"{BUCKET}/{number}", b"")
    assert [info.key for info in await store.list(BUCKET)] == list("0123456")
    assert [info.key for info in await store.list(BUCKET, limit=5)] == list("01234")


async def test_a_large_file_goes_there_and_back(store: ObjectStore, tmp_path: Path) -> None:
    content = os.urandom((11 << 20) + 17)
    (tmp_path / "out").write_bytes(content)
    assert (await store.put(f"{BUCKET}/large", tmp_path / "out")).size == len(content)
    assert await store.fetch(f"{BUCKET}/large", tmp_path / "back") == len(content)
    assert (tmp_path / "back").read_bytes() == content


async def test_deleting_is_final_and_may_be_repeated(store: ObjectStore) -> None:
    await store.put(f"{BUCKET}/a/b", b"x")
    await store.delete(f"{BUCKET}/a/b")
    await store.delete(f"{BUCKET}/a/b")
    await store.delete(f"{BUCKET}/a")
    assert list(await store.list(BUCKET)) == []


async def test_a_copy_is_independent_of_its_source(store: ObjectStore) -> None:
    await store.put(f"{BUCKET}/a", b"hello")
    copied = await store.copy(f"{BUCKET}/a", f"{BUCKET}/folder/with space+ü")
    await store.delete(f"{BUCKET}/a")
    assert copied.size == 5
    assert await store.read(copied.uri) == b"hello"


async def test_what_is_not_there_is_told_so(store: ObjectStore, tmp_path: Path) -> None:
    await store.put(f"{BUCKET}/folder/a", b"x")
    for uri in (f"{BUCKET}/none", f"{BUCKET}/folder", f"{BUCKET}/folder/a/b"):
        assert await code_of(store.stat(uri)) == "object-not-found"
        assert await code_of(store.read(uri)) == "object-not-found"
        assert await code_of(store.fetch(uri, tmp_path / "x")) == "object-not-found"
        assert await code_of(store.copy(uri, f"{BUCKET}/y")) == "object-not-found"


async def test_what_cannot_be_a_key_is_refused(store: ObjectStore) -> None:
    assert await code_of(store.put(f"{BUCKET}/{'k' * 1025}", b"x")) == "key-too-long"
    assert await code_of(store.put(BUCKET, b"x")) == "key-empty"
    assert await code_of(store.put(f"{BUCKET}/a\0b", b"x")) == "uri-invalid"
    assert await code_of(store.read("ftp://x/y")) == "uri-unsupported"


async def test_a_key_of_1024_bytes_works(store: ObjectStore) -> None:
    key = "/".join(["k" * 204] * 5)
    assert len(key) == 1024
    await store.put(f"{BUCKET}/{key}", b"x")
    assert [info.key for info in await store.list(BUCKET)] == [key]


async def test_inputs_come_down_and_outputs_go_up(store: ObjectStore, tmp_path: Path) -> None:
    for key in ("in/a.csv", "in/b/c.csv", "in/", "manifest"):
        await store.put(f"{BUCKET}/{key}", b"" if key == "in/" else key.encode())
    manifest = f'[{{"prefix": "{BUCKET}/in/"}}, "b/c.csv"]'.encode()
    await store.put(f"{BUCKET}/manifest", manifest)
    done = await download(store, f"{BUCKET}/in", tmp_path / "in")
    assert (done.files, done.bytes) == (2, 8 + 10)
    assert (tmp_path / "in/b/c.csv").read_bytes() == b"in/b/c.csv"
    await download(store, f"{BUCKET}/manifest", tmp_path / "one", data_type="ManifestFile")
    assert [path.name for path in (tmp_path / "one").rglob("*.csv")] == ["c.csv"]
    (tmp_path / "in/link").symlink_to("/etc/hostname")
    sent = await upload(store, tmp_path / "in", f"{BUCKET}/out/")
    assert (sent.files, sent.bytes, sent.skipped) == (2, 18, ("link",))
    assert [i.key for i in await store.list(f"{BUCKET}/out")] == ["out/a.csv", "out/b/c.csv"]


async def test_a_missing_input_has_its_own_code(store: ObjectStore, tmp_path: Path) -> None:
    for uri in (f"{BUCKET}/none", "s3://no-such-bucket-anywhere/x"):
        with pytest.raises(StorageError) as raised:
            await download(store, uri, tmp_path / "in")
        assert raised.value.code == "input-not-found"
        assert store.place_of(uri) in raised.value.hint


async def test_an_endpoint_that_does_not_answer_is_told_apart() -> None:
    async with S3Store(
        endpoint_url="http://127.0.0.1:9", region="us-east-1", access_key="a", secret_key="b"
    ) as store:
        assert await code_of(store.stat(f"{BUCKET}/a")) == "endpoint-unreachable"


async def test_a_wrong_access_key_is_told_apart(endpoint: EndpointSocket) -> None:
    url = endpoint.environment()["AWS_ENDPOINT_URL"]
    async with S3Store(
        endpoint_url=url, region="us-east-1", access_key="wrong", secret_key="b"
    ) as store:
        assert await code_of(store.read(f"{BUCKET}/a")) == "access-denied"
        assert await code_of(store.put(f"{BUCKET}/a", b"x")) == "access-denied"
