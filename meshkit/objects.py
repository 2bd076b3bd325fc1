"""The object store: any S3 (SigV4, path addressing). boto3 in threads; URLs are signed for the public endpoint."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from meshkit.concurrent import all_of
from meshkit.errors import Conflict, MeshError, NotFound, Unavailable
from meshkit.instruments import OBJECT_IO
from meshkit.signing import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from meshkit.settings import S3Settings

R = TypeVar("R")
_KINDS = {
    **dict.fromkeys(("m4s", "ts"), "segment"),
    **dict.fromkeys(("m3u8", "mpd"), "playlist"),
    **dict.fromkeys(("mp4", "webm", "mov", "m4a", "mp3", "gif"), "file"),
    **dict.fromkeys(("jpg", "jpeg", "png", "webp", "avif"), "image"),
    "vtt": "text",
}
"""By the end of an object's name: what lies in the store, in few words."""
_COPIES_AT_ONCE = 16
_LARGEST_COPY = 5 << 30
"""Bytes that S3 copies in one request."""
_MISSING = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
_REFUSED = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "PreconditionFailed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """What HEAD says of an object; `size` in bytes."""

    size: int
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartInfo:
    """A received part of a multipart upload; `size` in bytes."""

    number: int
    etag: str
    size: int


class Objects:
    """One bucket. Calls raise NotFound, Conflict (`invalid_parts`) or Unavailable (`objects_unavailable`)."""

    def __init__(self, settings: S3Settings) -> None:
        self.bucket = settings.s3_bucket
        self._s3 = client(settings, settings.s3_endpoint_url)
        self._signer = Signer(settings, settings.s3_public_endpoint_url)
        self.public_origin = self._signer.origin
        """Where clients reach the store: scheme, host and port."""

    def sign_parts(
        self, key: str, multipart_id: str, numbers: Iterable[int], size: int | None, expires_in: int
    ) -> tuple[str, str, list[str]]:
        """URLs that take exactly `size` bytes (None: any) as the parts with these numbers for `expires_in` seconds.

        Each is the first, the part's number, the second, and the part's signature.
        """
        headers = {} if size is None else {"content-length": str(size)}
        return self._signer.parts(key, multipart_id, numbers, expires_in, headers)

    def sign_get(self, key: str, expires_in: int, *, media_type: str = "", disposition: str = "") -> str:
        """A URL that reads the object for `expires_in` seconds, as whatever is said of it here."""
        told = {"response-content-type": media_type, "response-content-disposition": disposition}
        return self._signer.url("GET", key, expires_in, query={name: value for name, value in told.items() if value})

    async def parts(self, key: str, multipart_id: str) -> list[PartInfo]:
        """The parts received so far, by number."""

        def listed() -> list[PartInfo]:
            pages = self._s3.get_paginator("list_parts").paginate(Bucket=self.bucket, Key=key, UploadId=multipart_id)
            return [
                PartInfo(number=part["PartNumber"], etag=part["ETag"].strip('"'), size=part["Size"])
                for page in pages
                for part in page.get("Parts", [])
            ]

        return await _run(listed)

    async def complete_multipart(self, key: str, multipart_id: str, parts: list[PartInfo]) -> None:
        await _run(
            self._s3.complete_multipart_upload,
            Bucket=self.bucket,
            Key=key,
            UploadId=multipart_id,
            MultipartUpload={"Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in parts]},
        )

    async def abort_multipart(self, key: str, multipart_id: str) -> None:
        """Idempotent."""
        try:
            await _run(self._s3.abort_multipart_upload, Bucket=self.bucket, Key=key, UploadId=multipart_id)
        except NotFound:
            return

    async def head(self, key: str) -> ObjectInfo:
        answer = await _run(self._s3.head_object, Bucket=self.bucket, Key=key)
        return ObjectInfo(size=answer["ContentLength"], etag=answer["ETag"].strip('"'))

    async def put(self, key: str, body: bytes, content_type: str, cache_control: str) -> None:
        await _run(
            self._s3.put_object,
            Bucket=self.bucket,
            Key=key,
            Body=body,
            ContentType=content_type,
            CacheControl=cache_control,
        )
        moved("write", key, len(body))

    async def open(self, key: str, byte_range: str | None = None) -> dict[str, Any]:
        """boto3's answer to GetObject; its `Body` is read in a thread. `byte_range` as in the Range header."""
        extra = {"Range": byte_range} if byte_range else {}
        answer = await _run(self._s3.get_object, Bucket=self.bucket, Key=key, **extra)
        moved("read", key, answer["ContentLength"])
        return dict(answer)

    async def download(self, key: str, path: Path) -> None:
        """The whole object into a file, in constant memory."""

        def fetch() -> int:
            self._s3.download_file(self.bucket, key, str(path))
            return path.stat().st_size

        moved("read", key, await _run(fetch))

    async def upload(self, path: Path, key: str, content_type: str, cache_control: str) -> None:
        """A file into an object, in constant memory."""
        headers = {"ContentType": content_type, "CacheControl": cache_control}

        def send() -> int:
            self._s3.upload_file(str(path), self.bucket, key, ExtraArgs=headers)
            return path.stat().st_size

        moved("write", key, await _run(send))

    async def copy_all(self, pairs: Mapping[str, tuple[str, int]]) -> None:
        """Each object to the key and with the size (bytes) beside it, inside the store, headers and all.

        Raises NotFound when one of them is not there; then others may have been copied.
        """
        several = asyncio.Semaphore(_COPIES_AT_ONCE)

        async def copy(key: str, target: str, size: int) -> None:
            source: Any = {"Bucket": self.bucket, "Key": key}
            async with several:
                if size < _LARGEST_COPY:
                    await _run(self._s3.copy_object, CopySource=source, Bucket=self.bucket, Key=target)
                else:
                    await _run(self._s3.copy, source, self.bucket, target)

        await all_of(*(copy(key, target, size) for key, (target, size) in pairs.items()))

    async def delete_prefix(self, prefix: str, only: Callable[[str], bool] = lambda _: True) -> int:
        """The objects below `prefix` whose key `only` is true of; how many there were.

        Raises Unavailable when one of them stayed.
        """

        def delete() -> int:
            count = 0
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                keys: list[Any] = [{"Key": item["Key"]} for item in page.get("Contents", []) if only(item["Key"])]
                if keys:
                    answer = self._s3.delete_objects(Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True})
                    if answer.get("Errors"):
                        raise Unavailable("objects_unavailable", f"not deleted: {answer['Errors'][0].get('Code')}")
                count += len(keys)
            return count

        return await _run(delete)

    async def ping(self) -> None:
        """Raises NotFound or Unavailable when the bucket cannot be used."""
        await _run(self._s3.head_bucket, Bucket=self.bucket)


