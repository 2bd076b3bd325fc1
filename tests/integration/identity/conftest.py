"""A schema of its own for whoever looks at how the service starts."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import pytest

from meshkit.db import provision
from meshkit.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.infra import Infra


@pytest.fixture(scope="session")
def fresh_url(infra: Infra) -> Callable[[], Awaitable[str]]:
    """`await fresh_url()`: the URL of an identity schema that nobody has used."""

    async def url() -> str:
        return await asyncio.to_thread(_prepare, infra.database_admin_url)

    return url


def _prepare(admin_url: str) -> str:
    name, password = f"identity_{secrets.token_hex(4)}", secrets.token_urlsafe()
    provision(admin_url, name, password)
    scheme, rest = admin_url.split("://")
    url = f"{scheme}://reelmesh_{name}:{password}@{rest.split('@')[-1]}"
    migrate("identity", url)
    return url
