"""Assets, and the outbox and inbox beside them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from meshkit import outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "assets",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("upload_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("playable", sa.Boolean, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("labels", JSONB, nullable=False),
        sa.Column("visibility", sa.Text, nullable=False),
        sa.Column("passthrough", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text, nullable=False),
        sa.Column("error_message", sa.Text, nullable=False),
        sa.Column("media", JSONB(none_as_null=True)),
        sa.Column("outputs", JSONB, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("playback_id", sa.Uuid, nullable=False),
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("object_prefix", sa.Text, nullable=False),
        sa.Column("create_time", time, nullable=False),
        sa.Column("update_time", time, nullable=False),
        sa.Column("delete_time", time),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("playback_id", name="assets_playback_id_key"),
    )
    op.create_index("assets_tenant_id_id", "assets", ["tenant_id", sa.text("id DESC")])
    op.create_index(
        "assets_labels", "assets", ["labels"], postgresql_using="gin", postgresql_ops={"labels": "jsonb_path_ops"}
    )
    outbox.create_tables(op)
