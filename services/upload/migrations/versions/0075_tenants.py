"""What each tenant has stored and begun, and may; and what each upload counts for."""

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0031"


def upgrade() -> None:
    op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("bytes_stored", sa.BigInteger, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("uploads", sa.BigInteger, nullable=False),
        sa.Column("max_bytes_stored", sa.BigInteger),
        sa.Column("max_uploads_per_day", sa.BigInteger),
        sa.Column("object_key_template", sa.Text),
    )
    op.add_column("uploads", sa.Column("charged", sa.BigInteger, nullable=False, server_default="0"))
    # Those of assets that were hard-deleted meanwhile are told once more by what metadata has said in the last days.
    op.execute("UPDATE uploads SET charged = size WHERE state = 'completed' OR error_code = 'checksum_mismatch'")
    op.execute("UPDATE uploads SET charged = size WHERE state = 'receiving' AND NOT size_deferred")
    op.execute("UPDATE uploads SET charged = received WHERE state = 'receiving' AND size_deferred AND part_size > 0")
    today = "(create_time AT TIME ZONE 'UTC')::date = (now() AT TIME ZONE 'UTC')::date"
    op.execute(
        "INSERT INTO tenants (tenant_id, bytes_stored, day, uploads) "
        "SELECT tenant_id, sum(charged), (now() AT TIME ZONE 'UTC')::date, "
        f"count(*) FILTER (WHERE {today} AND state IN ('receiving', 'completed')) FROM uploads GROUP BY tenant_id"
    )
