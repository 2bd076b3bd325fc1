"""What a source's sender says that it hashes to."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("sources", sa.Column("sha256", sa.Text, nullable=False, server_default=""))
