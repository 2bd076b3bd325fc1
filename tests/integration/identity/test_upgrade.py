"""A database from before there were users goes on as it was."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg

from meshkit.credentials import identity_at
from meshkit.db import provision
from meshkit.ids import new_id
from meshkit.migrate import migrate
from services.identity.domain import hash_secret
from services.identity.main import Settings, main
from services.identity.signing import new_signing_key
from tests.serving import free_port, serving

if TYPE_CHECKING:
    from local.infra import Infra

KEY = "rmk_a-bootstrap-key-from-before"


def _before(admin_url: str, tenant_id: str, key_id: str) -> tuple[str, str]:
    """The URL of a schema of the first version, and the id of its signing key."""
    name, password = f"identity_{secrets.token_hex(4)}", secrets.token_urlsafe()
    provision(admin_url, name, password)
    scheme, rest = admin_url.split("://")
    url = f"{scheme}://reelmesh_{name}:{password}@{rest.split('@')[-1]}"
    migrate("identity", url, "0001")
    now = datetime.now(UTC)
    signing = new_signing_key(now)
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO tenants VALUES (%s, 'default', %s)", [tenant_id, now])
        row = [key_id, tenant_id, hash_secret(KEY), ["jobs:read"], now]
        connection.execute("INSERT INTO api_keys VALUES (%s, %s, 'bootstrap', %s, %s, %s)", row)
        connection.execute("INSERT INTO signing_keys VALUES (%s, %s, %s)", [signing.kid, signing.private_key, now])
    return url, signing.kid


async def test_its_tenant_and_its_signing_key_stay(infra: Infra) -> None:
    tenant_id = new_id()
    url, kid = await asyncio.to_thread(_before, infra.database_admin_url, tenant_id, new_id())
    await asyncio.to_thread(migrate, "identity", url)
    settings = Settings(grpc_port=free_port(), database_url=url, nats_url=infra.nats_url, bootstrap_api_key=KEY)
    async with serving(main, settings) as address, identity_at(address) as identity:
        caller = await identity.verifier().access((await identity.exchange(KEY))[0])
        assert kid in await identity.jwks()
    assert caller.tenant_id == tenant_id
