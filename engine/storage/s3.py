"""Real S3, or anything that speaks it, through aiobotocore (imported on first use)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from engine.errors import StorageError
from engine.storage import files
from engine.storage.base import ObjectInfo, bounded, reporting
from engine.storage.location import Location, parse

_BODY_ATTEMPTS = 3
_CODES = {
    "404": "object-not-found",
    "NoSuchKey": "object-not-found",
    "NotFound": "object-not-found",
    "NoSuchBucket": "bucket-not-found",
    "403": "access-denied",
    "AccessDenied": "access-denied",
    "InvalidAccessKeyId": "access-denied",
    "SignatureDoesNotMatch": "access-denied",
    "ExpiredToken": "credentials-expired",
    "KeyTooLongError": "key-too-long",
}
_HINTS = {
    "object-not-found": "Check the bucket and the key.",
    "bucket-not-found": "Check the bucket's name and the region.",
    "access-denied": "Check the profile and its permissions on the bucket.",
    "credentials-expired": "Log in again, then retry.",
    "credentials-missing": "Name a profile that has credentials, or log in.",
    "endpoint-unreachable": "Check the network, the endpoint URL and the region.",
}


class S3Store:
    """An `engine.storage.base.ObjectStore` over S3; close it with `aclose` or ``async with``.

    Objects above 5 GiB cannot be copied (the limit of CopyObject); they can be put and read.

    Args:
        endpoint_url: another server than AWS's own.
        profile: a profile of the AWS configuration; the default chain where empty.
        region: AWS region; the profile's where empty.
        access_key, secret_key: credentials instead of the profile's.
        concurrency: requests in flight at once.
        part_bytes: larger files are sent and fetched in parts of this size (S3: 5 MiB or more).
        page_keys: keys asked for at once in a listing.
    """

    def __init__(
        self,
        *,
        endpoint_url: str | None = None,
        profile: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        concurrency: int = 16,
        part_bytes: int = 16 << 20,
        page_keys: int = 1000,
    ) -> None:
        self._profile = profile
        self._options = {
            "endpoint_url": endpoint_url,
            "region_name": region,
            "aws_access_key_id": access_key,
            "aws_secret_access_key": secret_key,
        }
        self._concurrency = concurrency
        self._part_bytes = part_bytes
        self._page_keys = page_keys
        self._slots = asyncio.Semaphore(concurrency)
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._client: Any = None

    async def __aenter__(self) -> S3Store:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._client = None
        await self._stack.aclose()

    async def list(self, prefix: str, *, limit: int | None = None) -> Sequence[ObjectInfo]:
        """The objects whose key starts with the prefix's, in key order."""
        location = _locate(prefix)
        found: list[ObjectInfo] = []
        token: dict[str, str] = {}
        while limit is None or len(found) < limit:
            wanted = self._page_keys if limit is None else min(self._page_keys, limit - len(found))
            async with self._request(location) as client:
                page = await client.list_objects_v2(
                    Bucket=location.bucket, Prefix=location.key, MaxKeys=wanted, **token
                )
            found += [
                _info(location.bucket, item["Key"], item) for item in page.get("Contents", ())
            ]
            if not page.get("IsTruncated"):
                break
            token = {"ContinuationToken": page["NextContinuationToken"]}
        return found

    async def stat(self, uri: str) -> ObjectInfo:
        """One object's size, time and ETag."""
        location = _locate(uri)
        async with self._request(location) as client:
            head = await client.head_object(**_address(location))
        return _info(location.bucket, location.key, head | {"Size": head["ContentLength"]})

    async def read(self, uri: str, start: int = 0, length: int | None = None) -> bytes:
        """The object's bytes from ``start``, at most ``length`` of them."""
        info = await self.stat(uri)
        end = info.size if length is None else min(info.size, start + length)
        return await self._range(info, start, end) if start < end else b""

    async def fetch(self, uri: str, target: Path) -> int:
        """Copy an object into the file ``target`` part by part; returns its size."""
        info = await self.stat(uri)
        with reporting(str(target)):
            writer = files.create(str(target))
        try:
            for start in range(0, info.size, self._part_bytes):
                end = min(info.size, start + self._part_bytes)
                part = await self._range(info, start, end)
                with reporting(str(target)):
                    await asyncio.to_thread(files.write_all, writer, part)
        finally:
            os.close(writer)
        return info.size

    async def put(self, uri: str, data: bytes | Path) -> ObjectInfo:
        """Store bytes or a file's content; a large file in parts."""
        location = _locate(uri)
        if isinstance(data, Path):
            with reporting(str(data)):
                size = (await asyncio.to_thread(data.stat)).st_size
                if size > self._part_bytes:
                    await self._put_parts(location, data, size)
                    return await self.stat(uri)
                data = await asyncio.to_thread(data.read_bytes)
        async with self._request(location) as client:
            await client.put_object(**_address(location), Body=data)
        return await self.stat(uri)

    async def delete(self, uri: str) -> None:
        """Remove an object; a missing one is no error."""
        location = _locate(uri)
        async with self._request(location) as client:
            await client.delete_object(**_address(location))

    async def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy one object to another URI, inside S3."""
        origin, location = _locate(source), _locate(target)
        async with self._request(origin) as client:
            await client.copy_object(**_address(location), CopySource=_address(origin))
        return await self.stat(target)

    def place_of(self, uri: str) -> str:
        """The URI itself: the object has to be in S3."""
        return uri

    async def _range(self, info: ObjectInfo, start: int, end: int) -> bytes:
        location = _locate(info.uri)
        wanted = {"Range": f"bytes={start}-{end - 1}", "IfMatch": f'"{info.etag}"'}
        for attempt in range(1, _BODY_ATTEMPTS + 1):
            async with self._request(location) as client:
                answer = await client.get_object(**_address(location), **wanted)
                try:
                    async with answer["Body"] as body:
                        data: bytes = await body.read()
                except _body_errors():
                    if attempt == _BODY_ATTEMPTS:
                        raise
                    continue
                return data
        raise AssertionError("unreachable")

    async def _put_parts(self, location: Location, source: Path, size: int) -> None:
        # S3 takes at most 10,000 parts.
        part_bytes = max(self._part_bytes, -(-size // 10_000))
        address = _address(location)
        async with self._request(location) as client:
            upload = await client.create_multipart_upload(**address)
        address["UploadId"] = upload["UploadId"]
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC)

        async def send(number: int) -> dict[str, Any]:
            async with self._request(location) as client:
                data = await asyncio.to_thread(
                    os.pread, descriptor, part_bytes, (number - 1) * part_bytes
                )
                answer = await client.upload_part(**address, PartNumber=number, Body=data)
            return {"PartNumber": number, "ETag": answer["ETag"]}

        try:
            parts = await bounded(send, range(1, -(-size // part_bytes) + 1), 4)
            async with self._request(location) as client:
                await client.complete_multipart_upload(**address, MultipartUpload={"Parts": parts})
        except BaseException:
            async with self._request(location) as client:
                await client.abort_multipart_upload(**address)
            raise
        finally:
            os.close(descriptor)

    @asynccontextmanager
    async def _request(self, location: Location) -> AsyncIterator[Any]:
        import aiohttp
        from botocore import exceptions as aws  # type: ignore[import-untyped]

        try:
            client = await self._open()
            async with self._slots:
                yield client
        except aws.ClientError as error:
            raise _refused(error.response["Error"], location) from error
        except (aws.NoCredentialsError, aws.PartialCredentialsError) as error:
            raise _failed("credentials-missing", location, error) from error
        except (
            aws.ConnectionError,
            aws.HTTPClientError,
            aiohttp.ClientError,
            TimeoutError,
        ) as error:
            raise _failed("endpoint-unreachable", location, error) from error
        except aws.BotoCoreError as error:
            raise _failed("storage-error", location, error) from error

    async def _open(self) -> Any:
        async with self._opening:
            if self._client is None:
                from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
                from aiobotocore.session import AioSession  # type: ignore[import-untyped]

                session = AioSession(profile=self._profile)
                config = AioConfig(
                    max_pool_connections=self._concurrency, retries={"mode": "standard"}
                )
                client = session.create_client("s3", config=config, **self._options)
                self._client = await self._stack.enter_async_context(client)
        return self._client


def _locate(uri: str) -> Location:
    location = parse(uri, "/")
    if location.scheme != "s3":
        raise StorageError(
            f"{uri} is not in S3.",
            code="uri-unsupported",
            hint="Only s3:// URIs can be read with an AWS profile.",
        )
    return location


def _address(location: Location) -> dict[str, Any]:
    if not location.key:
        raise StorageError(
            f"{location.uri} names no object.", code="key-empty", hint="Add a key to the bucket."
        )
    return {"Bucket": location.bucket, "Key": location.key}


def _info(bucket: str, key: str, found: dict[str, Any]) -> ObjectInfo:
    return ObjectInfo(
        f"s3://{bucket}/{key}",
        key,
        found["Size"],
        found["LastModified"].timestamp(),
        found["ETag"].strip('"'),
    )


def _body_errors() -> tuple[type[Exception], ...]:
    import aiohttp
    from botocore import exceptions as aws

    return (aiohttp.ClientPayloadError, aws.ResponseStreamingError, aws.IncompleteReadError)


def _refused(error: dict[str, Any], location: Location) -> StorageError:
    code = _CODES.get(error.get("Code", ""), "storage-error")
    message = f"{location.uri}: {error.get('Message') or 'refused'} ({error.get('Code')})."
    return StorageError(message, code=code, hint=_HINTS.get(code, ""))


def _failed(code: str, location: Location, error: Exception) -> StorageError:
    return StorageError(f"{location.uri}: {error}", code=code, hint=_HINTS.get(code, ""))
