"""What was said by each request that named itself."""

from alembic import op

from meshkit import once

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    once.create_table(op)
