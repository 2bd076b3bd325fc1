"""Tenants, API keys and signing keys, and the outbox and inbox beside them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from meshkit import outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "tenants",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("create_time", time, nullable=False),
        sa.UniqueConstraint("name", name="tenants_name_key"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("create_time", time, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="api_keys_tenant_id_fkey"),
        sa.UniqueConstraint("tenant_id", "name", name="api_keys_name_key"),
        sa.UniqueConstraint("secret_hash", name="api_keys_secret_hash_key"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Uuid, primary_key=True),
        sa.Column("private_key", sa.LargeBinary, nullable=False),
        sa.Column("create_time", time, nullable=False),
        sa.Column("retire_time", time),
    )
    outbox.create_tables(op)
