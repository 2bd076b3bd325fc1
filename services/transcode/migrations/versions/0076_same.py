"""What makes two jobs one: the source's bytes, and what is made of them."""

import sqlalchemy as sa
from alembic import op

revision = "0076"
down_revision = "0075"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("making", sa.Text, nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("source_sha256", sa.Text, nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("same_as", sa.Uuid))
    known = sa.text("source_sha256 <> ''")
    op.create_index("jobs_same", "jobs", ["tenant_id", "source_sha256", "making"], postgresql_where=known)
    waits = sa.text("state = 'running' AND same_as IS NOT NULL")
    op.create_index("jobs_waiting", "jobs", ["id"], postgresql_where=waits)
