"""Users, sessions and tries: the fake store and Postgres keep the same promises."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from meshkit.errors import AlreadyExists
from meshkit.ids import new_id
from services.identity.domain import RefreshToken, Session, Tenant, User, hash_secret
from services.identity.roles import Role
from tests.contract.identity.conftest import NOW, a_key, a_tenant

if TYPE_CHECKING:
    from services.identity.ports import Store


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
