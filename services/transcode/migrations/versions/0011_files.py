"""Plain files that jobs made, and the counts of tasks that encode no part of a stream."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("beside", JSONB, nullable=False, server_default="{}"))
    op.create_table(
        "files",
        sa.Column("job_id", sa.Uuid, sa.ForeignKey("jobs.id", name="files_job_id_fkey"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("duration", sa.Double, nullable=False),
        sa.Column("codec", sa.Text, nullable=False),
        sa.Column("bit_rate", sa.BigInteger, nullable=False),
    )
