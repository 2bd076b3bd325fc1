"""Jobs carry all that their preset said when they were made."""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0050"
down_revision = "0011"

# What `hls` said before jobs kept it: all that there was.
_HLS = {
    "name": "hls",
    "description": "",
    "video": [
        {
            "codec": "h264",
            "encoder": "libx264",
            "speed": "veryfast",
            "crf": 23,
            "rungs": [
                {"short_side": 1080, "maxrate": 5_000_000},
                {"short_side": 720, "maxrate": 2_800_000},
                {"short_side": 480, "maxrate": 1_400_000},
                {"short_side": 360, "maxrate": 800_000},
            ],
        }
    ],
    "audio": {"codec": "aac", "bit_rate": 128_000},
    "gop_seconds": 4,
    "chunk_seconds": 8,
    "early_chunks": 2,
}


def upgrade() -> None:
    op.add_column("jobs", sa.Column("recipe", JSONB, nullable=False, server_default="{}"))
    known = sa.text("UPDATE jobs SET recipe = CAST(:recipe AS jsonb) WHERE preset = 'hls'")
    op.get_bind().execute(known, {"recipe": json.dumps(_HLS)})
