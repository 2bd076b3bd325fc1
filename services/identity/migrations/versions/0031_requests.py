"""What was said by each request that named itself."""

from alembic import op

from meshkit import once

revision = "0031"
down_revision = "0002"


def upgrade() -> None:
    once.create_table(op)
