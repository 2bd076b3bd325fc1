"""What each tenant has had encoded, and may; and what its jobs hold until they are over."""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0052"


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.Column("max_concurrent_jobs", sa.BigInteger),
        sa.Column("max_encode_minutes", sa.BigInteger),
    )
    op.create_table(
        "holds",
        sa.Column("job_id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("waiting", sa.Boolean, nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
    )
    op.create_index("holds_tenant_id", "holds", ["tenant_id"])
    op.create_index("holds_waiting", "holds", ["tenant_id"], postgresql_where=sa.text("waiting"))
    op.execute(
        "INSERT INTO holds (job_id, tenant_id, waiting, month, seconds) "
        "SELECT id, tenant_id, false, '0001-01-01', 0 FROM jobs WHERE state IN ('queued', 'running')"
    )
