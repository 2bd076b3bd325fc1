"""The audit log, as owners read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshkit import pages

if TYPE_CHECKING:
    from services.metadata.audit import Record, Wanted
    from services.metadata.ports import Store


class Trail:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(self, tenant_id: str, wanted: Wanted, page_size: int, page_token: str) -> tuple[list[Record], str]:
        """Newest first."""
        size = page_size or pages.DEFAULT_SIZE
        async with self._store.transaction() as tx:
            rows = await tx.audited(tenant_id, wanted, before=pages.before(page_token), limit=size + 1)
        return pages.page(rows, size)
