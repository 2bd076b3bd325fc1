"""Sources, jobs, tasks, tenants' shares, renditions and segments, and the outbox and inbox beside them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from meshkit import outbox

revision = "0001"
down_revision = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _sources()
    _jobs()
    _tasks()
    _results()
    outbox.create_tables(op)


def _sources() -> None:
    op.create_table(
        "sources",
        sa.Column("asset_id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("asset_id", sa.Uuid, nullable=False),
        sa.Column("upload_id", sa.Uuid),
        sa.Column("request_id", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("preset", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("source_key", sa.Text, nullable=False),
        sa.Column("source_size", sa.BigInteger, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("progress_time", TIME),
        sa.Column("playable", sa.Boolean, nullable=False),
        sa.Column("facts", JSONB),
        sa.Column("tasks_total", sa.Integer, nullable=False),
        sa.Column("tasks_done", sa.Integer, nullable=False),
        sa.Column("tasks_published", sa.Integer, nullable=False),
        sa.Column("tasks_told", sa.Integer, nullable=False),
        sa.Column("weight_total", sa.Double, nullable=False),
        sa.Column("weight_done", sa.Double, nullable=False),
        sa.Column("outputs", JSONB, nullable=False),
        sa.Column("error_code", sa.Text, nullable=False),
        sa.Column("error_message", sa.Text, nullable=False),
        sa.Column("create_time", TIME, nullable=False),
        sa.Column("update_time", TIME, nullable=False),
        sa.Column("start_time", TIME),
        sa.Column("probe_time", TIME),
        sa.Column("playable_time", TIME),
        sa.Column("encode_time", TIME),
        sa.Column("end_time", TIME),
        sa.UniqueConstraint("tenant_id", "request_id", name="jobs_request_id_key"),
    )
    op.create_index("jobs_tenant_id_id", "jobs", ["tenant_id", sa.text("id DESC")])
    op.create_index("jobs_asset_id", "jobs", ["asset_id"])
    op.create_index("jobs_encoded", "jobs", ["encode_time"], postgresql_where=sa.text("state = 'running'"))


def _tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("job_id", sa.Uuid, sa.ForeignKey("jobs.id", name="tasks_job_id_fkey"), nullable=False),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("index", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_time", TIME, nullable=False),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("spec", JSONB, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("worker_id", sa.Text, nullable=False),
        sa.Column("lease_expire_time", TIME),
        sa.Column("not_before", TIME),
        sa.Column("queue_time", TIME, nullable=False),
        sa.Column("trace", JSONB, nullable=False),
        sa.Column("error_code", sa.Text, nullable=False),
        sa.Column("error_message", sa.Text, nullable=False),
    )
    op.create_index("tasks_running", "tasks", ["lease_expire_time"], postgresql_where=sa.text("state = 'running'"))
    op.create_index("tasks_queued", "tasks", ["queue_time"], postgresql_where=sa.text("state = 'queued'"))
    op.create_index("tasks_due", "tasks", ["tenant_id", "due_time", "id"], postgresql_where=sa.text("state = 'queued'"))
    waiting = sa.text("state = 'queued' AND not_before IS NOT NULL")
    op.create_index("tasks_backoff", "tasks", ["not_before"], postgresql_where=waiting)
    op.create_index("tasks_job_id_state", "tasks", ["job_id", "state"])
    op.create_table(
        "shares",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("spent", sa.Double, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
    )
    op.create_index("shares_waiting", "shares", ["spent", "tenant_id"], postgresql_where=sa.text("active"))
    op.create_index("shares_spent", "shares", ["spent"])


def _results() -> None:
    op.create_table(
        "renditions",
        sa.Column("job_id", sa.Uuid, sa.ForeignKey("jobs.id", name="renditions_job_id_fkey"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("frame_rate", sa.Text, nullable=False),
        sa.Column("init_key", sa.Text, nullable=False),
        sa.Column("codec", sa.Text, nullable=False),
        sa.Column("timescale", sa.Integer, nullable=False),
    )
    op.create_table(
        "segments",
        sa.Column("job_id", sa.Uuid, sa.ForeignKey("jobs.id", name="segments_job_id_fkey"), primary_key=True),
        sa.Column("rendition", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("ticks", sa.BigInteger, nullable=False),
    )
