"""A job's speed, and whether what a lost one made is gone."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("weight_reached", sa.Double, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("pace_time", sa.DateTime(timezone=True)))
    op.add_column("jobs", sa.Column("pace_weight", sa.Double, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("collected", sa.Boolean, nullable=False, server_default="false"))
    lost = sa.text("state IN ('failed', 'cancelled') AND NOT collected")
    op.create_index("jobs_lost", "jobs", ["end_time"], postgresql_where=lost)
