"""What a deployment runs beside the services: schemas and bucket made ready, processes asked whether they serve."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest
from pydantic import ValidationError

from meshkit import bucket, probe
from meshkit.grpc import tls
from meshkit.migrate import SERVICES
from meshkit.objects import client
from meshkit.prepare import PrepareSettings, prepare
from meshkit.probe import ProbeSettings
from meshkit.settings import S3Settings, Settings
from tests.integration.meshkit.test_tls import papers
from tests.serving import free_port, identity_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from local.infra import Infra


async def test_schemas_are_made_ready_and_again(infra: Infra, database_url: Callable[[str], Awaitable[str]]) -> None:
    urls = {f"{service}_database_url": await database_url(service) for service in SERVICES}
    settings = PrepareSettings.model_validate({**urls, "admin_database_url": infra.database_admin_url})
    prepare(settings)
    prepare(settings)
    for url in urls.values():
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM outbox").fetchone() is not None


async def test_roles_are_made_by_the_names_that_the_services_use(
    infra: Infra, database_url: Callable[[str], Awaitable[str]]
) -> None:
    urls = {f"{service}_database_url": await database_url(service) for service in SERVICES}
    urls["identity_database_url"] = urls["identity_database_url"].replace("reelmesh_identity", "somebody")
    with pytest.raises(SystemExit, match="IDENTITY_DATABASE_URL"):
        prepare(PrepareSettings.model_validate({**urls, "admin_database_url": infra.database_admin_url}))


def test_every_schema_needs_its_url() -> None:
    with pytest.raises(ValidationError, match="notify_database_url"):
        PrepareSettings.model_validate({})


def test_a_bucket_is_made_once_and_lets_browsers_upload(s3_settings: S3Settings) -> None:
    settings = s3_settings.model_copy(update={"s3_bucket": f"made-{uuid.uuid4()}"})
    bucket.prepare(settings)
    bucket.prepare(settings)
    (rule,) = client(settings, settings.s3_endpoint_url).get_bucket_cors(Bucket=settings.s3_bucket)["CORSRules"]
    assert "PUT" in rule["AllowedMethods"]
    assert rule["ExposeHeaders"] == ["ETag"]


def test_a_store_that_does_not_come_is_named(s3_settings: S3Settings) -> None:
    nowhere = s3_settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(Exception, match="Could not connect"):
        bucket.prepare(nowhere, patience=0)


async def test_a_process_is_asked_whether_it_serves(capsys: pytest.CaptureFixture[str]) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    async with identity_server() as address:
        own = ProbeSettings(grpc_port=int(address.split(":")[1]))
        assert await probe.main([], "", own) == 0
        assert await probe.main([address, nobody], "", own) == 1
    assert await probe.main([], "", own) == 1
    assert nobody in capsys.readouterr().err


async def test_a_url_is_asked_too() -> None:
    port = free_port()
    assert await probe.main([], "", ProbeSettings(http_port=port)) == 1
    assert "refused" in await probe.wrong(f"http://127.0.0.1:{port}/readyz")


async def test_over_mutual_tls_by_the_name_in_the_certificate(tmp_path: Path) -> None:
    tls.set_up(papers().settings(tmp_path))
    try:
        async with identity_server() as address:
            by_another_name = address.replace("127.0.0.1", "localhost")
            assert not await probe.wrong(address)
            assert await probe.wrong(by_another_name)
            assert not await probe.wrong(by_another_name, name="127.0.0.1")
    finally:
        tls.set_up(Settings())
