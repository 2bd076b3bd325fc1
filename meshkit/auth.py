"""Who is calling: an access token checked by every service alone, against identity's public keys."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from meshkit.errors import PermissionDenied, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ISSUER = "reelmesh"
ACCESS_AUDIENCE = "reelmesh"
PLAYBACK_AUDIENCE = "reelmesh-playback"
ALGORITHM = "EdDSA"
_KEYS_KEPT = 300.0
_KEYS_KEPT_AT_MOST = 3600.0
"""While identity is away."""
_TOKEN_KEPT = 60.0
_TOKENS_KEPT = 10_000
_HEADERS_KEPT = 100
_KEYS_ASKED_AT_MOST_EVERY = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody whose token was checked."""

    tenant_id: str
    subject: str
    scopes: frozenset[str]
    token: str
    """As it came, to be handed on: the next service checks it again."""
    session_id: str = ""
    """The login that the token comes from; none for an API key."""

    def may(self, scope: str) -> None:
        """Raises PermissionDenied unless the token carries `scope`."""
        if scope not in self.scopes:
            raise PermissionDenied("missing_scope", f"this needs the scope {scope}", scope=scope)


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def caller() -> Caller:
    """The one whose call this task serves. Raises Unauthenticated when there is none."""
    if (current := _caller.get()) is None:
        raise Unauthenticated("unauthenticated", "an access token is needed")
    return current


def act_for(someone: Caller) -> None:
    """From here on this task serves `someone`."""
    _caller.set(someone)


class Verifier:
    """Checks tokens against a JWK Set that it fetches when it needs to and keeps for five minutes."""

    def __init__(self, fetch_jwks: Callable[[], Awaitable[str]]) -> None:
        self._fetch = fetch_jwks
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = float("-inf")
        self._patience = float("-inf")
        """Until then nobody asks for keys again: identity is away."""
        self._passed: dict[str, tuple[float, Caller]] = {}
        self._kids: dict[str, str] = {}
        """Ids of known keys by the headers that named them."""
        self._lock = asyncio.Lock()

    async def access(self, token: str) -> Caller:
        """Raises Unauthenticated unless the token is ours, signed by a current key, and not expired.

        A token that passed is not checked again for a minute, or until it expires.
        """
        good_until, caller = self._passed.get(token, (0.0, None))
        if caller is not None and time.monotonic() < good_until and not self._stale():
            return caller
        claims = await self._claims(token, ACCESS_AUDIENCE)
        caller = Caller(
            tenant_id=claims["tid"],
            subject=claims["sub"],
            scopes=frozenset(claims["scope"].split()),
            token=token,
            session_id=claims.get("sid", ""),
        )
        if len(self._passed) >= _TOKENS_KEPT:
            self._passed.clear()
        self._passed[token] = (time.monotonic() + min(_TOKEN_KEPT, claims["exp"] - time.time()), caller)
        return caller

    async def playback(self, token: str) -> tuple[str, str]:
        """The playback id that the token plays, and the tenant that had it signed. Raises Unauthenticated."""
        claims = await self._claims(token, PLAYBACK_AUDIENCE)
        return str(claims["sub"]), str(claims.get("tid", ""))

    async def _claims(self, token: str, audience: str) -> dict[str, Any]:
        try:
            return jwt.decode(
                token,
                await self._key_of(token),
                algorithms=[ALGORITHM],
                audience=audience,
                issuer=ISSUER,
                options={"require": ["exp", "iat", "sub"]},
                leeway=5,
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("token_expired", "the token has expired") from None
        except jwt.PyJWTError:
            raise Unauthenticated("invalid_token", "the token is not valid") from None

    async def _key_of(self, token: str) -> jwt.PyJWK:
        # All tokens of one key have the same header: reading it costs as much as reading the token.
        header = token.partition(".")[0]
        kid = self._kids.get(header)
        if kid is None:
            kid = str(jwt.get_unverified_header(token).get("kid", ""))
        key = await self._key(kid)
        if len(self._kids) < _HEADERS_KEPT:
            self._kids[header] = kid
        return key

    async def _key(self, kid: str) -> jwt.PyJWK:
        age = time.monotonic() - self._fetched
        if self._stale() or (kid not in self._keys and age > _KEYS_ASKED_AT_MOST_EVERY):
            async with self._lock:
                if time.monotonic() - self._fetched >= age and (self._stale() or kid not in self._keys):
                    await self._renew(kid)
        if kid not in self._keys:
            raise Unauthenticated("invalid_token", "the token was signed by no current key")
        return self._keys[kid]

    async def _renew(self, kid: str) -> None:
        try:
            keys = jwt.PyJWKSet.from_json(await self._fetch()).keys
        except Unavailable:
            # Keys are published long before they sign and kept long after: those of before still do.
            if kid not in self._keys or time.monotonic() - self._fetched > _KEYS_KEPT_AT_MOST:
                raise
            self._patience = time.monotonic() + _KEYS_ASKED_AT_MOST_EVERY
            return
        self._keys = {key.key_id: key for key in keys if key.key_id}
        self._fetched = time.monotonic()
        self._passed.clear()
        self._kids.clear()

    def _stale(self) -> bool:
        return time.monotonic() - self._fetched > _KEYS_KEPT and time.monotonic() > self._patience
