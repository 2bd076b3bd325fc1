"""Users, sessions and login tries in Postgres."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from meshkit import outbox
from meshkit.db import fields_of
from meshkit.errors import AlreadyExists
from services.identity import wire
from services.identity.domain import RefreshToken, Session, User
from services.identity.roles import Role
from services.identity.tables import LOGIN_TRIES, REFRESH_TOKENS, SESSIONS, USERS
from services.identity.throttle import Tries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncConnection

_ACCOUNTS = 4_871_203
"""The first half of the advisory locks that accounts have."""


class Users:
    """The part of a transaction that knows users."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def user(self, user_id: str) -> User | None:
        return await self._one_user(USERS.c.id == user_id)

    async def user_at(self, email: str) -> User | None:
        return await self._one_user(USERS.c.email == email)

    async def users(self, tenant_id: str, *, before: str | None, limit: int) -> Sequence[User]:
        query = sa.select(USERS).where(USERS.c.tenant_id == tenant_id)
        if before:
            query = query.where(USERS.c.id < before)
        return [_user(row) for row in await self._connection.execute(query.order_by(USERS.c.id.desc()).limit(limit))]

    async def owners(self, tenant_id: str) -> Sequence[User]:
        query = sa.select(USERS).where(USERS.c.tenant_id == tenant_id, USERS.c.role == Role.OWNER)
        return [_user(row) for row in await self._connection.execute(query.order_by(USERS.c.id).with_for_update())]

    async def add_user(self, user: User) -> None:
        try:
            await self._connection.execute(sa.insert(USERS), asdict(user))
        except IntegrityError:
            raise AlreadyExists("email_taken", "there is an account with this email address already") from None
        await outbox.emit(self._connection, wire.to_user_created(user), user.id)

    async def set_password(self, user_id: str, password_hash: str) -> None:
        await self._connection.execute(
            sa.update(USERS).where(USERS.c.id == user_id).values(password_hash=password_hash)
        )

    async def set_role(self, user_id: str, role: Role) -> None:
        await self._connection.execute(sa.update(USERS).where(USERS.c.id == user_id).values(role=role))

    async def drop_user(self, user: User) -> None:
        await self._connection.execute(sa.delete(USERS).where(USERS.c.id == user.id))

    async def add_session(self, session: Session) -> None:
        await self._connection.execute(sa.insert(SESSIONS), asdict(session))

    async def end_session(self, session_id: str, now: datetime, reason: str) -> None:
        await self._end(SESSIONS.c.id == session_id, now, reason)

    async def end_sessions(self, user_id: str, now: datetime, reason: str, *, but: str) -> None:
        others = SESSIONS.c.user_id == user_id
        if but:
            others = sa.and_(others, SESSIONS.c.id != but)
        await self._end(others, now, reason)

    async def refresh_token(self, secret_hash: bytes) -> RefreshToken | None:
        # One clock for both, the database's: the token was spent after this transaction began.
        raced = sa.func.coalesce(REFRESH_TOKENS.c.spend_time > sa.func.now(), sa.false()).label("raced")
        query = (
            sa.select(SESSIONS, REFRESH_TOKENS.c.spend_time, REFRESH_TOKENS.c.expire_time.label("idle_until"), raced)
            .join(REFRESH_TOKENS, REFRESH_TOKENS.c.session_id == SESSIONS.c.id)
            .where(REFRESH_TOKENS.c.secret_hash == secret_hash)
            .with_for_update()
        )
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        session = Session(**{column.name: getattr(row, column.name) for column in SESSIONS.c})
        return RefreshToken(
            secret_hash=secret_hash,
            session=session,
            expire_time=row.idle_until,
            spent=row.spend_time is not None,
            raced=row.raced,
        )

    async def add_refresh_token(self, token: RefreshToken) -> None:
        row = {
            "secret_hash": token.secret_hash,
            "session_id": token.session.id,
            "expire_time": token.expire_time,
        }
        await self._connection.execute(sa.insert(REFRESH_TOKENS), row)

    async def spend(self, token: RefreshToken) -> None:
        mine = REFRESH_TOKENS.c.secret_hash == token.secret_hash
        await self._connection.execute(
            sa.update(REFRESH_TOKENS).where(mine).values(spend_time=sa.func.clock_timestamp())
        )

    async def known(self, user_id: str, address: str, since: datetime) -> bool:
        here = SESSIONS.c.user_id == user_id, SESSIONS.c.address == address, SESSIONS.c.create_time > since
        return bool(await self._connection.scalar(sa.select(sa.exists().where(*here))))

    async def turn(self, account: bytes) -> None:
        number = int.from_bytes(account[:4], signed=True)
        await self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ACCOUNTS, number)))

    async def tries(self, account: bytes, address: str, since: datetime) -> Tries:
        table = LOGIN_TRIES.c
        ours, theirs = table.account_hash == account, table.address == address
        unknown = sa.not_(table.known)
        kinds = {"here": sa.and_(ours, theirs), "account": sa.and_(ours, unknown), "address": sa.and_(theirs, unknown)}
        counts = [sa.func.count().filter(where).label(name) for name, where in kinds.items()]
        oldest = [sa.func.min(table.create_time).filter(where).label(f"{name}_since") for name, where in kinds.items()]
        columns: list[sa.ColumnElement[Any]] = [*counts, *oldest]
        query = sa.select(*columns).where(sa.or_(ours, theirs), table.create_time > since)
        return Tries(**dict((await self._connection.execute(query)).mappings().one()))

    async def add_try(self, try_id: str, account: bytes, address: str, now: datetime, *, known: bool) -> None:
        row = {"id": try_id, "account_hash": account, "address": address, "known": known, "create_time": now}
        await self._connection.execute(sa.insert(LOGIN_TRIES), row)

    async def forget_tries(self, account: bytes, address: str) -> None:
        here = LOGIN_TRIES.c.account_hash == account, LOGIN_TRIES.c.address == address
        await self._connection.execute(sa.delete(LOGIN_TRIES).where(*here))

    async def purge(self, tries_before: datetime, sessions_before: datetime) -> None:
        await self._connection.execute(sa.delete(LOGIN_TRIES).where(LOGIN_TRIES.c.create_time < tries_before))
        # A session lives no longer than an address is known for.
        await self._connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.create_time < sessions_before))

    async def _end(self, which: sa.ColumnElement[bool], now: datetime, reason: str) -> None:
        going_on = sa.update(SESSIONS).where(which, SESSIONS.c.end_time.is_(None))
        await self._connection.execute(going_on.values(end_time=now, end_reason=reason))

    async def _one_user(self, where: sa.ColumnElement[bool]) -> User | None:
        row = (await self._connection.execute(sa.select(USERS).where(where))).one_or_none()
        return None if row is None else _user(row)


def _user(row: sa.Row[tuple[object, ...]]) -> User:
    fields = fields_of(row)
    return User(**fields | {"role": Role(fields["role"])})
