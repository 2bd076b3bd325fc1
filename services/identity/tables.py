"""The tables of tenants, users and keys."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

_ID = sa.Uuid(as_uuid=False)
_TIME = sa.DateTime(timezone=True)
_METADATA = sa.MetaData()

TENANTS = sa.Table(
    "tenants",
    _METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("create_time", _TIME),
)
API_KEYS = sa.Table(
    "api_keys",
    _METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("tenant_id", _ID),
    sa.Column("name", sa.Text),
    sa.Column("secret_hash", sa.LargeBinary),
    sa.Column("scopes", ARRAY(sa.Text)),
    sa.Column("create_time", _TIME),
    sa.Column("slot", sa.Text),
    sa.Column("request_id", sa.Text),
    sa.Column("user_id", _ID),
    sa.Column("expire_time", _TIME),
    sa.Column("last_use_time", _TIME),
)
SIGNING_KEYS = sa.Table(
    "signing_keys",
    _METADATA,
    sa.Column("kid", _ID, primary_key=True),
    sa.Column("private_key", sa.LargeBinary),
    sa.Column("create_time", _TIME),
    sa.Column("use_time", _TIME),
    sa.Column("retire_time", _TIME),
)
USERS = sa.Table(
    "users",
    _METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("tenant_id", _ID),
    sa.Column("email", sa.Text),
    sa.Column("password_hash", sa.Text),
    sa.Column("role", sa.Text),
    sa.Column("create_time", _TIME),
)
SESSIONS = sa.Table(
    "sessions",
    _METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("user_id", _ID),
    sa.Column("address", sa.Text),
    sa.Column("create_time", _TIME),
    sa.Column("expire_time", _TIME),
    sa.Column("end_time", _TIME),
    sa.Column("end_reason", sa.Text),
)
REFRESH_TOKENS = sa.Table(
    "refresh_tokens",
    _METADATA,
    sa.Column("secret_hash", sa.LargeBinary, primary_key=True),
    sa.Column("session_id", _ID),
    sa.Column("expire_time", _TIME),
    sa.Column("spend_time", _TIME),
)
LOGIN_TRIES = sa.Table(
    "login_tries",
    _METADATA,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("account_hash", sa.LargeBinary),
    sa.Column("address", sa.Text),
    sa.Column("known", sa.Boolean),
    sa.Column("create_time", _TIME),
)
