"""Labels as typed pairs with indexes, one row each, which follow their assets by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0076"
down_revision = "0075"

# As in services/metadata/labels.py.
NUMBER = r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?$"
PAIRS = f"""SELECT assets.id, pair.key, assets.tenant_id, pair.value,
  CASE WHEN pair.value ~ '{NUMBER}' THEN pair.value::numeric END FROM"""


def upgrade() -> None:
    op.create_table(
        "labels",
        sa.Column("asset_id", sa.Uuid, sa.ForeignKey("assets.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("tenant_id", sa.Uuid, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("number", sa.Numeric),
    )
    op.execute(f"INSERT INTO labels {PAIRS} assets, jsonb_each_text(assets.labels) AS pair")
    op.create_index("labels_value", "labels", ["tenant_id", "name", "value"])
    op.create_index("labels_number", "labels", ["tenant_id", "name", "number"])
    op.execute(
        "CREATE FUNCTION index_labels() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
        "DELETE FROM labels WHERE asset_id = NEW.id; "
        f"INSERT INTO labels {PAIRS} (SELECT NEW.*) AS assets, jsonb_each_text(NEW.labels) AS pair; "
        "RETURN NULL; END$$"
    )
    op.execute(
        "CREATE TRIGGER index_new_labels AFTER INSERT ON assets FOR EACH ROW "
        "WHEN (NEW.labels <> '{}') EXECUTE FUNCTION index_labels()"
    )
    op.execute(
        "CREATE TRIGGER index_other_labels AFTER UPDATE OF labels ON assets FOR EACH ROW "
        "WHEN (OLD.labels IS DISTINCT FROM NEW.labels) EXECUTE FUNCTION index_labels()"
    )
    op.drop_index("assets_labels")
