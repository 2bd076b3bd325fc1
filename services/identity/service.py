"""What is there before any user: built-in tenants, configured keys, and the keys that sign every token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from meshkit import pages
from meshkit.clock import utc_now
from meshkit.errors import NotFound, Unavailable
from meshkit.ids import new_id
from services.identity.domain import BOOTSTRAP_KEY, DEFAULT_TENANT, SYSTEM_TENANT, ApiKey, Tenant, User, hash_secret
from services.identity.roles import SERVICE_SCOPES, TENANT_SCOPES
from services.identity.signing import SigningKey, Token, jwk_set, rotated, signs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from meshkit.auth import Caller
    from services.identity.ports import Store, TenantRows, Transaction

SIGNING_LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A key that the configuration names; none where it gives no secret."""

    tenant_id: str
    name: str
    scopes: frozenset[str]
    secret: str


class Identities:
    def __init__(
        self, store: Store, now: Callable[[], datetime] = utc_now, *, signing_lifetime: timedelta = SIGNING_LIFETIME
    ) -> None:
        self._store = store
        self._now = now
        self._signing_lifetime = signing_lifetime

    async def prepare(self, bootstrap_key: str, service_keys: Mapping[str, str]) -> None:
        """Make what must be there before the first call; whatever is there already stays.

        The named keys become what the arguments say: another secret takes the place of the old one, none removes it.
        """
        await self.rotate()
        async with self._store.transaction() as tx:
            await tx.alone()
            default = await self._tenant(tx, DEFAULT_TENANT)
            system = await self._tenant(tx, SYSTEM_TENANT)
            slots = [_Slot(default.id, BOOTSTRAP_KEY, TENANT_SCOPES, bootstrap_key)]
            for name, scopes in SERVICE_SCOPES.items():
                slots.append(_Slot(system.id, name, scopes, service_keys.get(name, "")))
            await self._fill(tx, slots)

    async def rotate(self) -> None:
        """Bring the signing keys to what they should be now; any number of replicas may."""
        async with self._store.transaction() as tx:
            await tx.alone()
            for key in rotated(await tx.signing_keys(self._now()), self._now(), self._signing_lifetime):
                await tx.save_signing_key(key)

    async def sign_playback(self, tenant_id: str, playback_id: str, lifetime: timedelta) -> Token:
        async with self._store.transaction() as tx:
            signing = await signing_key(tx, self._now())
        return signing.playback(tenant_id, playback_id, self._now(), lifetime)

    async def jwks(self) -> str:
        """The public signing keys, as a JWK Set in JSON text."""
        async with self._store.transaction() as tx:
            return jwk_set(await tx.signing_keys(self._now()))

    async def tenant(self, tenant_id: str) -> Tenant:
        async with self._store.transaction() as tx:
            return await _found(tx, tenant_id)

    async def tenants(self, page_size: int, page_token: str) -> tuple[list[Tenant], str]:
        size = page_size or pages.DEFAULT_SIZE
        async with self._store.transaction() as tx:
            rows = await tx.tenants(before=pages.before(page_token), limit=size + 1)
        return pages.page(rows, size)

    async def who(self, caller: Caller) -> tuple[Tenant, User | None]:
        """The caller's tenant, and the caller where it is a user."""
        async with self._store.transaction() as tx:
            return await _found(tx, caller.tenant_id), await tx.user(caller.subject)

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
            kept = await tx.key_of(slot.tenant_id, slot.name)
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
                        slot=slot.name,
                        secret_hash=secret_hash,
                        scopes=slot.scopes,
                        create_time=self._now(),
                    )
                )
        # After all drops: a secret may have moved from one name to another.
        for key in fresh:
            await tx.add_key(key)


async def signing_key(tx: TenantRows, now: datetime) -> SigningKey:
    """The key that signs now."""
    if (key := signs(await tx.signing_keys(now), now)) is None:
        raise Unavailable("no_signing_key", "no key signs now")
    return key


async def _found(tx: Transaction, tenant_id: str) -> Tenant:
    if (tenant := await tx.tenant(tenant_id)) is None:
        raise NotFound("tenant_not_found", "no such tenant")
    return tenant
