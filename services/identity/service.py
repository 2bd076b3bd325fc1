"""Who is who: tenants, API keys, and the tokens that every service can check alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from meshkit.errors import NotFound, Unauthenticated
from meshkit.ids import new_id
from services.identity.domain import (
    BOOTSTRAP_KEY,
    DEFAULT_TENANT,
    SERVICE_SCOPES,
    SYSTEM_TENANT,
    TENANT_SCOPES,
    ApiKey,
    SigningKey,
    Tenant,
    Token,
    hash_secret,
    jwk_set,
    new_signing_key,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager


class Transaction(Protocol):
    async def alone(self) -> None:
        """From here to its end no other transaction, of any replica, is past this point."""
        ...

    async def tenant(self, tenant_id: str) -> Tenant | None: ...
    async def tenant_named(self, name: str) -> Tenant | None: ...

    async def add_tenant(self, tenant: Tenant) -> None:
        """Stores the tenant and says it as an event."""
        ...

    async def key_named(self, tenant_id: str, name: str) -> ApiKey | None: ...
    async def key_hashed(self, secret_hash: bytes) -> ApiKey | None: ...
    async def add_key(self, key: ApiKey) -> None: ...
    async def drop_key(self, key: ApiKey) -> None: ...

    async def signing_keys(self, now: datetime) -> Sequence[SigningKey]:
        """Those that are not retired, newest first."""
        ...

    async def add_signing_key(self, key: SigningKey) -> None: ...


class Store(Protocol):
    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...


@dataclass(frozen=True, slots=True)
class _Slot:
    """A key that the configuration names; none where it gives no secret."""

    tenant_id: str
    name: str
    scopes: frozenset[str]
    secret: str


def _now() -> datetime:
    return datetime.now(UTC)


class Identities:
    def __init__(self, store: Store, now: Callable[[], datetime] = _now) -> None:
        self._store = store
        self._now = now

    async def prepare(self, bootstrap_key: str, service_keys: Mapping[str, str]) -> None:
        """Make what must be there before the first call; whatever is there already stays.

        The named keys become what the arguments say: another secret takes the place of the old one, none removes it.
        """
        async with self._store.transaction() as tx:
            await tx.alone()
            if not await tx.signing_keys(self._now()):
                await tx.add_signing_key(new_signing_key(self._now()))
            default = await self._tenant(tx, DEFAULT_TENANT)
            system = await self._tenant(tx, SYSTEM_TENANT)
            slots = [_Slot(default.id, BOOTSTRAP_KEY, TENANT_SCOPES, bootstrap_key)]
            for name, scopes in SERVICE_SCOPES.items():
                slots.append(_Slot(system.id, name, scopes, service_keys.get(name, "")))
            await self._fill(tx, slots)

    async def exchange(self, secret: str) -> Token:
        """An access token for an API key. Raises Unauthenticated (`invalid_api_key`)."""
        async with self._store.transaction() as tx:
            key = await tx.key_hashed(hash_secret(secret))
            if key is None:
                raise Unauthenticated("invalid_api_key", "the API key is not valid")
            signing = await self._signing(tx)
        return signing.access(key, self._now())

    async def sign_playback(self, tenant_id: str, playback_id: str, lifetime: timedelta) -> Token:
        async with self._store.transaction() as tx:
            signing = await self._signing(tx)
        return signing.playback(tenant_id, playback_id, self._now(), lifetime)

    async def jwks(self) -> str:
        """The public signing keys, as a JWK Set in JSON text."""
        async with self._store.transaction() as tx:
            return jwk_set(await tx.signing_keys(self._now()))

    async def tenant(self, tenant_id: str) -> Tenant:
        async with self._store.transaction() as tx:
            if (tenant := await tx.tenant(tenant_id)) is None:
                raise NotFound("tenant_not_found", "no such tenant")
        return tenant

    async def _signing(self, tx: Transaction) -> SigningKey:
        return (await tx.signing_keys(self._now()))[0]

    async def _tenant(self, tx: Transaction, name: str) -> Tenant:
        if (kept := await tx.tenant_named(name)) is not None:
            return kept
        made = Tenant(id=new_id(), name=name, create_time=self._now())
        await tx.add_tenant(made)
        return made

    async def _fill(self, tx: Transaction, slots: Sequence[_Slot]) -> None:
        fresh = []
        for slot in slots:
            secret_hash = hash_secret(slot.secret)
            kept = await tx.key_named(slot.tenant_id, slot.name)
            if kept is not None:
                if (kept.secret_hash, kept.scopes) == (secret_hash, slot.scopes):
                    continue
                await tx.drop_key(kept)
            if slot.secret:
                fresh.append(
                    ApiKey(
                        id=new_id(),
                        tenant_id=slot.tenant_id,
                        name=slot.name,
                        secret_hash=secret_hash,
                        scopes=slot.scopes,
                        create_time=self._now(),
                    )
                )
        # After all drops: a secret may have moved from one name to another.
        for key in fresh:
            await tx.add_key(key)
