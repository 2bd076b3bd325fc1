"""Users and their sessions: signing up, logging in, staying logged in, and leaving."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from meshkit.errors import Conflict, InvalidArgument, PermissionDenied, Unauthenticated
from meshkit.ids import new_id
from services.identity.domain import (
    IDLE_LIFETIME,
    SESSION_LIFETIME,
    RefreshToken,
    Session,
    Tenant,
    User,
    address_of_account,
    hash_secret,
    new_secret,
)
from services.identity.roles import Role
from services.identity.service import signing_key
from services.identity.signing import Subject, Token
from services.identity.throttle import KNOWN_FOR, WINDOW, admit

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from meshkit.auth import Caller
    from services.identity.ports import Passwords, Store, Transaction

REFRESH_PREFIX = "rmr_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    access: Token
    refresh: str = field(repr=False)


class Accounts:
    def __init__(
        self, store: Store, passwords: Passwords, now: Callable[[], datetime] = utc_now, *, signup: bool = True
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._now = now
        self._signup = signup

    async def sign_up(self, email: str, password: str, address: str) -> tuple[User, Tokens]:
        """A tenant, its owner, and the owner's first session. Raises AlreadyExists (`email_taken`)."""
        if not self._signup:
            raise PermissionDenied("signup_closed", "nobody can sign up here: ask an owner for an account")
        now, password_hash = self._now(), await self._passwords.hash(password)
        tenant = Tenant(id=new_id(), name=address_of_account(email), create_time=now)
        user = User(
            id=new_id(),
            tenant_id=tenant.id,
            email=address_of_account(email),
            password_hash=password_hash,
            role=Role.OWNER,
            create_time=now,
        )
        async with self._store.transaction() as tx:
            await tx.add_tenant(tenant)
            await tx.add_user(user)
            return user, await self._begin(tx, user, address)

    async def log_in(self, email: str, password: str, address: str) -> Tokens:
        """Raises Unauthenticated (`invalid_credentials`), or Exhausted after too many tries."""
        user = await self._proved(email, password, address)
        async with self._store.transaction() as tx:
            return await self._begin(tx, user, address)

    async def refresh(self, secret: str) -> Tokens:
        """The session's next tokens. Raises Unauthenticated, or Conflict (`refresh_raced`) beside another refresh.

        A token that comes again was stolen, or its thief was faster: nobody can tell who is who, and the session ends.
        """
        async with self._store.transaction() as tx:
            token = await _refresh_token(tx, secret)
            if token.raced:
                raise Conflict("refresh_raced", "another call refreshes this session: use the token that it got")
            if not token.spent:
                token.usable(self._now())
                await tx.spend(token)
                return await self._next(tx, token.session, await _user(tx, token.session.user_id))
            await tx.end_session(token.session.id, self._now(), "reuse")
        raise Unauthenticated("refresh_token_reused", "the refresh token was used before: the session is over")

    async def end(self, secret: str) -> None:
        """End the session of a refresh token. Raises Unauthenticated for one that never was."""
        async with self._store.transaction() as tx:
            token = await _refresh_token(tx, secret)
            await tx.end_session(token.session.id, self._now(), "logout")

    async def log_out(self, caller: Caller) -> None:
        if not caller.session_id:
            raise InvalidArgument("no_session", "an API key has no session to end")
        async with self._store.transaction() as tx:
            await tx.end_session(caller.session_id, self._now(), "logout")

    async def change_password(self, caller: Caller, current: str, new: str) -> None:
        async with self._store.transaction() as tx:
            user = await tx.user(caller.subject)
        if user is None:
            raise PermissionDenied("not_a_user", "only a user has a password")
        await self._proved(user.email, current, f"session {caller.session_id}", known=True)
        password_hash = await self._passwords.hash(new)
        async with self._store.transaction() as tx:
            await tx.set_password(user.id, password_hash)
            await tx.end_sessions(user.id, self._now(), "password", but=caller.session_id)

    async def purge(self) -> None:
        """Forget what no decision depends on any more."""
        async with self._store.transaction() as tx:
            await tx.purge(self._now() - WINDOW, self._now() - KNOWN_FOR)

    async def _proved(self, email: str, password: str, address: str, *, known: bool = False) -> User:
        """The user whose password it is. The try counts before it is judged, so that many at once are all counted."""
        email = address_of_account(email)
        account, now = hash_secret(email), self._now()
        async with self._store.transaction() as tx:
            await tx.turn(account)
            user = await tx.user_at(email)
            known = known or (user is not None and await tx.known(user.id, address, now - KNOWN_FOR))
            admit(await tx.tries(account, address, now - WINDOW), now, known=known)
            await tx.add_try(new_id(), account, address, now, known=known)
        if not await self._passwords.verify(user.password_hash if user else None, password) or user is None:
            raise Unauthenticated("invalid_credentials", "the email address or the password is wrong")
        renewed = await self._passwords.hash(password) if self._passwords.outdated(user.password_hash) else ""
        async with self._store.transaction() as tx:
            await tx.forget_tries(account, address)
            if renewed:
                await tx.set_password(user.id, renewed)
        return user

    async def _begin(self, tx: Transaction, user: User, address: str) -> Tokens:
        now = self._now()
        session = Session(
            id=new_id(), user_id=user.id, address=address, create_time=now, expire_time=now + SESSION_LIFETIME
        )
        await tx.add_session(session)
        return await self._next(tx, session, user)

    async def _next(self, tx: Transaction, session: Session, user: User) -> Tokens:
        now, secret = self._now(), new_secret(REFRESH_PREFIX)
        token = RefreshToken(secret_hash=hash_secret(secret), session=session, expire_time=now + IDLE_LIFETIME)
        await tx.add_refresh_token(token)
        subject = Subject(id=user.id, tenant_id=user.tenant_id, scopes=user.role.scopes, session_id=session.id)
        return Tokens(access=(await signing_key(tx, now)).access(subject, now), refresh=secret)


async def _refresh_token(tx: Transaction, secret: str) -> RefreshToken:
    if (token := await tx.refresh_token(hash_secret(secret))) is None:
        raise Unauthenticated("invalid_refresh_token", "no such refresh token")
    return token


async def _user(tx: Transaction, user_id: str) -> User:
    if (user := await tx.user(user_id)) is None:
        raise Unauthenticated("invalid_refresh_token", "the user is gone")
    return user
