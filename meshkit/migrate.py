"""Bring one service's schema to the newest version: `python -m meshkit.migrate SERVICE` with DATABASE_URL set."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool, text

from meshkit.db import sqlalchemy_url
from meshkit.settings import DatabaseSettings, load

if TYPE_CHECKING:
    from alembic.runtime.environment import EnvironmentContext

SERVICES = ("identity", "upload", "metadata", "transcode", "notify")
_LOCK = 7_309_453


def migrate(service: str, database_url: str, version: str = "head") -> None:
    """Run what is missing of services/<service>/migrations up to `version`. Idempotent; callers take turns."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "services" / service / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["database_url"] = database_url
    command.upgrade(config, version)


def run_environment(context: EnvironmentContext) -> None:
    """What every service's migrations/env.py does."""
    engine = create_engine(sqlalchemy_url(context.config.attributes["database_url"]), poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
        connection.commit()
        context.configure(connection=connection, transactional_ddl=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


if __name__ == "__main__":
    migrate(sys.argv[1], load(DatabaseSettings).database_url)
