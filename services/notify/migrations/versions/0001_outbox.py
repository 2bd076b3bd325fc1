"""The outbox and inbox: an event is told when it was heard, once."""

from alembic import op

from meshkit import outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    outbox.create_tables(op)
