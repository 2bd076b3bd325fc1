"""The users of a tenant, as its owners see them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit import pages
from meshkit.clock import utc_now
from meshkit.errors import Conflict, NotFound
from meshkit.ids import new_id
from services.identity.domain import User, address_of_account
from services.identity.roles import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.identity.ports import Passwords, Store, Transaction


class Members:
    def __init__(self, store: Store, passwords: Passwords, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._passwords = passwords
        self._now = now

    async def create(self, tenant_id: str, email: str, password: str, role: Role) -> User:
        """Raises AlreadyExists (`email_taken`)."""
        user = User(
            id=new_id(),
            tenant_id=tenant_id,
            email=address_of_account(email),
            password_hash=await self._passwords.hash(password),
            role=role,
            create_time=self._now(),
        )
        async with self._store.transaction() as tx:
            await tx.add_user(user)
        return user

    async def page(self, tenant_id: str, page_size: int, page_token: str) -> tuple[list[User], str]:
        size = page_size or pages.DEFAULT_SIZE
        async with self._store.transaction() as tx:
            rows = await tx.users(tenant_id, before=pages.before(page_token), limit=size + 1)
        return pages.page(rows, size)

    async def change(self, tenant_id: str, user_id: str, role: Role) -> User:
        """Tokens of the old role are good for the rest of their ten minutes."""
        async with self._store.transaction() as tx:
            user = await self._leavable(tx, tenant_id, user_id, role)
            await tx.set_role(user.id, role)
        return replace(user, role=role)

    async def delete(self, tenant_id: str, user_id: str) -> None:
        async with self._store.transaction() as tx:
            await tx.drop_user(await self._leavable(tx, tenant_id, user_id, None))

    async def _leavable(self, tx: Transaction, tenant_id: str, user_id: str, role: Role | None) -> User:
        """The user, who can take `role`, or none, without leaving the tenant to nobody."""
        owners = [owner.id for owner in await tx.owners(tenant_id)]
        user = await tx.user(user_id)
        if user is None or user.tenant_id != tenant_id:
            raise NotFound("user_not_found", "no such user")
        if role is not Role.OWNER and owners == [user.id]:
            raise Conflict("last_owner", "a tenant needs an owner")
        return user
