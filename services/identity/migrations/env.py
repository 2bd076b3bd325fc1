"""Alembic's entry to this service's migrations."""

from alembic import context

from meshkit.migrate import run_environment

run_environment(context)  # type: ignore[arg-type]  # the module is a proxy of the EnvironmentContext
