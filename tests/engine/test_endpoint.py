"""The endpoint as its clients and its owner see it: real processes, real sockets, real boto3."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.endpoint import lifetime
from engine.endpoint.activation import FOREIGN_VARIABLES, EndpointSocket
from engine.errors import StorageError
from engine.storage.tree import LocalTree

pytestmark = pytest.mark.network


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[EndpointSocket]:
    socket = EndpointSocket.bind(tmp_path / "s3", tmp_path / "endpoint.log", "token")
    socket.watch(asyncio.get_running_loop())
    yield socket
    socket.close()


async def run(endpoint: EndpointSocket, program: str, cwd: Path) -> str:
    """Run Python in a process that has nothing but the endpoint's own variables."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import boto3, io, json, os\ns3 = boto3.client('s3')\n" + program,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **endpoint.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


def names(folder: Path) -> set[str]:
    """What lies in a folder."""
    return set(os.listdir(folder))


def content(path: Path | str) -> bytes:
    """What a file holds."""
    return Path(path).read_bytes()


def signed(endpoint: EndpointSocket, service: str = "s3") -> dict[str, str]:
    key = endpoint.environment()["AWS_ACCESS_KEY_ID"]
    scope = f"{key}/20260101/us-east-1/{service}/aws4_request"
    return {
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    }


def call(
    endpoint: EndpointSocket,
    method: str,
    target: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, bytes, dict[str, str]]:
    """One raw request, its target as given."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", endpoint.port)) as client:
        client.request(method, target, body, signed(endpoint) if headers is None else headers)
        answer = client.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())


async def acall(*arguments: object, **keywords: object) -> tuple[int, bytes, dict[str, str]]:
    return await asyncio.to_thread(call, *arguments, **keywords)  # type: ignore[arg-type]


async def test_boto3_finds_what_it_needs_with_the_environment_alone(
    endpoint: EndpointSocket, tmp_path: Path
) -> None:
    program = """
import urllib.request
s3.put_object(Bucket="made-by-put", Key="a/b", Body=b"hello", Metadata={"who": "me"},
              ContentType="text/plain", ContentEncoding="identity")
got = s3.get_object(Bucket="made-by-put", Key="a/b")
assert got["Body"].read() == b"hello" and got["Metadata"] == {"who": "me"}, got
assert got["ContentType"] == "text/plain" and got["ContentEncoding"] == "identity", got
assert s3.get_object(Bucket="made-by-put", Key="a/b", Range="bytes=1-2")["Body"].read() == b"el"
assert got["ETag"] == '"5d41402abc4b2a76b9719d911017c592"', got["ETag"]
s3.upload_fileobj(io.BytesIO(b"stream"), "made-by-put", "stream")
for name in ("CRC32", "SHA1", "SHA256"):
    s3.put_object(Bucket="made-by-put", Key=name, Body=io.BytesIO(b"x"), ChecksumAlgorithm=name)
url = s3.generate_presigned_url("get_object", Params={"Bucket": "made-by-put", "Key": "a/b"})
assert urllib.request.urlopen(url).read() == b"hello"
s3.copy_object(Bucket="made-by-put", Key="copy", CopySource={"Bucket": "made-by-put", "Key": "a/b"})
assert s3.head_object(Bucket="made-by-put", Key="copy")["Metadata"] == {"who": "me"}
s3.create_bucket(Bucket="empty-one")
assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["empty-one", "made-by-put"]
s3.head_bucket(Bucket="empty-one")
assert s3.get_bucket_location(Bucket="empty-one")["LocationConstraint"] is None
s3.delete_bucket(Bucket="empty-one")
gone = s3.delete_objects(Bucket="made-by-put", Delete={"Objects": [{"Key": "copy"}, {"Key": "no"}]})
assert len(gone["Deleted"]) == 2
print(boto3.client("sts").get_caller_identity()["Account"])
"""
    assert await run(endpoint, program, tmp_path) == "000000000000\n"
    assert (tmp_path / "s3/made-by-put/a/b").read_bytes() == b"hello"


async def test_large_files_go_in_parts_up_down_and_across(
    endpoint: EndpointSocket, tmp_path: Path
) -> None:
    (tmp_path / "big").write_bytes(os.urandom(20 << 20))
    program = """
