"""What an asset's upload wants of its job."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0083"
down_revision = "0076"


def upgrade() -> None:
    op.add_column("assets", sa.Column("job", JSONB, nullable=False, server_default="{}"))
