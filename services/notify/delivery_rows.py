"""Deliveries in Postgres."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from meshkit import telemetry
from meshkit.db import after_commit, fields_of
from meshkit.instruments import WEBHOOKS_ENDED
from meshkit.statements import Statement
from services.notify.delivery import IN_ORDER, Attempt, Delivery, State
from services.notify.webhook import Kind
from services.notify.webhook_rows import WEBHOOKS, WebhookRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.notify.webhook import Webhook

_TIME = sa.DateTime(timezone=True)
DELIVERIES = sa.Table(
    "deliveries",
    sa.MetaData(),
    sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("sequence", sa.BigInteger),
    sa.Column("webhook_id", sa.Uuid(as_uuid=False)),
    sa.Column("tenant_id", sa.Uuid(as_uuid=False)),
    sa.Column("event_id", sa.Text),
    sa.Column("type", sa.Text),
    sa.Column("asset_id", sa.Text),
    sa.Column("job_id", sa.Text),
    sa.Column("payload", sa.Text),
    sa.Column("headers", JSONB),
    sa.Column("state", sa.Text),
    sa.Column("tries", sa.Integer),
    sa.Column("attempts", sa.Integer),
    sa.Column("log", JSONB),
    sa.Column("lease_id", sa.Uuid(as_uuid=False)),
    sa.Column("next_attempt_time", _TIME),
    sa.Column("create_time", _TIME),
    sa.Column("end_time", _TIME),
)
_COLUMNS = [column for column in DELIVERIES.columns if column.name not in {"sequence", "lease_id"}]
_NAMES = [column.name for column in _COLUMNS]
_ALL_NAMES = [column.name for column in DELIVERIES.columns]
_CHANGES = ("state", "tries", "attempts", "next_attempt_time", "end_time")
# Every delivery goes through these.
_ADD = Statement(
    insert(DELIVERIES)
    .values({column.name: sa.bindparam(column.name, type_=column.type) for column in _COLUMNS})
    .on_conflict_do_nothing(constraint="deliveries_event_id_key")
)
_SAVING = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.id == sa.bindparam("the_id"))
    .values({name: sa.bindparam(name) for name in (*_CHANGES, "log")} | {"lease_id": None})
    .returning(DELIVERIES.c.id)
)
_SAVE = Statement(_SAVING)
_SETTLE = Statement(_SAVING.where(DELIVERIES.c.lease_id == sa.bindparam("the_lease")))
_PENDING = DELIVERIES.c.state == State.PENDING
# Webhook by webhook, so that the backlog of one is not searched through for the due of another.
_CLAIM = Statement(
    sa.text("""
    WITH chosen AS (
      SELECT due.id, w.kind FROM webhooks AS w CROSS JOIN LATERAL (
        SELECT d.id, d.next_attempt_time FROM deliveries AS d
        WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.next_attempt_time <= :now
          AND (d.asset_id = '' OR NOT EXISTS (
            SELECT FROM deliveries AS e
            WHERE e.webhook_id = d.webhook_id AND e.asset_id = d.asset_id AND e.state = 'pending'
              AND e.sequence < d.sequence AND e.tries < :in_order))
        ORDER BY d.next_attempt_time, d.sequence
        LIMIT greatest(0, CASE WHEN w.failing_since_time IS NULL THEN :each ELSE 1 END - (
          SELECT count(*) FROM deliveries AS l
          WHERE l.webhook_id = w.id AND l.lease_id IS NOT NULL AND l.next_attempt_time > :now))
        FOR UPDATE SKIP LOCKED
      ) AS due
      WHERE w.state = 'enabled' AND (w.paused_until_time IS NULL OR w.paused_until_time <= :now)
      ORDER BY due.next_attempt_time LIMIT :most
    )
    UPDATE deliveries SET lease_id = :lease_id,
      next_attempt_time = CASE chosen.kind WHEN 'analysis' THEN CAST(:analyses_until AS timestamptz) ELSE :until END
    FROM chosen WHERE deliveries.id = chosen.id
    RETURNING deliveries.*
