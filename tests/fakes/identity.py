"""Fakes of what the identity service needs from outside."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from services.identity.domain import ApiKey, SigningKey, Tenant


@dataclass
class FakeStore:
    tenants: dict[str, Tenant] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    signing: dict[str, SigningKey] = field(default_factory=dict)
    said: list[Tenant] = field(default_factory=list)
    """What went out as an event, in order."""
    door: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeTransaction]:
        before = dict(self.tenants), dict(self.keys), dict(self.signing), list(self.said)
        tx = FakeTransaction(self)
        try:
            yield tx
        except BaseException:
            self.tenants, self.keys, self.signing, self.said = before
            raise
        finally:
            if tx.is_alone:
                self.door.release()


@dataclass
class FakeTransaction:
    store: FakeStore
    is_alone: bool = False

    async def alone(self) -> None:
        await self.store.door.acquire()
        self.is_alone = True

    async def tenant(self, tenant_id: str) -> Tenant | None:
        return self.store.tenants.get(tenant_id)

    async def tenant_named(self, name: str) -> Tenant | None:
        return next((tenant for tenant in self.store.tenants.values() if tenant.name == name), None)

    async def add_tenant(self, tenant: Tenant) -> None:
        assert await self.tenant_named(tenant.name) is None
        self.store.tenants[tenant.id] = tenant
        self.store.said.append(tenant)

    async def key_named(self, tenant_id: str, name: str) -> ApiKey | None:
        named = (key for key in self.store.keys.values() if (key.tenant_id, key.name) == (tenant_id, name))
        return next(named, None)

    async def key_hashed(self, secret_hash: bytes) -> ApiKey | None:
        return next((key for key in self.store.keys.values() if key.secret_hash == secret_hash), None)

    async def add_key(self, key: ApiKey) -> None:
        assert await self.key_named(key.tenant_id, key.name) is None
        assert await self.key_hashed(key.secret_hash) is None
        self.store.keys[key.id] = key

    async def drop_key(self, key: ApiKey) -> None:
        self.store.keys.pop(key.id, None)

    async def signing_keys(self, now: datetime) -> Sequence[SigningKey]:
        current = [key for key in self.store.signing.values() if key.retire_time is None or key.retire_time > now]
        return sorted(current, key=lambda key: (key.create_time, key.kid), reverse=True)

    async def add_signing_key(self, key: SigningKey) -> None:
        self.store.signing[key.kid] = key
