"""What outside services say of assets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0090"
down_revision = "0083"


def upgrade() -> None:
    op.add_column("assets", sa.Column("analysis", JSONB(none_as_null=True)))
    op.create_table(
        "answers",
        sa.Column("asset_id", sa.Uuid, sa.ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("answer", sa.Text, nullable=False),
    )
