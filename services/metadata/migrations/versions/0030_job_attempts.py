"""How often the job that an asset follows was begun."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("assets", sa.Column("job_attempts", sa.Integer, nullable=False, server_default="0"))
