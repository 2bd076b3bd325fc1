"""The recipes that a tenant's jobs can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.transcode.media.preset import Preset


class Presets:
    """`shipped` are there for every tenant."""

    def __init__(self, shipped: Iterable[Preset]) -> None:
        self._shipped = {preset.name: preset for preset in shipped}

    @property
    def shipped(self) -> list[Preset]:
        return list(self._shipped.values())

    def named(self, name: str) -> Preset | None:
        """What the name means now; None when it means nothing."""
        return self._shipped.get(name)
