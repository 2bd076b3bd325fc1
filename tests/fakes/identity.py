"""Fakes of what the identity service needs from outside."""

from __future__ import annotations

import asyncio
import copy
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from itertools import count
from typing import TYPE_CHECKING

from meshkit.errors import AlreadyExists
from services.identity.domain import SYSTEM_TENANT
from services.identity.roles import Role
from services.identity.throttle import Tries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from services.identity.domain import ApiKey, RefreshToken, Session, Tenant, User
    from services.identity.signing import SigningKey

_moments = count(1)


@dataclass
class FakeStore:
    tenants: dict[str, Tenant] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    signing: dict[str, SigningKey] = field(default_factory=dict)
    members: dict[str, User] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    tokens: dict[bytes, RefreshToken] = field(default_factory=dict, repr=False)
    spent: dict[bytes, int] = field(default_factory=dict, repr=False)
    tried: list[tuple[bytes, str, bool, datetime]] = field(default_factory=list)
    said: list[Tenant | User] = field(default_factory=list)
    """What went out as an event, in order."""
    doors: dict[object, asyncio.Lock] = field(default_factory=dict, repr=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeTransaction]:
        kept = [each.name for each in fields(self) if each.name != "doors"]
        before = {name: copy.copy(getattr(self, name)) for name in kept}
        tx = FakeTransaction(self)
        try:
            yield tx
        except BaseException:
            vars(self).update(before)
            raise
        finally:
            for door in tx.held:
                door.release()


