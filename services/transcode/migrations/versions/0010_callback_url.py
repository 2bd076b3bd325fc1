"""Where to tell how a job ended."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("callback_url", sa.Text, nullable=False, server_default=""))
