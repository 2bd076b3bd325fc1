"""Votes, history, the audit log, retention and removals; and what lists need to be quick."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0002"
down_revision = "0001"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _assets()
    _of_an_asset()
    _audit()
    op.create_table(
        "retention",
        sa.Column("tenant_id", sa.Uuid, primary_key=True),
        sa.Column("original_days", sa.Integer),
        sa.Column("deleted_days", sa.Integer),
    )
    op.create_table(
        "removals",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("asset_id", sa.Uuid, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("purge", sa.Boolean, nullable=False),
        sa.Column("due_time", TIME, nullable=False),
        sa.Column("rounds", sa.Integer, nullable=False),
    )
    op.create_index("removals_due_time", "removals", ["due_time"])
    op.create_index("removals_asset_id", "removals", ["asset_id"])


def _assets() -> None:
    op.add_column("assets", sa.Column("preset", sa.Text, nullable=False, server_default=""))
    op.add_column("assets", sa.Column("declared_sha256", sa.Text, nullable=False, server_default=""))
    op.add_column("assets", sa.Column("votes", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("assets", sa.Column("ready_time", TIME))
    op.add_column("assets", sa.Column("deleted_state", sa.Text))
    op.add_column("assets", sa.Column("source_delete_time", TIME))
    op.execute("UPDATE assets SET ready_time = update_time WHERE state = 'ready'")
    # Bytes in order: a page must end where the next begins, whatever the database's language.
    for column in ("create_time", "update_time", 'file_name COLLATE "C"', "size", "votes"):
        name = column.split()[0]
        op.create_index(f"assets_tenant_id_{name}", "assets", ["tenant_id", sa.text(column), "id"])
    op.drop_index("assets_tenant_id_id")
    deleted, kept = sa.text("state = 'deleted'"), sa.text("state = 'ready' AND source_delete_time IS NULL")
    op.create_index("assets_deleted", "assets", ["tenant_id", "delete_time"], postgresql_where=deleted)
    op.create_index("assets_sources", "assets", ["tenant_id", "ready_time"], postgresql_where=kept)


def _of_an_asset() -> None:
    op.create_table(
        "votes",
        sa.Column("asset_id", sa.Uuid, sa.ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("create_time", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "history",
        sa.Column("asset_id", sa.Uuid, sa.ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("fact", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("job_id", sa.Text, nullable=False),
        sa.Column("changed", ARRAY(sa.Text), nullable=False),
        sa.Column("error_code", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("create_time", TIME, nullable=False),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("asset_id", sa.Uuid, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("create_time", TIME, nullable=False),
        sa.Column("repeat_key", sa.Text),
        sa.UniqueConstraint("repeat_key", name="audit_repeat_key_key"),
    )
    op.create_index("audit_tenant_id_asset_id", "audit", ["tenant_id", "asset_id", "id"])
    op.execute(
        "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN RAISE EXCEPTION 'the audit log only grows'; END$$"
    )
    op.execute(
        "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()"
    )
