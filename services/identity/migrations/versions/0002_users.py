"""Users and their sessions, login tries, keys that users make, and signing keys that take turns."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _users()
    _sessions()
    _keys()


def _users() -> None:
    # Tenants of users are named as their users like; only ours are looked up by name.
    op.drop_constraint("tenants_name_key", "tenants")
    built_in = sa.text("name IN ('default', 'system')")
    op.create_index("tenants_built_in", "tenants", ["name"], unique=True, postgresql_where=built_in)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("create_time", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="users_tenant_id_fkey"),
        sa.UniqueConstraint("email", name="users_email_key"),
    )
    op.create_index("users_tenant_id", "users", ["tenant_id", "id"])


def _sessions() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("create_time", time, nullable=False),
        sa.Column("expire_time", time, nullable=False),
        sa.Column("end_time", time),
        sa.Column("end_reason", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="sessions_user_id_fkey", ondelete="CASCADE"),
    )
    op.create_index("sessions_user_id", "sessions", ["user_id", "address"])
    op.create_index("sessions_create_time", "sessions", ["create_time"])
    op.create_table(
        "refresh_tokens",
        sa.Column("secret_hash", sa.LargeBinary, primary_key=True),
        sa.Column("session_id", sa.Uuid, nullable=False),
        sa.Column("expire_time", time, nullable=False),
        sa.Column("spend_time", time),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name="refresh_tokens_session_id_fkey", ondelete="CASCADE"
        ),
    )
    op.create_index("refresh_tokens_session_id", "refresh_tokens", ["session_id"])
    op.create_table(
        "login_tries",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("account_hash", sa.LargeBinary, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("known", sa.Boolean, nullable=False),
        sa.Column("create_time", time, nullable=False),
    )
    op.create_index("login_tries_account_hash", "login_tries", ["account_hash", "create_time"])
    op.create_index("login_tries_address", "login_tries", ["address", "create_time"])


def _keys() -> None:
    time = sa.DateTime(timezone=True)
    op.add_column("api_keys", sa.Column("slot", sa.Text))
    op.add_column("api_keys", sa.Column("user_id", sa.Uuid))
    op.add_column("api_keys", sa.Column("request_id", sa.Text))
    op.add_column("api_keys", sa.Column("expire_time", time))
    op.add_column("api_keys", sa.Column("last_use_time", time))
    op.execute("UPDATE api_keys SET slot = name")
    op.drop_constraint("api_keys_name_key", "api_keys")
    op.create_unique_constraint("api_keys_slot_key", "api_keys", ["tenant_id", "slot"])
    op.create_unique_constraint("api_keys_request_id_key", "api_keys", ["tenant_id", "request_id"])
    op.create_foreign_key("api_keys_user_id_fkey", "api_keys", "users", ["user_id"], ["id"], ondelete="CASCADE")
    op.create_index("api_keys_tenant_id", "api_keys", ["tenant_id", "id"])
    op.create_index("api_keys_user_id", "api_keys", ["user_id"])
    op.add_column("signing_keys", sa.Column("use_time", time))
    op.execute("UPDATE signing_keys SET use_time = create_time")
    op.alter_column("signing_keys", "use_time", nullable=False)