""").columns(*DELIVERIES.columns)
)


class DeliveryRows(WebhookRows):
    made_due = False

    async def add_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            trace = telemetry.inject()
            await _ADD.run_each(self._connection, [_row(each) | {"headers": trace} for each in deliveries])
            self.made_due = True

    async def delivery(self, tenant_id: str, delivery_id: str, *, lock: bool = False) -> Delivery | None:
        statement = sa.select(*_COLUMNS).where(DELIVERIES.c.id == delivery_id, DELIVERIES.c.tenant_id == tenant_id)
        row = (await self._connection.execute(statement.with_for_update() if lock else statement)).first()
        return None if row is None else _delivery(fields_of(row))

    async def deliveries(
        self, webhook_id: str, state: State | None, *, before: str | None, limit: int
    ) -> Sequence[Delivery]:
        statement = sa.select(*_COLUMNS).where(DELIVERIES.c.webhook_id == webhook_id)
        if state:
            statement = statement.where(DELIVERIES.c.state == state)
        if before:
            statement = statement.where(DELIVERIES.c.id < before)
        rows = await self._connection.execute(statement.order_by(DELIVERIES.c.id.desc()).limit(limit))
        return [_delivery(fields_of(row)) for row in rows]

    async def claim(
        self,
        lease_id: str,
        now: datetime,
        until: datetime,
        *,
        most: int,
        each: int,
        analyses_until: datetime | None = None,
    ) -> Sequence[tuple[Delivery, Webhook]]:
        values = {"lease_id": lease_id, "now": now, "until": until, "most": most, "each": each, "in_order": IN_ORDER}
        values["analyses_until"] = analyses_until or until
        rows = [dict(zip(_ALL_NAMES, row, strict=True)) for row in await _CLAIM.run(self._connection, **values)]
        claimed = [_delivery(row) for row in sorted(rows, key=itemgetter("sequence"))]
        webhooks = await self.callers([each.webhook_id for each in claimed]) if claimed else {}
        return [(each, webhooks[each.webhook_id]) for each in claimed]

    async def save_delivery(self, delivery: Delivery, lease_id: str | None = None) -> bool:
        self.made_due = delivery.state is State.PENDING
        values = {"log": _log(delivery)} | {name: getattr(delivery, name) for name in _CHANGES}
        which = {"the_id": delivery.id} | ({"the_lease": lease_id} if lease_id else {})
        saved = await (_SETTLE if lease_id else _SAVE).first(self._connection, **values | which) is not None
        if saved and delivery.state is not State.PENDING:
            after_commit(self._connection, lambda: WEBHOOKS_ENDED.add(state=delivery.state))
        return saved

    async def release(self, lease_ids: Sequence[str], now: datetime) -> None:
        statement = sa.update(DELIVERIES).where(DELIVERIES.c.lease_id.in_(lease_ids))
        await self._connection.execute(statement.values(lease_id=None, next_attempt_time=now))

    async def replay(
        self, webhook_id: str, states: Sequence[State], start: datetime, end: datetime, now: datetime
    ) -> int:
        statement = sa.update(DELIVERIES).where(
            DELIVERIES.c.webhook_id == webhook_id,
            DELIVERIES.c.state.in_(states),
            DELIVERIES.c.create_time >= start,
            DELIVERIES.c.create_time < end,
        )
        self.made_due = True
        again = {"state": State.PENDING, "tries": 0, "next_attempt_time": now, "end_time": None}
        return int((await self._connection.execute(statement.values(again))).rowcount)

    async def end_pending(self, webhook_id: str, now: datetime) -> None:
        statement = sa.update(DELIVERIES).where(DELIVERIES.c.webhook_id == webhook_id, _PENDING)
        over = {"state": State.FAILED, "next_attempt_time": None, "lease_id": None, "end_time": now}
        await self._connection.execute(statement.values(over))

    async def purge_deliveries(self, ended_before: datetime) -> None:
        await self._connection.execute(sa.delete(DELIVERIES).where(DELIVERIES.c.end_time < ended_before))
        unused = sa.select(WEBHOOKS.c.id).where(
            WEBHOOKS.c.kind == Kind.CALLBACK,
            WEBHOOKS.c.create_time < ended_before,
            ~sa.exists().where(DELIVERIES.c.webhook_id == WEBHOOKS.c.id),
        )
        await self._connection.execute(sa.delete(WEBHOOKS).where(WEBHOOKS.c.id.in_(unused)))


def _row(delivery: Delivery) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in _NAMES} | {"log": _log(delivery)}


def _log(delivery: Delivery) -> list[dict[str, Any]]:
    return [asdict(each) | {"start_time": each.start_time.isoformat()} for each in delivery.log]


def _delivery(row: Mapping[str, Any]) -> Delivery:
    values = {name: row[name] for name in _NAMES}
    log = tuple(Attempt(**each | {"start_time": datetime.fromisoformat(each["start_time"])}) for each in values["log"])
    return Delivery(**values | {"state": State(values["state"]), "log": log})
