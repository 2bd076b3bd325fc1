"""Our presigned URLs are boto3's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from botocore.config import Config

from meshkit.settings import S3Settings
from meshkit.signing import Signer

ENDPOINTS = ["http://127.0.0.1:8333", "https://store.example", "http://store.example:80", "https://store.example/s3"]
CASES: list[tuple[str, dict[str, Any], str, dict[str, str], dict[str, str]]] = [
    (
        "upload_part",
        {"UploadId": "a b/c+~", "PartNumber": 7, "ContentLength": 16 << 20},
        "PUT",
        {"partNumber": "7", "uploadId": "a b/c+~"},
        {"content-length": str(16 << 20)},
    ),
    (
        "get_object",
        {"ResponseContentDisposition": "attachment; filename*=UTF-8''a%20b.mp4"},
        "GET",
        {"response-content-disposition": "attachment; filename*=UTF-8''a%20b.mp4"},
        {},
    ),
]


def settings_at(endpoint: str) -> S3Settings:
    return S3Settings(
        s3_endpoint_url=endpoint,
        s3_public_endpoint_url=endpoint,
        s3_bucket="bucket",
        s3_access_key_id="AKID",
        s3_secret_access_key="secret",
        s3_region="eu-x-1",
    )


@pytest.mark.parametrize("headers", [{}, {"content-length": "16777216"}])
def test_parts_are_signed_as_each_of_them_is(headers: dict[str, str]) -> None:
    signer = Signer(settings_at(ENDPOINTS[0]), ENDPOINTS[0], lambda: datetime(2026, 11, 21, tzinfo=UTC))
    numbers, key = [1, 2, 10_000], "odd/ä ö+&=~'()*.mp4"
    each = [
        signer.url("PUT", key, 60, query={"partNumber": str(number), "uploadId": "a b/c+~"}, headers=headers)
        for number in numbers
    ]
    begin, end, signatures = signer.parts(key, "a b/c+~", numbers, 60, headers)
    signed = zip(numbers, signatures, strict=True)
    assert [f"{begin}{number}{end}{signature}" for number, signature in signed] == each


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("case", CASES, ids=["put", "get"])
@pytest.mark.parametrize("key", ["assets/x/source", "odd/ä ö+&=~'()*.mp4"])
def test_the_same_url(endpoint: str, case: tuple[Any, ...], key: str) -> None:
    operation, parameters, method, query, headers = case
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="AKID",
        aws_secret_access_key="secret",
        region_name="eu-x-1",
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    theirs = s3.generate_presigned_url(operation, Params={"Bucket": "bucket", "Key": key, **parameters}, ExpiresIn=60)
    asked = dict(parse_qsl(urlsplit(theirs).query))
    then = datetime.strptime(asked["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    ours = Signer(settings_at(endpoint), endpoint, lambda: then).url(method, key, 60, query=query, headers=headers)
    assert dict(parse_qsl(urlsplit(ours).query)) == asked
    assert urlsplit(ours).path == urlsplit(theirs).path