@dataclass
class FakeTransaction:
    store: FakeStore
    held: list[asyncio.Lock] = field(default_factory=list)
    began: int = field(default_factory=lambda: next(_moments))

    async def alone(self) -> None:
        await self._enter("alone")

    async def tenant(self, tenant_id: str) -> Tenant | None:
        return self.store.tenants.get(tenant_id)

    async def tenant_named(self, name: str) -> Tenant | None:
        return next((tenant for tenant in self.store.tenants.values() if tenant.name == name), None)

    async def tenants(self, *, before: str | None, limit: int) -> Sequence[Tenant]:
        return _page([each for each in self.store.tenants.values() if each.name != SYSTEM_TENANT], before, limit)

    async def add_tenant(self, tenant: Tenant) -> None:
        self.store.tenants[tenant.id] = tenant
        self.store.said.append(tenant)

    async def signing_keys(self, now: datetime) -> Sequence[SigningKey]:
        current = [key for key in self.store.signing.values() if key.retire_time is None or key.retire_time > now]
        return sorted(current, key=lambda key: (key.use_time, key.kid), reverse=True)

    async def save_signing_key(self, key: SigningKey) -> None:
        self.store.signing[key.kid] = key

    async def key_of(self, tenant_id: str, slot: str) -> ApiKey | None:
        return next((k for k in self.store.keys.values() if (k.tenant_id, k.slot) == (tenant_id, slot)), None)

    async def key_hashed(self, secret_hash: bytes) -> ApiKey | None:
        return next((key for key in self.store.keys.values() if key.secret_hash == secret_hash), None)

    async def key(self, tenant_id: str, key_id: str) -> ApiKey | None:
        found = self.store.keys.get(key_id)
        return found if found and found.tenant_id == tenant_id else None

    async def keys(self, tenant_id: str, *, before: str | None, limit: int) -> Sequence[ApiKey]:
        return _page([key for key in self.store.keys.values() if key.tenant_id == tenant_id], before, limit)

    async def add_key(self, key: ApiKey) -> ApiKey:
        for kept in self.store.keys.values():
            if key.request_id and (kept.tenant_id, kept.request_id) == (key.tenant_id, key.request_id):
                return kept
        assert await self.key_hashed(key.secret_hash) is None
        assert not key.slot or await self.key_of(key.tenant_id, key.slot) is None
        self.store.keys[key.id] = key
        return key

    async def drop_key(self, key: ApiKey) -> None:
        self.store.keys.pop(key.id, None)

    async def used_key(self, key: ApiKey, now: datetime) -> None:
        self.store.keys[key.id] = replace(key, last_use_time=now)

    async def user(self, user_id: str) -> User | None:
        return self.store.members.get(user_id)

    async def user_at(self, email: str) -> User | None:
        return next((user for user in self.store.members.values() if user.email == email), None)

    async def users(self, tenant_id: str, *, before: str | None, limit: int) -> Sequence[User]:
        return _page([user for user in self.store.members.values() if user.tenant_id == tenant_id], before, limit)

    async def owners(self, tenant_id: str) -> Sequence[User]:
        await self._enter(("owners", tenant_id))
        users = self.store.members.values()
        return [user for user in users if (user.tenant_id, user.role) == (tenant_id, Role.OWNER)]

    async def add_user(self, user: User) -> None:
        if await self.user_at(user.email):
            raise AlreadyExists("email_taken")
        self.store.members[user.id] = user
        self.store.said.append(user)

    async def set_password(self, user_id: str, password_hash: str) -> None:
        self.store.members[user_id] = replace(self.store.members[user_id], password_hash=password_hash)

    async def set_role(self, user_id: str, role: Role) -> None:
        self.store.members[user_id] = replace(self.store.members[user_id], role=role)

    async def drop_user(self, user: User) -> None:
        del self.store.members[user.id]
        gone = {session.id for session in self.store.sessions.values() if session.user_id == user.id}
        self.store.sessions = {key: session for key, session in self.store.sessions.items() if key not in gone}
        self.store.tokens = {key: each for key, each in self.store.tokens.items() if each.session.id not in gone}
        self.store.keys = {key_id: key for key_id, key in self.store.keys.items() if key.user_id != user.id}

    async def add_session(self, session: Session) -> None:
        self.store.sessions[session.id] = session

    async def end_session(self, session_id: str, now: datetime, reason: str) -> None:
        session = self.store.sessions.get(session_id)
        if session and session.end_time is None:
            self.store.sessions[session_id] = replace(session, end_time=now, end_reason=reason)

    async def end_sessions(self, user_id: str, now: datetime, reason: str, *, but: str) -> None:
        for session in list(self.store.sessions.values()):
            if session.user_id == user_id and session.id != but:
                await self.end_session(session.id, now, reason)

    async def refresh_token(self, secret_hash: bytes) -> RefreshToken | None:
        if (token := self.store.tokens.get(secret_hash)) is None:
            return None
        await self._enter(("session", token.session.id))
        spent = self.store.spent.get(secret_hash)
        session = self.store.sessions[token.session.id]
        return replace(token, session=session, spent=spent is not None, raced=(spent or 0) > self.began)

    async def add_refresh_token(self, token: RefreshToken) -> None:
        self.store.tokens[token.secret_hash] = token

    async def spend(self, token: RefreshToken) -> None:
        self.store.spent[token.secret_hash] = next(_moments)

    async def known(self, user_id: str, address: str, since: datetime) -> bool:
        return any(
            (each.user_id, each.address) == (user_id, address) and each.create_time > since
            for each in self.store.sessions.values()
        )

    async def turn(self, account: bytes) -> None:
        await self._enter(("turn", account))

    async def tries(self, account: bytes, address: str, since: datetime) -> Tries:
        rows = [each for each in self.store.tried if each[3] > since]
        here = [each[3] for each in rows if each[:2] == (account, address)]
        of_account = [each[3] for each in rows if each[0] == account and not each[2]]
        of_address = [each[3] for each in rows if each[1] == address and not each[2]]
        return Tries(
            here=len(here),
            here_since=min(here, default=None),
            account=len(of_account),
            account_since=min(of_account, default=None),
            address=len(of_address),
            address_since=min(of_address, default=None),
        )

    async def add_try(self, try_id: str, account: bytes, address: str, now: datetime, *, known: bool) -> None:
        self.store.tried.append((account, address, known, now))

    async def forget_tries(self, account: bytes, address: str) -> None:
        self.store.tried = [each for each in self.store.tried if each[:2] != (account, address)]

    async def purge(self, tries_before: datetime, sessions_before: datetime) -> None:
        self.store.tried = [each for each in self.store.tried if each[3] >= tries_before]
        old = {session.id for session in self.store.sessions.values() if session.create_time < sessions_before}
        self.store.sessions = {key: session for key, session in self.store.sessions.items() if key not in old}
        self.store.tokens = {key: each for key, each in self.store.tokens.items() if each.session.id not in old}

    async def _enter(self, name: object) -> None:
        door = self.store.doors.setdefault(name, asyncio.Lock())
        if door not in self.held:
            await door.acquire()
            self.held.append(door)


@dataclass
class FakePasswords:
    """Hashes that a person can read; `era` is raised when the rules get stronger."""

    era: int = 1
    asked: list[str | None] = field(default_factory=list)

    async def hash(self, password: str) -> str:
        return f"{self.era}:{password}"

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self.asked.append(password_hash)
        return password_hash is not None and password_hash.partition(":")[2] == password

    def outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(f"{self.era}:")


def _page(rows: list, before: str | None, limit: int) -> list:  # type: ignore[type-arg]
    newest_first = sorted(rows, key=lambda row: row.id, reverse=True)
    return [row for row in newest_first if before is None or row.id < before][:limit]