s3.upload_file("big", "bucket", "big")
s3.download_file("bucket", "big", "back")
s3.copy({"Bucket": "bucket", "Key": "big"}, "bucket", "copy")
print(s3.head_object(Bucket="bucket", Key="copy")["ETag"])
"""
    assert (await run(endpoint, program, tmp_path)).endswith('-3"\n')
    assert content(tmp_path / "back") == content(tmp_path / "big")
    assert content(tmp_path / "s3/bucket/copy") == content(tmp_path / "big")
    assert names(tmp_path / "s3/.staging") == set()


async def test_errors_are_the_ones_that_boto3_knows(
    endpoint: EndpointSocket, tmp_path: Path
) -> None:
    program = """
from botocore.exceptions import ClientError
seen = []
def attempt(client, name, **arguments):
    try:
        getattr(client, name)(**arguments)
    except ClientError as error:
        retries = error.response["ResponseMetadata"]["RetryAttempts"]
        seen.append([error.response["Error"]["Code"], retries])
s3.put_object(Bucket="bucket", Key="a", Body=b"x")
attempt(s3, "get_object", Bucket="bucket", Key="none")
attempt(s3, "get_object", Bucket="no-bucket", Key="none")
attempt(s3, "list_objects_v2", Bucket="no-bucket")
attempt(s3, "put_object", Bucket="bucket", Key="a/b", Body=b"x")
attempt(s3, "put_object", Bucket="bucket", Key="k" * 1025, Body=b"x")
attempt(s3, "get_object", Bucket="bucket", Key="a", Range="bytes=5-")
attempt(s3, "get_object", Bucket="bucket", Key="a", IfMatch="other")
attempt(s3, "put_object", Bucket="bucket", Key="a", Body=b"y", IfNoneMatch="*")
attempt(s3, "put_bucket_versioning", Bucket="bucket",
        VersioningConfiguration={"Status": "Enabled"})
attempt(s3, "abort_multipart_upload", Bucket="bucket", Key="a", UploadId="../../x")
attempt(boto3.client("sagemaker"), "list_models")
attempt(boto3.client("lambda"), "list_functions")
attempt(boto3.client("sns"), "list_topics")
attempt(boto3.client("sts"), "get_session_token")
print(json.dumps(seen))
"""
    assert json.loads(await run(endpoint, program, tmp_path)) == [
        [code, 0]
        for code in (
            "NoSuchKey",
            "NoSuchBucket",
            "NoSuchBucket",
            "InvalidRequest",
            "KeyTooLongError",
            "InvalidRange",
            "PreconditionFailed",
            "PreconditionFailed",
            "NotImplemented",
            "NoSuchUpload",
            "UnknownOperationException",
            "NotImplemented",
            "NotImplemented",
            "InvalidAction",
        )
    ]


async def test_listings_group_and_page_in_both_versions(
    endpoint: EndpointSocket, tmp_path: Path
) -> None:
    tree = LocalTree(tmp_path / "s3")
    for key in ("a", "b/1", "b/2", "b-", "c/d/1", "e\n& <", "f"):
        tree.put(f"s3://bucket/{key}", b"x")
    program = """
seen = []
for method in ("list_objects", "list_objects_v2"):
    for delimiter in ("", "/", "-"):
        names = []
        pages = s3.get_paginator(method).paginate(
            Bucket="bucket", Delimiter=delimiter, PaginationConfig={"PageSize": 2})
        for page in pages:
            names += [found["Key"] for found in page.get("Contents", ())]
            names += [found["Prefix"] for found in page.get("CommonPrefixes", ())]
        seen.append(sorted(names))
