"""What is found of a stream until it is told, and since when a job that goes on is ready."""

import sqlalchemy as sa
from alembic import op

revision = "0086"
down_revision = "0080"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("ready_time", sa.DateTime(timezone=True)))
    job_id = sa.ForeignKey("jobs.id", name="analyses_job_id_fkey")
    op.create_table(
        "analyses",
        sa.Column("job_id", sa.Uuid, job_id, primary_key=True),
        sa.Column("index", sa.Integer, primary_key=True),
        sa.Column("part_json", sa.Text, nullable=False),
    )
