"""Presets that tenants make for themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshkit.errors import Conflict

if TYPE_CHECKING:
    from datetime import datetime

    from services.transcode.media.preset import Preset


@dataclass(frozen=True, slots=True, kw_only=True)
class Custom:
    """`revision` counts its states."""

    tenant_id: str
    preset: Preset
    revision: int = 1
    create_time: datetime
    update_time: datetime

    @property
    def etag(self) -> str:
        return f"{self.update_time:%Y%m%d%H%M%S%f}-{self.revision}"

    def expect(self, etag: str) -> Custom:
        """The same. Raises Conflict unless `etag` names this state, or is empty."""
        if etag and etag != self.etag:
            raise Conflict("etag_mismatch", "the preset was changed meanwhile")
        return self

    def change(self, preset: Preset, now: datetime) -> Custom:
        if preset == self.preset:
            return self
        return replace(self, preset=preset, revision=self.revision + 1, update_time=now)
