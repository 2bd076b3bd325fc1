"""Bring the schemas of all services to the newest version: `python -m meshkit.prepare`, before the services start.

With ADMIN_DATABASE_URL it makes the role and the schema of each first, by the name and password in its URL.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from meshkit.db import provision
from meshkit.migrate import SERVICES, migrate
from meshkit.settings import Settings, load


class PrepareSettings(Settings):
    admin_database_url: str = ""
    identity_database_url: str
    upload_database_url: str
    metadata_database_url: str
    transcode_database_url: str
    notify_database_url: str

    def url_of(self, service: str) -> str:
        return str(getattr(self, f"{service}_database_url"))


def prepare(settings: PrepareSettings) -> None:
    """Idempotent; callers take turns."""
    for service in SERVICES:
        url = settings.url_of(service)
        if settings.admin_database_url:
            at = urlsplit(url)
            if at.username != f"reelmesh_{service}" or not at.password:
                raise SystemExit(f"{service.upper()}_DATABASE_URL: needs the user reelmesh_{service} and a password")
            provision(settings.admin_database_url, service, unquote(at.password))
        migrate(service, url)


if __name__ == "__main__":
    prepare(load(PrepareSettings))
