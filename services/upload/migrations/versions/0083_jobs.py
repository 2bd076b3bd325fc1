"""What an upload wants of the job that follows it, and that job's id."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0083"
down_revision = "0075"


def upgrade() -> None:
    op.add_column("uploads", sa.Column("job", JSONB, nullable=False, server_default="{}"))
    op.add_column("uploads", sa.Column("job_id", sa.Text, nullable=False, server_default=""))
