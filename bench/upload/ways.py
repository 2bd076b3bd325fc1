"""The same file into the same store, by every way there is."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

if TYPE_CHECKING:
    from pathlib import Path

    from reelmesh_client import Client

    from local.infra import Infra

PARALLEL = 4
PART = 16 << 20
_BLOCK = 1 << 20


class Direct:
    """boto3's own multipart upload: the yardstick."""

    def __init__(self, infra: Infra) -> None:
        self._bucket = infra.s3_bucket
        self._s3 = boto3.client(
            "s3",
            endpoint_url=infra.s3_endpoint_url,
            aws_access_key_id=infra.s3_access_key_id,
            aws_secret_access_key=infra.s3_secret_access_key,
            region_name="us-east-1",
            config=Config(request_checksum_calculation="when_required", max_pool_connections=PARALLEL),
        )

    def send(self, file: Path) -> float:
        """Seconds."""
        parts = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=PARALLEL)
        began = time.monotonic()
        self._s3.upload_file(str(file), self._bucket, "bench/direct", Config=parts)
        return time.monotonic() - began

    def forget(self, prefix: str) -> None:
        """The objects below, so that the disk does not fill."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                self._s3.delete_object(Bucket=self._bucket, Key=item["Key"])


def presigned(client: Client, file: Path) -> float:
    """Seconds, from opening the upload until it is complete."""
    began = time.monotonic()
    client.upload_file(file, parallel=PARALLEL)
    return time.monotonic() - began


def tus(url: str, key: str, file: Path) -> float:
    """Seconds; the whole file in one PATCH, as tus clients do when they are not told otherwise."""
    at, size = urlsplit(url), file.stat().st_size
    headers = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {key}"}
    began = time.monotonic()
    server = http.client.HTTPConnection(at.hostname or "", at.port, blocksize=_BLOCK)
    server.request("POST", at.path, headers=headers | {"Upload-Length": str(size)})
    answer = server.getresponse()
    answer.read()
    assert answer.status == 201, answer.status
    path = urlsplit(answer.headers["Location"]).path
    with file.open("rb") as body:
        told = {"Upload-Offset": "0", "Content-Length": str(size), "Content-Type": "application/offset+octet-stream"}
        server.request("PATCH", path, body, headers | told)
        answer = server.getresponse()
        answer.read()
    assert answer.status == 204, answer.status
    server.close()
    return time.monotonic() - began