print(json.dumps(seen))
"""
    every = ["a", "b-", "b/1", "b/2", "c/d/1", "e\n& <", "f"]
    folders = ["a", "b-", "b/", "c/", "e\n& <", "f"]
    assert json.loads(await run(endpoint, program, tmp_path)) == [every, folders, every] * 2


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "nonsense"},
        {"Authorization": "AWS4-HMAC-SHA256 Credential=LKIA/20260101/r/s3/aws4_request, x"},
        {"Authorization": "AWS LKIA:signature"},
    ],
)
async def test_nobody_gets_in_without_the_access_key(
    endpoint: EndpointSocket, tmp_path: Path, headers: dict[str, str]
) -> None:
    LocalTree(tmp_path / "s3").put("s3://bucket/a", b"secret")
    for method in ("GET", "PUT", "DELETE"):
        status, body, _ = await acall(endpoint, method, "/bucket/a", b"", headers)
        assert (status, b"<Code>AccessDenied</Code>" in body) == (403, True)
    status, _, _ = await acall(
        endpoint, "GET", "/bucket/a?AWSAccessKeyId=wrong&Expires=99999999999", None, {}
    )
    assert status == 403
    assert LocalTree(tmp_path / "s3").read("s3://bucket/a") == b"secret"


async def test_an_expired_presigned_url_is_refused(endpoint: EndpointSocket) -> None:
    key = endpoint.environment()["AWS_ACCESS_KEY_ID"]
    scope = quote(f"{key}/20200101/us-east-1/s3/aws4_request", safe="")
    query = f"X-Amz-Credential={scope}&X-Amz-Date=20200101T000000Z&X-Amz-Expires=60"
    status, body, _ = await acall(endpoint, "GET", f"/bucket/a?{query}", None, {})
    assert (status, b"expired" in body) == (403, True)


async def test_a_virtual_host_names_the_bucket(endpoint: EndpointSocket, tmp_path: Path) -> None:
    LocalTree(tmp_path / "s3").put("s3://bucket/a", b"x")
    headers = signed(endpoint) | {"Host": f"bucket.localhost:{endpoint.port}"}
    assert (await acall(endpoint, "GET", "/a", None, headers))[:2] == (200, b"x")


async def test_a_broken_body_stores_nothing(endpoint: EndpointSocket, tmp_path: Path) -> None:
    streaming = {"x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
    cases = [
        (b"x", {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}, b"BadDigest"),
        (b"x", {"x-amz-checksum-crc32": "AAAAAA=="}, b"BadDigest"),
        (b"zz\r\n", streaming, b"IncompleteBody"),
        (b"5\r\nab", streaming, b"IncompleteBody"),
        (b"2\r\nabc\r\n0\r\n\r\n", streaming, b"IncompleteBody"),
        (
            b"1\r\nx\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
            streaming | {"x-amz-trailer": "x-amz-checksum-crc32"},
            b"BadDigest",
        ),
    ]
    for body, headers, code in cases:
        status, answer, _ = await acall(
            endpoint, "PUT", "/bucket/a", body, signed(endpoint) | headers
        )
        assert (status, code in answer) == (400, True), (body, answer)
    assert list(LocalTree(tmp_path / "s3").list("s3://bucket/")) == []


async def test_malformed_documents_are_refused(endpoint: EndpointSocket) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "b">]><Delete><Object><Key>&b;</Key></Object></Delete>'
    for body in (b"", b"<Delete>", b"<Delete/>", bomb, b"\xff"):
        status, answer, _ = await acall(endpoint, "POST", "/bucket?delete", body)
        assert (status, b"MalformedXML" in answer) == (400, True), body


SEGMENT = st.one_of(
    st.sampled_from(["..", ".", "", "%", "%2e%2e", ".staging", "\0", "\r\n", "a" * 255, "a" * 256]),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
)


async def test_any_key_round_trips_or_is_refused_and_nothing_lands_outside(
    endpoint: EndpointSocket, tmp_path: Path
) -> None:
    outside = names(tmp_path) | {
        "s3",
        "endpoint.log.process",
        "endpoint.log",
    }

    @settings(max_examples=150, deadline=None)
    @given(st.lists(SEGMENT, min_size=1, max_size=6).map("/".join), st.booleans())
    @example("../../../escaped", False)
    @example("/etc/passwd", True)
    def attempt(key: str, whole: bool) -> None:
        target = "/bucket/" + quote(key, safe="" if whole else "/.")
        status, body, _ = call(endpoint, "PUT", target, key.encode())
        if not key:
            return
        if status == 200:
            assert call(endpoint, "GET", target)[:2] == (200, key.encode())
            assert call(endpoint, "DELETE", target)[0] == 204
            assert call(endpoint, "GET", target)[0] == 404
        else:
            assert status == 400
            assert b"<Code>" in body

    await asyncio.to_thread(attempt)
    assert names(tmp_path) == outside
    assert names(tmp_path / "s3") <= {"bucket", ".staging"}


async def test_a_bucket_name_never_reaches_the_trees_own_folders(
    endpoint: EndpointSocket, tmp_path: Path
) -> None:
    for bucket in ("..", ".staging", "%2E%2E", "a%2Fb", "%00"):
        status, _, _ = await acall(endpoint, "PUT", f"/{bucket}/x", b"x")
        assert status in (200, 400)
        assert status == 400 or bucket == "a%2Fb"
    assert names(tmp_path) <= {
        "s3",
        "endpoint.log",
        "endpoint.log.process",
    }


def exited(pid: int) -> bool:
    """Wait for a process to end, long enough for a slow machine."""
    started = lifetime.start_time(pid)
    descriptor = lifetime.open_process(pid, started)
    if descriptor is None:
        return True
    try:
        return lifetime.wait_for_exit(descriptor, 30)
    finally:
        os.close(descriptor)


async def test_no_process_starts_before_somebody_calls(endpoint: EndpointSocket) -> None:
    assert endpoint.pid is None
    assert (await acall(endpoint, "GET", "/"))[0] == 200
    assert endpoint.pid is not None


async def test_the_runner_side_imports_no_web_server() -> None:
    program = (
        "import sys, engine.endpoint.activation, engine.storage.transfer, engine.storage.s3\n"
        "assert not {'aiohttp', 'aiobotocore', 'botocore', 'duckdb', 'PIL'} & set(sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await process.wait() == 0


async def test_the_access_key_is_in_no_process_argument_and_not_in_the_log(
    endpoint: EndpointSocket, tmp_path: Path
) -> None:
    await acall(endpoint, "GET", "/bucket/none")
    key = endpoint.environment()["AWS_ACCESS_KEY_ID"].encode()
    assert key not in content(f"/proc/{endpoint.pid}/cmdline")
    log = content(tmp_path / "endpoint.log")
    assert b"404 NoSuchBucket" in log
    assert key not in log
    assert os.stat(tmp_path / "endpoint.log").st_mode & 0o777 == 0o600


async def test_a_dead_endpoint_is_started_again_by_the_next_call(endpoint: EndpointSocket) -> None:
    await acall(endpoint, "PUT", "/bucket/a", b"x")
    first = endpoint.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert await asyncio.to_thread(exited, first)
    assert (await acall(endpoint, "GET", "/bucket/a"))[:2] == (200, b"x")
    assert endpoint.pid not in (None, first)


async def test_closing_ends_the_process_and_frees_the_port(tmp_path: Path) -> None:
    socket = EndpointSocket.bind(tmp_path / "s3", tmp_path / "log", "token")
    socket.watch(asyncio.get_running_loop())
    await acall(socket, "GET", "/")
    pid = socket.pid
    assert pid is not None
    socket.close()
    assert lifetime.start_time(pid) == 0
    assert names(tmp_path) == {"log"}
    again = EndpointSocket.bind(tmp_path / "s3", tmp_path / "log", "token", port=socket.port)
    again.close()


async def test_a_port_of_somebody_else_is_a_typed_error(
    endpoint: EndpointSocket, tmp_path: Path
) -> None:
    with pytest.raises(StorageError) as raised:
        EndpointSocket.bind(tmp_path / "s3", tmp_path / "other.log", "token", port=endpoint.port)
    assert raised.value.code == "port-taken"


async def test_an_endpoint_that_cannot_start_refuses_callers_at_last(tmp_path: Path) -> None:
    (tmp_path / "s3").write_bytes(b"a file where the tree should be")
    (tmp_path / "log").symlink_to("/dev/null")
    socket = EndpointSocket.bind(tmp_path / "s3", tmp_path / "log", "token")
    socket.watch(asyncio.get_running_loop())
    with pytest.raises(OSError):
        await acall(socket, "GET", "/")
    assert socket.failure is not None
    assert socket.failure.code == "endpoint-failed"
    socket.close()


OWNER = """
import asyncio, os, sys
from pathlib import Path
from engine.endpoint.activation import EndpointSocket
async def main():
    folder = Path(sys.argv[1])
    socket = EndpointSocket.bind(
        folder / "s3", folder / "log", "token", port=int(sys.argv[2]), idle=float(sys.argv[3]))
    socket.watch(asyncio.get_running_loop())
    print(socket.port, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def killed_owner(folder: Path, idle: float) -> tuple[EndpointSocket, int]:
    """An endpoint in use whose owner was killed; a socket object to call it, and its pid."""
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(folder), "0", str(idle), stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    port = int(await owner.stdout.readline())
    caller = EndpointSocket.bind(folder / "s3", folder / "unused", "token")
    caller.close()
    caller.port = port
    assert (await acall(caller, "PUT", "/bucket/a", b"x"))[0] == 200
    pid = json.loads(content(folder / "log.process"))["pid"]
    owner.kill()
    await owner.wait()
    return caller, pid


async def test_the_endpoint_outlives_a_killed_owner_while_it_is_called(tmp_path: Path) -> None:
    caller, pid = await killed_owner(tmp_path, idle=60)
    assert (await acall(caller, "GET", "/bucket/a"))[:2] == (200, b"x")
    os.kill(pid, signal.SIGTERM)
    assert await asyncio.to_thread(exited, pid)


async def test_the_endpoint_ends_once_its_owner_is_gone_and_nobody_calls(tmp_path: Path) -> None:
    _, pid = await killed_owner(tmp_path, idle=0.2)
    assert await asyncio.to_thread(exited, pid)


async def test_a_new_owner_comes_back_to_the_port_of_a_killed_one(tmp_path: Path) -> None:
    caller, pid = await killed_owner(tmp_path, idle=60)
    again = EndpointSocket.bind(tmp_path / "s3", tmp_path / "log", "token", port=caller.port)
    again.watch(asyncio.get_running_loop())
    assert exited(pid)
    assert (await acall(caller, "GET", "/bucket/a"))[:2] == (200, b"x")
    assert again.pid not in (None, pid)
    again.close()


def test_the_environment_leads_to_the_endpoint_and_nowhere_else(tmp_path: Path) -> None:
    socket = EndpointSocket.bind(tmp_path / "s3", tmp_path / "log", "token", region="eu-west-1")
    variables = socket.environment({"NO_PROXY": "intranet"})
    other = EndpointSocket.bind(tmp_path / "s3", tmp_path / "log", "another token")
    assert variables["AWS_ENDPOINT_URL"] == f"http://127.0.0.1:{socket.port}"
    assert variables["AWS_REGION"] == variables["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert variables["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert not set(variables) & set(FOREIGN_VARIABLES)
    assert "token" not in "".join(variables.values())
    assert variables["AWS_ACCESS_KEY_ID"] != other.environment()["AWS_ACCESS_KEY_ID"]
    socket.close()
    other.close()
