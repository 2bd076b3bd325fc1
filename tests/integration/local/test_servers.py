"""Each server does real work, and only for those who know the password."""

import asyncio
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from botocore.exceptions import ClientError

from local.home import read_json
from local.infra import Infra, RunningInfra
from local.ports import GRPC_OFFSET
from tests.integration.local import talk

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")


async def test_postgres_is_18_and_runs_sql(infra: Infra) -> None:
    talk.write_row(infra, "grüße")
    assert "grüße" in talk.rows(infra)
    with psycopg.connect(infra.database_admin_url) as connection:
        assert connection.info.server_version // 10_000 == 18
        assert connection.execute("show server_encoding").fetchone() == ("UTF8",)


def test_postgres_wants_the_password(infra: Infra) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(infra.database_admin_url, password="wrong")


async def test_jetstream_keeps_a_message_for_its_consumer(infra: Infra) -> None:
    await talk.publish(infra, "hello")
    assert "hello" in await talk.messages(infra)


async def test_nats_wants_the_password(infra: Infra) -> None:
    at = urlsplit(infra.nats_url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(b'CONNECT {"user": "reelmesh", "pass": "wrong"}\r\nPING\r\n')
    assert b"Authorization Violation" in await reader.read()
    writer.close()
    await writer.wait_closed()


def test_s3_returns_what_was_put(infra: Infra) -> None:
    talk.put(infra, "a/b/c", b"x" * 100_000)
    assert talk.get(infra, "a/b/c") == b"x" * 100_000


def test_s3_refuses_a_stranger(infra: Infra) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{infra.s3_endpoint_url}/{infra.s3_bucket}/a/b/c", timeout=5)
    with refused.value as answer:
        assert answer.code == 403


def test_a_browser_may_put_a_part_and_read_its_etag(infra: Infra) -> None:
    with talk.s3(infra) as client:
        url = client.generate_presigned_url("put_object", Params={"Bucket": infra.s3_bucket, "Key": "part"})
    request = urllib.request.Request(url, data=b"part", method="PUT", headers={"Origin": "https://app.example"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] in {"*", "https://app.example"}
        assert "etag" in answer.headers["Access-Control-Expose-Headers"].lower()


def test_a_full_bucket_is_not_deleted_and_an_unknown_one_not_made(infra: Infra) -> None:
    talk.put(infra, "kept", b"")
    with talk.s3(infra) as client:
        with pytest.raises(ClientError, match="BucketNotEmpty"):
            client.delete_bucket(Bucket=infra.s3_bucket)
        with pytest.raises(ClientError, match="NoSuchBucket"):
            client.put_object(Bucket="another", Key="key", Body=b"")


def test_nothing_listens_beyond_loopback(servers: RunningInfra) -> None:
    ports = {int(str(port)) for port in read_json(servers.children["nats"].home.path / "ports.json").values()}
    listening = [line.split()[1] for table in TABLES for line in Path(table).read_text().splitlines() if " 0A " in line]
    ours = [each for each in listening if {(port := int(each[-4:], 16)), port - GRPC_OFFSET} & ports]
    assert len(ours) >= len(ports)
    # Another program's gRPC may be at such an offset: it says 127.0.0.1 as IPv6 does.
    loopback = {"0100007F", "0000000000000000FFFF00000100007F"}
    assert {address.partition(":")[0] for address in ours} <= loopback