def moved(operation: str, key: str, size: int) -> None:
    """So many bytes were read from the store, or written there."""
    name = key.rpartition("/")[2]
    kind = name if name == "source" else _KINDS.get(name.rpartition(".")[2], "other")
    OBJECT_IO.add(size, operation=operation, type=kind)


def client(settings: S3Settings, endpoint_url: str) -> S3Client:
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=settings.s3_secret_access_key,
        region_name=settings.s3_region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            # Not every S3 takes the newer default checksums (R2, older stores).
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=5,
            read_timeout=30,
            retries={"max_attempts": 4, "mode": "standard"},
            max_pool_connections=32,
        ),
    )


async def _run(call: Callable[..., R], *args: Any, **kwargs: Any) -> R:
    with _errors():
        return await asyncio.to_thread(call, *args, **kwargs)


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _mesh_error(error) from error
    except (BotoCoreError, OSError) as error:
        raise Unavailable("objects_unavailable", str(error)) from error


def _mesh_error(error: ClientError) -> MeshError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    http = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
    if code in _MISSING:
        return NotFound("object_not_found", "the object store does not have it")
    if code in _REFUSED:
        return Conflict("invalid_parts", f"the object store refused the parts: {code}")
    if code == "InvalidRange":
        return MeshError("range_not_satisfiable", "no byte of the object is in the range")
    if http >= 500 or code in {"SlowDown", "RequestTimeout"}:
        return Unavailable("objects_unavailable", code)
    return MeshError("objects_refused", f"{code} ({http})")
