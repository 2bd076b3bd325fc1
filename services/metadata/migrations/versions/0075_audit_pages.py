"""The audit log of a tenant, page by page."""

from alembic import op

revision = "0075"
down_revision = "0031"


def upgrade() -> None:
    op.create_index("audit_tenant_id_id", "audit", ["tenant_id", "id"])
