"""Whose turn it is: tenants share the workers fairly, and each one's tasks go by when they are due.

Start-time fair queueing (Goyal, Vin and Cheng, 1996) between tenants: `spent` is a tenant's virtual time, which grows
by the weight of each task that a worker takes. Its row is locked until the claim commits, so that claims of one tenant
take turns. Every step is a look into an index, whatever the number of tasks and jobs; each tenant whose tasks all wait
for their backoff costs two looks more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from meshkit.statements import Statement
from services.transcode.scheduler.statements import FIRST_DUE, LEAST_SERVED
from services.transcode.scheduler.tables import ID, QUEUED, SHARES, TASKS

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from sqlalchemy.ext.asyncio import AsyncConnection

# Where those who wait stand; when nobody does, where the last of them stood.
_NOW = sa.func.coalesce(
    sa.select(sa.func.min(SHARES.c.spent)).where(SHARES.c.active).scalar_subquery(),
    sa.select(sa.func.max(SHARES.c.spent)).scalar_subquery(),
    0.0,
)


_JOINING = insert(SHARES).values(tenant_id=sa.bindparam("tenant_id", type_=ID), spent=_NOW, active=sa.true())
_WAIT = Statement(
    _JOINING.on_conflict_do_update(
        index_elements=["tenant_id"],
        set_={"active": sa.true(), "spent": sa.func.greatest(SHARES.c.spent, _JOINING.excluded.spent)},
        where=~SHARES.c.active,
    )
)


async def wait(connection: AsyncConnection, tenant_id: str) -> None:
    """The tenant has a task that waits."""
    await _WAIT.run(connection, tenant_id=tenant_id)


async def refund(connection: AsyncConnection, tenant_id: str, weight: float) -> None:
    """Give back what the tenant was charged for a task that was not done."""
    spent = SHARES.c.spent - weight
    await connection.execute(sa.update(SHARES).where(SHARES.c.tenant_id == tenant_id).values(spent=spent))


async def find(connection: AsyncConnection, now: datetime) -> tuple[Any, ...] | None:
    """The columns of the task whose turn it is, then those of its job; its tenant's share is locked."""
    passed: list[str] = []
    while share := await LEAST_SERVED.first(connection, passed=passed):
        tenant_id = share[0]
        if row := await FIRST_DUE.first(connection, tenant_id=tenant_id, now=now):
            return row
        if await _has_queued(connection, tenant_id):
            passed.append(tenant_id)
        else:
            idle = sa.update(SHARES).where(SHARES.c.tenant_id == tenant_id).values(active=False)
            await connection.execute(idle)
    return None


async def _has_queued(connection: AsyncConnection, tenant_id: str) -> bool:
    found = sa.select(TASKS.c.id).where(TASKS.c.tenant_id == tenant_id, QUEUED).limit(1)
    return (await connection.execute(found)).first() is not None
