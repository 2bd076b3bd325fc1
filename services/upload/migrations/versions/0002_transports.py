"""Other ways in than presigned parts: how far the bytes reach, and who may say so."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    for column in (
        sa.Column("transport", sa.Text, nullable=False, server_default="presigned"),
        sa.Column("received", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("size_deferred", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("client_metadata", sa.Text, nullable=False, server_default=""),
        sa.Column("source_url", sa.Text, nullable=False, server_default=""),
        sa.Column("epoch", sa.Integer, nullable=False, server_default="0"),
        sa.Column("tail_key", sa.Text, nullable=False, server_default=""),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("held_until", time),
        sa.Column("look_time", time),
        sa.Column("progress_time", time),
    ):
        op.add_column("uploads", column)
    op.create_index(
        "uploads_receiving_look_time", "uploads", ["look_time"], postgresql_where=sa.text("state = 'receiving'")
    )
    op.create_index("uploads_asset_id", "uploads", ["asset_id"])
