"""The identity service as it runs: real gRPC, Postgres and JetStream."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from grpc.aio import AioRpcError
from reelmesh.identity.v1 import identity_events_pb2, identity_pb2, identity_pb2_grpc

from meshkit.credentials import Identity, OwnToken, identity_at
from meshkit.errors import InvalidArgument, Unauthenticated, Unavailable
from meshkit.grpc import client, status
from meshkit.ids import new_id
from services.identity.main import Settings, main
from services.identity.roles import SERVICE_SCOPES, TENANT_SCOPES
from tests import tokens
from tests.eventually import eventually
from tests.serving import free_port, serving
from tests.streams import has_message

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from local.infra import Infra
    from meshkit.nats import Bus

KEY = "rmk_bootstrap-key-of-the-integration-tests"
WORKER_KEY = "rmk_worker-key-of-the-integration-tests"
TIMEOUT = 10.0

Stub = identity_pb2_grpc.IdentityServiceStub


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(infra: Infra, fresh_url: Callable[[], Awaitable[str]]) -> AsyncIterator[str]:
    settings = Settings(
        grpc_port=free_port(),
        database_url=await fresh_url(),
        nats_url=infra.nats_url,
        bootstrap_api_key=KEY,
        service_keys={"transcode-worker": WORKER_KEY},
    )
    async with serving(main, settings) as address:
        yield address


@pytest_asyncio.fixture(loop_scope="session")
async def identity(address: str) -> AsyncIterator[Identity]:
    async with identity_at(address) as identity:
        yield identity


@pytest.fixture
def far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@asynccontextmanager
async def calling(address: str, token: str) -> AsyncIterator[identity_pb2_grpc.IdentityServiceAsyncStub]:
    async def given() -> str:
        return token

    async with client.channel(address, identity_pb2.DESCRIPTOR, given) as channel:
        yield Stub(channel)


async def refusal(call: Awaitable[object]) -> tuple[str, int]:
    """The reason and the HTTP status of a call that must fail."""
    with pytest.raises(AioRpcError) as caught:
        await call
    error = status.from_rpc_error(caught.value)
    return error.reason, error.http_status


async def get_caller(stub: identity_pb2_grpc.IdentityServiceAsyncStub) -> identity_pb2.GetCallerResponse:
    return await stub.GetCaller(identity_pb2.GetCallerRequest(), timeout=TIMEOUT)


async def sign(
    stub: identity_pb2_grpc.IdentityServiceAsyncStub, playback_id: str, expires_in: int
) -> identity_pb2.SignPlaybackResponse:
    request = identity_pb2.SignPlaybackRequest(playback_id=playback_id, expires_in=expires_in)
    return await stub.SignPlayback(request, timeout=TIMEOUT)


async def test_a_key_becomes_a_caller_whom_every_service_can_check_alone(address: str, identity: Identity) -> None:
    token, expires = await identity.exchange(KEY)
    assert 590 < expires - time.time() <= 600
    checked = await identity.verifier().access(token)
    async with calling(address, token) as stub:
        said = await get_caller(stub)
    assert (said.tenant.id, said.subject) == (checked.tenant_id, checked.subject)
    assert said.tenant.name == "default"
    assert set(said.scopes) == checked.scopes == TENANT_SCOPES


async def test_the_time_of_expiry_is_the_same_in_every_time_zone(identity: Identity, far_from_utc: None) -> None:
    _, expires = await identity.exchange(KEY)
    assert 590 < expires - time.time() <= 600


async def test_a_wrong_key_is_refused(identity: Identity) -> None:
    with pytest.raises(Unauthenticated, match="invalid_api_key"):
        await identity.exchange(KEY + "x")
    with pytest.raises(InvalidArgument, match="invalid_argument"):
        await identity.exchange("short")
    with pytest.raises(Unavailable, match="invalid_api_key"):
        await OwnToken(identity, KEY + "x")()


async def test_a_service_is_a_caller_too_but_signs_nothing_for_tenants(address: str, identity: Identity) -> None:
    async with calling(address, await OwnToken(identity, WORKER_KEY)()) as stub:
        said = await get_caller(stub)
        assert said.tenant.name == "system"
        assert set(said.scopes) == SERVICE_SCOPES["transcode-worker"]
        assert await refusal(sign(stub, new_id(), 60)) == ("missing_scope", 403)


async def test_a_playback_token_plays_its_playback_id(address: str, identity: Identity) -> None:
    token, _ = await identity.exchange(KEY)
    playback = new_id()
    async with calling(address, token) as stub:
        signed = await sign(stub, playback, 3600)
        for playback_id, expires_in in ((playback, 59), (playback, 604801), ("not an id", 60)):
            assert await refusal(sign(stub, playback_id, expires_in)) == ("invalid_argument", 400)
    assert 3590 < signed.expire_time.ToSeconds() - time.time() <= 3600
    assert (await identity.verifier().playback(signed.token))[0] == playback
    async with calling(address, signed.token) as stub:
        assert await refusal(get_caller(stub)) == ("invalid_token", 401)


async def test_a_caller_without_a_token_of_ours_is_nobody(address: str) -> None:
    async with calling(address, tokens.token(new_id(), *TENANT_SCOPES)) as stub:
        assert await refusal(get_caller(stub)) == ("invalid_token", 401)
    async with client.channel(address, identity_pb2.DESCRIPTOR, client.no_token) as channel:
        assert await refusal(get_caller(Stub(channel))) == ("unauthenticated", 401)


async def test_new_tenants_are_said(address: str, identity: Identity, bus: Bus) -> None:
    token, _ = await identity.exchange(KEY)
    async with calling(address, token) as stub:
        tenant = (await get_caller(stub)).tenant
    subject = f"reelmesh.identity.v1.tenant_created.{tenant.id}"
    await eventually(lambda: has_message(bus, "IDENTITY", subject))
    message = await bus.js.get_last_msg("IDENTITY", subject)
    assert identity_events_pb2.TenantCreated.FromString(message.data or b"").tenant == tenant
