"""What workers ran for their tasks, and what that last said."""

import sqlalchemy as sa
from alembic import op

revision = "0077"
down_revision = "0076"


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("job_id", sa.Uuid, sa.ForeignKey("jobs.id", name="attempts_job_id_fkey"), nullable=False),
        sa.Column("task_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("index", sa.Integer, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("worker_id", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("task_id", "epoch", name="attempts_task_id_epoch_key"),
    )
    op.create_index("attempts_job_id_id", "attempts", ["job_id", sa.text("id DESC")])
    op.create_index("attempts_create_time", "attempts", ["create_time"])
