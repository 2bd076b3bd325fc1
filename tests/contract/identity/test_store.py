"""The fake store and Postgres keep the same promises."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from meshkit.errors import AlreadyExists
from meshkit.ids import new_id
from services.identity.domain import ApiKey, RefreshToken, Session, Tenant, User, hash_secret
from services.identity.roles import Role
from services.identity.signing import new_signing_key
from services.identity.store import PostgresStore
from tests.fakes.identity import FakeStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from meshkit.db import Database
    from services.identity.ports import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["fake", "postgres"])
async def store(request: pytest.FixtureRequest, database: Callable[[str], Awaitable[Database]]) -> Store:
    return FakeStore() if request.param == "fake" else PostgresStore(await database("identity"))


def a_tenant() -> Tenant:
    return Tenant(id=new_id(), name=f"tenant {new_id()}", create_time=NOW)


def a_key(tenant: Tenant, slot: str | None = "bootstrap", **fields: Any) -> ApiKey:
    return ApiKey(
        id=new_id(),
        tenant_id=tenant.id,
        name="a key",
        slot=slot,
        secret_hash=hash_secret(secrets.token_urlsafe()),
        scopes=frozenset({"jobs:read", "assets:read"}),
        create_time=NOW,
        **fields,
    )


async def test_a_tenant_is_found_by_id_and_by_name(store: Store) -> None:
    tenant = a_tenant()
    async with store.transaction() as tx:
        assert await tx.tenant(tenant.id) is None
        assert await tx.tenant_named(tenant.name) is None
        await tx.add_tenant(tenant)
    async with store.transaction() as tx:
        assert await tx.tenant(tenant.id) == tenant
        assert await tx.tenant_named(tenant.name) == tenant


async def test_a_key_is_found_by_its_hash_and_by_its_slot_in_the_tenant(store: Store) -> None:
    tenant, other = a_tenant(), a_tenant()
    key, namesake = a_key(tenant), a_key(other)
    async with store.transaction() as tx:
        for owner in (tenant, other):
            await tx.add_tenant(owner)
        for each in (key, namesake, a_key(tenant, "another")):
            await tx.add_key(each)
    async with store.transaction() as tx:
        assert await tx.key_hashed(key.secret_hash) == key
        assert await tx.key_of(tenant.id, "bootstrap") == key
        assert await tx.key_of(other.id, "bootstrap") == namesake
        assert await tx.key_of(other.id, "another") is None
        assert await tx.key_hashed(hash_secret("")) is None


async def test_a_dropped_key_is_gone_and_its_slot_and_secret_are_free(store: Store) -> None:
    tenant = a_tenant()
    key = a_key(tenant)
    again = replace(key, id=new_id())
    async with store.transaction() as tx:
        await tx.add_tenant(tenant)
        await tx.add_key(key)
        await tx.drop_key(key)
        assert await tx.key_hashed(key.secret_hash) is None
        await tx.add_key(again)
    async with store.transaction() as tx:
        assert await tx.key_of(tenant.id, "bootstrap") == again


async def test_signing_keys_are_newest_first_without_the_retired(store: Store) -> None:
    kept = new_signing_key(NOW)
    newer = new_signing_key(NOW + timedelta(hours=1))
    leaving = replace(new_signing_key(NOW - timedelta(hours=1)), retire_time=NOW + timedelta(hours=2))
    async with store.transaction() as tx:
        for key in (leaving, newer, kept):
            await tx.save_signing_key(key)
    ours = (kept, newer, leaving)
    async with store.transaction() as tx:
        current = await tx.signing_keys(NOW)
        later = await tx.signing_keys(NOW + timedelta(hours=2))
    assert [key for key in current if key in ours] == [newer, kept, leaving]
    assert [key for key in later if key in ours] == [newer, kept]


async def test_forgets_a_transaction_that_failed(store: Store) -> None:
    tenant = a_tenant()

    async def fail() -> None:
        async with store.transaction() as tx:
            await tx.alone()
            await tx.add_tenant(tenant)
            await tx.add_key(a_key(tenant))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with store.transaction() as tx:
        await tx.alone()
        assert await tx.tenant(tenant.id) is None
        assert await tx.key_of(tenant.id, "bootstrap") is None


async def test_only_one_is_alone(store: Store) -> None:
    tenant = a_tenant()
    begun = asyncio.Barrier(5)

    async def add_once() -> bool:
        async with store.transaction() as tx:
            assert await tx.tenant_named(tenant.name) is None
            await begun.wait()
            await tx.alone()
            if await tx.tenant_named(tenant.name) is not None:
                return False
            await tx.add_tenant(replace(tenant, id=new_id()))
            return True

    assert sorted(await asyncio.gather(*[add_once() for _ in range(5)])) == [False] * 4 + [True]


def a_user(tenant: Tenant, **fields: Any) -> User:
    known: dict[str, Any] = {"id": new_id(), "email": f"{new_id()}@club.example", "role": Role.OWNER}
    return User(tenant_id=tenant.id, password_hash="h", create_time=NOW, **known | fields)


def a_session(user: User, **fields: Any) -> Session:
    known: dict[str, Any] = {"id": new_id(), "address": "192.0.2.1", "create_time": NOW}
    return Session(user_id=user.id, expire_time=NOW + timedelta(days=90), **known | fields)


def a_token(session: Session) -> RefreshToken:
    secret_hash = hash_secret(secrets.token_urlsafe())
    return RefreshToken(secret_hash=secret_hash, session=session, expire_time=NOW + timedelta(days=14))


@pytest.fixture
async def user(store: Store) -> User:
    tenant = a_tenant()
    made = a_user(tenant)
    async with store.transaction() as tx:
        await tx.add_tenant(tenant)
        await tx.add_user(made)
    return made


async def test_keys_of_a_tenant_come_in_pages_newest_first(store: Store) -> None:
    tenant, other = a_tenant(), a_tenant()
    keys = [a_key(tenant, None) for _ in range(3)]
    async with store.transaction() as tx:
        await tx.add_tenant(tenant)
        await tx.add_tenant(other)
        for key in (*keys, a_key(other, None)):
            await tx.add_key(key)
        assert await tx.keys(tenant.id, before=None, limit=2) == keys[:0:-1]
        assert await tx.keys(tenant.id, before=keys[1].id, limit=2) == keys[:1]
        assert await tx.key(tenant.id, keys[0].id) == keys[0]
        assert await tx.key(other.id, keys[0].id) is None


async def test_the_same_request_gives_the_same_key(store: Store) -> None:
    tenant, other = a_tenant(), a_tenant()
    key, again = [a_key(tenant, None, request_id="r1") for _ in range(2)]
    theirs = a_key(other, None, request_id="r1")
    async with store.transaction() as tx:
        await tx.add_tenant(tenant)
        await tx.add_tenant(other)
        assert await tx.add_key(key) == key
        assert await tx.add_key(again) == key
        assert await tx.add_key(theirs) == theirs
        assert await tx.keys(tenant.id, before=None, limit=5) == [key]


async def test_the_last_use_of_a_key_is_kept(store: Store) -> None:
    tenant = a_tenant()
    key = a_key(tenant)
    async with store.transaction() as tx:
        await tx.add_tenant(tenant)
        await tx.add_key(key)
        await tx.used_key(key, NOW)
        kept = await tx.key(tenant.id, key.id)
    assert kept == replace(key, last_use_time=NOW)


async def test_a_user_is_found_by_id_and_email_and_changed(store: Store, user: User) -> None:
    async with store.transaction() as tx:
        assert await tx.user(user.id) == await tx.user_at(user.email) == user
        assert list(await tx.users(user.tenant_id, before=None, limit=5)) == [user]
        assert list(await tx.owners(user.tenant_id)) == [user]
        await tx.set_role(user.id, Role.VIEWER)
        await tx.set_password(user.id, "other")
        assert await tx.user(user.id) == replace(user, role=Role.VIEWER, password_hash="other")
        assert list(await tx.owners(user.tenant_id)) == []


async def test_an_email_address_is_one_users_alone(store: Store, user: User) -> None:
    again = replace(user, id=new_id())
    with pytest.raises(AlreadyExists, match="email_taken"):
        async with store.transaction() as tx:
            await tx.add_user(again)
    async with store.transaction() as tx:
        assert await tx.user(again.id) is None


async def test_a_user_goes_with_its_sessions_and_keys(store: Store, user: User) -> None:
    session = a_session(user)
    token = a_token(session)
    async with store.transaction() as tx:
        tenant = await tx.tenant(user.tenant_id)
        assert tenant
        key = a_key(tenant, user_id=user.id)
        await tx.add_key(key)
        await tx.add_session(session)
        await tx.add_refresh_token(token)
        await tx.drop_user(user)
        assert await tx.user(user.id) is None
        assert await tx.key(tenant.id, key.id) is None
        assert await tx.refresh_token(token.secret_hash) is None


async def test_a_refresh_token_is_spent_once(store: Store, user: User) -> None:
    token = a_token(a_session(user))
    async with store.transaction() as tx:
        await tx.add_session(token.session)
        await tx.add_refresh_token(token)
    async with store.transaction() as tx:
        assert await tx.refresh_token(token.secret_hash) == token
        await tx.spend(token)
    async with store.transaction() as tx:
        assert await tx.refresh_token(token.secret_hash) == replace(token, spent=True)


async def test_a_token_that_is_spent_meanwhile_was_raced(store: Store, user: User) -> None:
    token = a_token(a_session(user))
    async with store.transaction() as tx:
        await tx.add_session(token.session)
        await tx.add_refresh_token(token)
    begun = asyncio.Barrier(4)

    async def refresh() -> tuple[bool, bool]:
        async with store.transaction() as tx:
            await tx.user(user.id)
            await begun.wait()
            found = await tx.refresh_token(token.secret_hash)
            assert found
            if not found.spent:
                await tx.spend(found)
            return found.spent, found.raced

    assert sorted(await asyncio.gather(*[refresh() for _ in range(4)])) == [(False, False)] + [(True, True)] * 3


async def test_sessions_end_once(store: Store, user: User) -> None:
    tokens = [a_token(a_session(user)) for _ in range(3)]
    async with store.transaction() as tx:
        for token in tokens:
            await tx.add_session(token.session)
            await tx.add_refresh_token(token)
        await tx.end_session(tokens[0].session.id, NOW, "logout")
        await tx.end_sessions(user.id, NOW + timedelta(hours=1), "password", but=tokens[1].session.id)
        found = [await tx.refresh_token(token.secret_hash) for token in tokens]
    assert [each.session.end_reason for each in found if each] == ["logout", "", "password"]
    assert [each.session.end_time for each in found if each] == [NOW, None, NOW + timedelta(hours=1)]


async def test_an_address_is_known_by_its_sessions(store: Store, user: User) -> None:
    async with store.transaction() as tx:
        await tx.add_session(a_session(user))
        assert await tx.known(user.id, "192.0.2.1", NOW - timedelta(days=1))
        assert not await tx.known(user.id, "192.0.2.1", NOW)
        assert not await tx.known(user.id, "192.0.2.2", NOW - timedelta(days=1))


async def test_tries_are_counted_by_account_and_address(store: Store) -> None:
    account, other = secrets.token_bytes(32), secrets.token_bytes(32)
    here, there = new_id(), new_id()
    async with store.transaction() as tx:
        await tx.turn(account)
        for of, at, minutes, known in (
            (account, here, 1, False),
            (account, here, 2, False),
            (account, there, 3, False),
        ):
            await tx.add_try(new_id(), of, at, NOW + timedelta(minutes=minutes), known=known)
        await tx.add_try(new_id(), account, there, NOW + timedelta(minutes=4), known=True)
        await tx.add_try(new_id(), other, here, NOW, known=False)
        counted = await tx.tries(account, here, NOW - timedelta(minutes=1))
        later = await tx.tries(account, here, NOW + timedelta(minutes=1))
        await tx.forget_tries(account, here)
        after = await tx.tries(account, here, NOW - timedelta(minutes=1))
    assert (counted.here, counted.account, counted.address) == (2, 3, 3)
    assert (counted.here_since, counted.account_since) == (NOW + timedelta(minutes=1),) * 2
    assert counted.address_since == NOW
    assert (later.here, later.account, later.address) == (1, 2, 1)
    assert (after.here, after.account, after.address, after.here_since) == (0, 1, 1, None)
