"""Assets that somebody is asked about, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.errors import NotFound
from services.notify.ports import Source
from tests.fakes.webhooks import THEN

if TYPE_CHECKING:
    from meshkit.errors import MeshError

ANSWER = b'{"labels":["goal"]}'


@dataclass
class FakeAssets:
    answers: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    """Their codes."""
    opened: list[str] = field(default_factory=list)
    gone: str = ""
    """Why nothing can be opened."""
    refusal: MeshError | None = None

    async def open(self, tenant_id: str, asset_id: str) -> Source | None:
        self._refuse()
        if self.gone:
            raise NotFound(self.gone)
        if asset_id in self.answers:
            return None
        self.opened.append(asset_id)
        url = f"https://objects.example/{asset_id}?{len(self.opened)}"
        return Source(asset={"id": asset_id, "media": None}, url=url, expire_time=THEN + timedelta(hours=1))

    async def answer(self, tenant_id: str, asset_id: str, answer: str) -> None:
        self._refuse()
        self.answers.setdefault(asset_id, answer)

    async def fail(self, tenant_id: str, asset_id: str, code: str, message: str) -> None:
        self._refuse()
        self.failures[asset_id] = code

    def _refuse(self) -> None:
        if self.refusal:
            raise self.refusal
