"""Make the bucket where it is missing, and let browsers upload to it: `python -m meshkit.bucket`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from meshkit.objects import client
from meshkit.settings import S3Settings, load
from meshkit.telemetry import log

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CORSRuleTypeDef

PATIENCE = 120.0
"""Seconds that a store gets to answer: it may be starting beside us."""
_PAUSE = 2.0
# Browsers upload parts straight to the bucket, and read each part's ETag back.
_CORS: CORSRuleTypeDef = {
    "AllowedOrigins": ["*"],
    "AllowedMethods": ["GET", "HEAD", "PUT", "POST"],
    "AllowedHeaders": ["*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 3600,
}


def prepare(settings: S3Settings, patience: float = PATIENCE) -> None:
    """Idempotent. Raises what the store last said when it does not answer for `patience` seconds."""
    s3, until = client(settings, settings.s3_endpoint_url), time.monotonic() + patience
    while True:
        try:
            make(s3, settings.s3_bucket)
            return
        except (BotoCoreError, ClientError) as error:
            if time.monotonic() > until:
                raise
            log.warning("store not ready", error=str(error))
            time.sleep(_PAUSE)


def make(s3: S3Client, bucket: str) -> None:
    """Idempotent. Raises ClientError, BotoCoreError."""
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
            raise
        s3.create_bucket(Bucket=bucket)
    try:
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [_CORS]})
    except ClientError as error:
        # Keys that may only read and write objects are better kept; then whoever owns the bucket sets this.
        log.warning("cors not set", error=str(error))


if __name__ == "__main__":
    prepare(load(S3Settings))
