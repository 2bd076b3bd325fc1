"""Webhooks, and what is delivered to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", JSONB, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("disabled_reason", sa.Text, nullable=False),
        sa.Column("secrets", JSONB, nullable=False),
        sa.Column("failing_since_time", _TIME),
        sa.Column("paused_until_time", _TIME),
        sa.Column("request_id", sa.Text),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("update_time", _TIME, nullable=False),
        sa.UniqueConstraint("tenant_id", "kind", "request_id", name="webhooks_request_id_key"),
    )
    op.create_index("webhooks_tenant_id_id", "webhooks", ["tenant_id", sa.text("id DESC")])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid, primary_key=True),
        # The database numbers them: clocks of replicas differ.
        sa.Column("sequence", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("webhook_id", sa.Uuid, sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("asset_id", sa.Text, nullable=False),
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("log", JSONB, nullable=False),
        sa.Column("lease_id", sa.Uuid),
        sa.Column("next_attempt_time", _TIME),
        sa.Column("create_time", _TIME, nullable=False),
        sa.Column("end_time", _TIME),
        sa.UniqueConstraint("webhook_id", "event_id", name="deliveries_event_id_key"),
    )
    pending = sa.text("state = 'pending'")
    op.create_index("deliveries_webhook_id_id", "deliveries", ["webhook_id", sa.text("id DESC")])
    op.create_index("deliveries_due", "deliveries", ["webhook_id", "next_attempt_time"], postgresql_where=pending)
    op.create_index("deliveries_order", "deliveries", ["webhook_id", "asset_id", "sequence"], postgresql_where=pending)
    leased = sa.text("lease_id IS NOT NULL")
    op.create_index("deliveries_leased", "deliveries", ["webhook_id"], postgresql_where=leased)
    op.create_index("deliveries_end_time", "deliveries", ["end_time"])
