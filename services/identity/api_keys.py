"""A tenant's API keys: made, listed, taken back, and exchanged for access tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit import pages
from meshkit.clock import utc_now
from meshkit.errors import Conflict, FieldError, InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from meshkit.ids import new_id
from services.identity.domain import ApiKey, hash_secret, new_secret
from services.identity.roles import TENANT_SCOPES
from services.identity.service import signing_key
from services.identity.signing import Subject, Token

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from meshkit.auth import Caller
    from services.identity.ports import Store, Transaction

KEY_PREFIX = "rmk_"


class ApiKeys:
    def __init__(self, store: Store, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._now = now

    async def create(
        self, caller: Caller, name: str, scopes: frozenset[str], expire_time: datetime | None, request_id: str = ""
    ) -> tuple[ApiKey, str]:
        """The key and its secret, which nobody learns again. It can do no more than `caller`, and not for longer.

        The same request again gives the key that it made, and no secret.
        """
        if unknown := sorted(scopes - TENANT_SCOPES):
            raise _wrong("scopes", f"no such scopes: {', '.join(unknown)}")
        if expire_time is not None and expire_time <= self._now():
            raise _wrong("expires_at", "that is over already")
        secret = new_secret(KEY_PREFIX)
        async with self._store.transaction() as tx:
            allowed, user_id, until = await _reach(tx, caller)
            if beyond := sorted(scopes - allowed):
                raise PermissionDenied("scope_not_held", f"a key cannot give what you have not: {', '.join(beyond)}")
            if until is not None and expire_time is not None and expire_time > until:
                raise _wrong("expires_at", "a key cannot outlive the one that makes it")
            key = ApiKey(
                id=new_id(),
                tenant_id=caller.tenant_id,
                name=name,
                secret_hash=hash_secret(secret),
                scopes=scopes,
                create_time=self._now(),
                request_id=request_id or None,
                user_id=user_id,
                expire_time=expire_time or until,
            )
            kept = await tx.add_key(key)
        return kept, secret if kept.id == key.id else ""

    async def page(self, tenant_id: str, page_size: int, page_token: str) -> tuple[list[ApiKey], str]:
        size = page_size or pages.DEFAULT_SIZE
        async with self._store.transaction() as tx:
            rows = await tx.keys(tenant_id, before=pages.before(page_token), limit=size + 1)
        return pages.page(rows, size)

    async def delete(self, tenant_id: str, key_id: str) -> None:
        """No token comes from it any more; those that did are good for the rest of their ten minutes."""
        async with self._store.transaction() as tx:
            if (key := await tx.key(tenant_id, key_id)) is None:
                raise NotFound("api_key_not_found", "no such API key")
            if key.slot:
                raise Conflict("configured_key", "this key comes from the configuration: take it out there")
            await tx.drop_key(key)

    async def exchange(self, secret: str) -> Token:
        """An access token for an API key. Raises Unauthenticated (`invalid_api_key`, `api_key_expired`)."""
        now = self._now()
        async with self._store.transaction() as tx:
            key = await tx.key_hashed(hash_secret(secret))
            if key is None:
                raise Unauthenticated("invalid_api_key", "the API key is not valid")
            if key.expire_time is not None and key.expire_time <= now:
                raise Unauthenticated("api_key_expired", "the API key has expired")
            await tx.used_key(key, now)
            scopes = await _scopes(tx, key)
            signing = await signing_key(tx, now)
        return signing.access(Subject(id=key.id, tenant_id=key.tenant_id, scopes=scopes), now)


async def _reach(tx: Transaction, caller: Caller) -> tuple[frozenset[str], str | None, datetime | None]:
    """What `caller` may at this moment, the user who answers for it, and until when. Its token may be older."""
    if (user := await tx.user(caller.subject)) is not None:
        return user.role.scopes & caller.scopes, user.id, None
    if (key := await tx.key(caller.tenant_id, caller.subject)) is not None:
        return await _scopes(tx, key) & caller.scopes, key.user_id, key.expire_time
    raise Unauthenticated("invalid_token", "whom the token was for is gone")


async def _scopes(tx: Transaction, key: ApiKey) -> frozenset[str]:
    """What the key gives, less what its maker has lost since."""
    user = await tx.user(key.user_id) if key.user_id else None
    return key.scopes if user is None else key.scopes & user.role.scopes


def _wrong(field: str, message: str) -> InvalidArgument:
    return InvalidArgument("invalid_argument", message, fields=(FieldError(field, message),))
