"""Tenants and keys: the fake store and Postgres keep the same promises."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from meshkit.ids import new_id
from services.identity.domain import hash_secret
from services.identity.signing import new_signing_key
from tests.contract.identity.conftest import NOW, a_key, a_tenant

if TYPE_CHECKING:
    from services.identity.ports import Store


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


async def test_tenants_are_listed_newest_first(store: Store) -> None:
    made = [a_tenant() for _ in range(3)]
    async with store.transaction() as tx:
        for tenant in made:
            await tx.add_tenant(tenant)
    newest_first = sorted(made, key=lambda tenant: tenant.id, reverse=True)
    async with store.transaction() as tx:
        assert list(await tx.tenants(before=None, limit=3)) == newest_first
        assert list(await tx.tenants(before=newest_first[0].id, limit=1)) == newest_first[1:2]
