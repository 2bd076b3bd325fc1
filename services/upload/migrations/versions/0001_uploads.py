"""Uploads, and the outbox and inbox beside them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from meshkit import outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "uploads",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("asset_id", sa.Uuid, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("preset", sa.Text, nullable=False),
        sa.Column("labels", JSONB, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("passthrough", sa.Text, nullable=False),
        sa.Column("part_size", sa.BigInteger, nullable=False),
        sa.Column("part_count", sa.Integer, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("multipart_id", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        sa.Column("expire_time", time, nullable=False),
        sa.Column("create_time", time, nullable=False),
        sa.Column("update_time", time, nullable=False),
        sa.Column("error_code", sa.Text, nullable=False),
        sa.Column("error_message", sa.Text, nullable=False),
        sa.UniqueConstraint("tenant_id", "request_id", name="uploads_request_id_key"),
    )
    op.create_index("uploads_tenant_id_id", "uploads", ["tenant_id", sa.text("id DESC")])
    op.create_index(
        "uploads_receiving_expire_time", "uploads", ["expire_time"], postgresql_where=sa.text("state = 'receiving'")
    )
    outbox.create_tables(op)
