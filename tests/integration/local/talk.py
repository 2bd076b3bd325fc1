"""Real work on each server: what a test writes and reads back."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import nats
import psycopg
from botocore.config import Config
from mypy_boto3_s3.client import S3Client
from nats.js.errors import NotFoundError

from local.infra import Infra

STREAM, SUBJECT = "KEPT", "kept.notes"


def write_row(infra: Infra, text: str) -> None:
    with psycopg.connect(infra.database_admin_url) as connection:
        connection.execute("create table if not exists notes (id uuid default uuidv7(), text text)")
        connection.execute("insert into notes (text) values (%s)", (text,))


def rows(infra: Infra) -> list[str]:
    with psycopg.connect(infra.database_admin_url) as connection:
        return [str(row[0]) for row in connection.execute("select text from notes order by id")]


async def publish(infra: Infra, text: str) -> None:
    connection = await nats.connect(infra.nats_url)
    try:
        jetstream = connection.jetstream()
        await jetstream.add_stream(name=STREAM, subjects=[SUBJECT])
        await jetstream.publish(SUBJECT, text.encode())
    finally:
        await connection.close()


async def messages(infra: Infra) -> list[str]:
    connection = await nats.connect(infra.nats_url)
    try:
        jetstream = connection.jetstream()
        count = (await jetstream.stream_info(STREAM)).state.messages
        consumer = await jetstream.subscribe(SUBJECT, ordered_consumer=True)
        return [(await consumer.next_msg(timeout=5)).data.decode() for _ in range(count)]
    except NotFoundError:
        return []
    finally:
        await connection.close()


@contextmanager
def s3(infra: Infra) -> Iterator[S3Client]:
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=infra.s3_endpoint_url,
        aws_access_key_id=infra.s3_access_key_id,
        aws_secret_access_key=infra.s3_secret_access_key,
        region_name="us-east-1",
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    try:
        yield client
    finally:
        client.close()


def put(infra: Infra, key: str, body: bytes) -> None:
    with s3(infra) as client:
        client.put_object(Bucket=infra.s3_bucket, Key=key, Body=body)


def get(infra: Infra, key: str) -> bytes:
    with s3(infra) as client:
        return client.get_object(Bucket=infra.s3_bucket, Key=key)["Body"].read()


async def leave_notes(infra: Infra) -> None:
    write_row(infra, "a row")
    await publish(infra, "a message")
    put(infra, "an/object", b"bytes")


async def assert_notes(infra: Infra) -> None:
    assert rows(infra) == ["a row"]
    assert await messages(infra) == ["a message"]
    assert get(infra, "an/object") == b"bytes"
