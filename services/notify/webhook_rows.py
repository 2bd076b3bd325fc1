"""Webhooks in Postgres."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from meshkit import once, outbox
from meshkit.statements import Statement
from services.notify import webhook_wire
from services.notify.webhook import Kind, Secret, State, Webhook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from services.notify.domain import Event

_TIME = sa.DateTime(timezone=True)
WEBHOOKS = sa.Table(
    "webhooks",
    sa.MetaData(),
    sa.Column("id", sa.Uuid(as_uuid=False), primary_key=True),
    sa.Column("tenant_id", sa.Uuid(as_uuid=False)),
    sa.Column("url", sa.Text),
    sa.Column("events", JSONB),
    sa.Column("description", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("state", sa.Text),
    sa.Column("disabled_reason", sa.Text),
    sa.Column("secrets", JSONB),
    sa.Column("failing_since_time", _TIME),
    sa.Column("paused_until_time", _TIME),
    sa.Column("request_id", sa.Text),
    sa.Column("revision", sa.Integer),
    sa.Column("create_time", _TIME),
    sa.Column("update_time", _TIME),
)
_COLUMNS = [column for column in WEBHOOKS.columns if column.name != "request_id"]
_NAMES = [column.name for column in _COLUMNS]
_OF_TENANT = (
    sa.select(*_COLUMNS)
    .where(WEBHOOKS.c.tenant_id == sa.bindparam("tenant"), WEBHOOKS.c.kind == Kind.WEBHOOK)
    .order_by(WEBHOOKS.c.id.desc())
)
# What every event asks for, and every claim.
_LISTENING = Statement(_OF_TENANT)
_CALLED = Statement(
    sa.select(*_COLUMNS).where(WEBHOOKS.c.id == sa.any_(sa.bindparam("ids", type_=ARRAY(WEBHOOKS.c.id.type))))
)


class WebhookRows:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_webhook(self, webhook: Webhook, request_id: str) -> Webhook:
        await once.only(self._connection, webhook.tenant_id, request_id)
        row = _row(webhook) | {"request_id": request_id or None}
        statement = insert(WEBHOOKS).values(row).on_conflict_do_nothing(constraint="webhooks_request_id_key")
        if (await self._connection.execute(statement.returning(WEBHOOKS.c.id))).first() is not None:
            return webhook
        same = {"tenant_id": webhook.tenant_id, "kind": webhook.kind, "request_id": request_id}
        [kept] = await self._where(*(WEBHOOKS.c[name] == value for name, value in same.items()))
        return kept

    async def webhook(self, tenant_id: str, webhook_id: str, *, lock: bool = False) -> Webhook | None:
        found = await self._where(WEBHOOKS.c.id == webhook_id, WEBHOOKS.c.tenant_id == tenant_id, lock=lock)
        return found[0] if found else None

    async def webhooks(self, tenant_id: str, *, before: str | None = None, limit: int | None = None) -> list[Webhook]:
        if before is None and limit is None:
            return [_webhook(row) for row in await _LISTENING.run(self._connection, tenant=tenant_id)]
        statement = _OF_TENANT.where(WEBHOOKS.c.id < before) if before else _OF_TENANT
        statement = statement.limit(limit) if limit else statement
        return [_webhook(row) for row in await self._connection.execute(statement, {"tenant": tenant_id})]

    async def analysis_hook(self, tenant_id: str, *, lock: bool = False) -> Webhook | None:
        mine = WEBHOOKS.c.tenant_id == tenant_id, WEBHOOKS.c.kind == Kind.ANALYSIS
        found = await self._where(*mine, lock=lock)
        return found[0] if found else None

    async def callers(self, ids: Sequence[str]) -> dict[str, Webhook]:
        """By id, and callbacks with the secrets of their tenant."""
        found = [_webhook(row) for row in await _CALLED.run(self._connection, ids=ids)]
        tenants = {each.tenant_id for each in found if each.kind is Kind.CALLBACK}
        default = [WEBHOOKS.c.kind == Kind.DEFAULT, WEBHOOKS.c.tenant_id.in_(tenants)]
        secrets = {each.tenant_id: each.secrets for each in await self._where(*default)} if tenants else {}
        return {
            each.id: replace(each, secrets=secrets[each.tenant_id]) if each.kind is Kind.CALLBACK else each
            for each in found
        }

    async def save_webhook(self, webhook: Webhook) -> None:
        await self._connection.execute(sa.update(WEBHOOKS).where(WEBHOOKS.c.id == webhook.id).values(_row(webhook)))

    async def remove_webhook(self, webhook: Webhook) -> None:
        await self._connection.execute(sa.delete(WEBHOOKS).where(WEBHOOKS.c.id == webhook.id))

    async def say_disabled(self, webhook: Webhook) -> Event:
        await outbox.emit(self._connection, webhook_wire.to_disabled(webhook), webhook.id)
        return webhook_wire.to_event(webhook)

    async def _where(self, *where: sa.ColumnElement[bool], lock: bool = False) -> list[Webhook]:
        statement = sa.select(*_COLUMNS).where(*where)
        # No stronger lock: new deliveries may refer to it meanwhile.
        rows = await self._connection.execute(statement.with_for_update(key_share=True) if lock else statement)
        return [_webhook(row) for row in rows]


def _row(webhook: Webhook) -> dict[str, Any]:
    secrets = [
        {"text": each.text, "expire_time": each.expire_time.isoformat() if each.expire_time else None}
        for each in webhook.secrets
    ]
    return asdict(webhook) | {"events": list(webhook.events), "secrets": secrets}


def _webhook(row: Sequence[Any]) -> Webhook:
    values = dict(zip(_NAMES, row, strict=True))
    secrets = tuple(
        Secret(
            text=each["text"], expire_time=datetime.fromisoformat(each["expire_time"]) if each["expire_time"] else None
        )
        for each in values["secrets"]
    )
    return Webhook(
        **values
        | {
            "kind": Kind(values["kind"]),
            "state": State(values["state"]),
            "events": tuple(values["events"]),
            "secrets": secrets,
        }
    )
