"""A request that names itself counts once, and only as it was said the first time.

What a request says besides its `request_id` is hashed as it comes in; the transaction that makes the resource keeps the
hash. The same id with another request is a conflict, however close together both come.
"""

from __future__ import annotations

import hashlib
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from meshkit.errors import Conflict
from meshkit.statements import Statement

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from sqlalchemy.ext.asyncio import AsyncConnection

    from meshkit.direct import Direct

REQUESTS = sa.Table(
    "requests",
    sa.MetaData(),
    sa.Column("tenant_id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("create_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
_KEY = {name: sa.bindparam(name, type_=REQUESTS.c[name].type) for name in ("tenant_id", "kind", "request_id")}
_KEEP = Statement(insert(REQUESTS).values(**_KEY, hash=sa.bindparam("hash")).on_conflict_do_nothing())
_KEPT_HASH = Statement(sa.select(REQUESTS.c.hash).where(*(REQUESTS.c[name] == value for name, value in _KEY.items())))
_ASIDE = ("request_id", "in_series")
"""Fields that say which request it is, or how to answer, and not what is wanted."""
_KEPT = timedelta(days=30)
_said: ContextVar[tuple[str, str] | None] = ContextVar("said", default=None)


def create_table(op: Any) -> None:
    """For a migration of a service."""
    REQUESTS.create(op.get_bind())


def begin(request: Message) -> None:
    """From here on this task acts on `request`."""
    if not getattr(request, "request_id", ""):
        _said.set(None)
        return
    rest = type(request)()
    rest.CopyFrom(request)
    for name in _ASIDE:
        if name in rest.DESCRIPTOR.fields_by_name:
            rest.ClearField(name)
    digest = hashlib.sha256(rest.SerializeToString(deterministic=True)).hexdigest()
    _said.set((request.DESCRIPTOR.full_name, digest))


async def only(connection: AsyncConnection | Direct, tenant_id: str, request_id: str) -> None:
    """Raises Conflict (`idempotency_key_reused`) when the tenant said something else by that id before.

    Of an id that no request brought, nothing.
    """
    said = _said.get()
    if said is None or not request_id:
        return
    kind, digest = said
    mine = {"tenant_id": tenant_id, "kind": kind, "request_id": request_id}
    await _KEEP.run(connection, **mine, hash=digest)
    if await _KEPT_HASH.run(connection, **mine) != [(digest,)]:
        raise Conflict("idempotency_key_reused", "the same key came with another request before")


async def purge(connection: AsyncConnection) -> None:
    """Forget what was said so long ago that nobody repeats it."""
    await connection.execute(sa.delete(REQUESTS).where(REQUESTS.c.create_time < sa.func.now() - _KEPT))
