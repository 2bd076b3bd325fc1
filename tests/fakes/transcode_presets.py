"""Fake of the part of the scheduler's Store that keeps tenants' presets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.transcode.scheduler.custom import Custom


@dataclass(kw_only=True)
class FakePresets:
    own: dict[tuple[str, str], Custom] = field(default_factory=dict)

    async def preset(self, tenant_id: str, name: str) -> Custom | None:
        return self.own.get((tenant_id, name))

    async def presets(self, tenant_id: str) -> Sequence[Custom]:
        return [self.own[key] for key in sorted(self.own) if key[0] == tenant_id]

    async def save_preset(self, custom: Custom) -> None:
        self.own[custom.tenant_id, custom.preset.name] = custom

    async def delete_preset(self, tenant_id: str, name: str) -> None:
        del self.own[tenant_id, name]

    async def lock_presets(self, tenant_id: str) -> None:
        """A fake has one writer at a time."""
