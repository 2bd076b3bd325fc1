"""Fake of the scheduler's Outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from meshkit.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass
class FakeOutputs:
    keys: set[str] = field(default_factory=set)

    async def copy_all(self, pairs: Mapping[str, tuple[str, int]]) -> None:
        if missing := pairs.keys() - self.keys:
            raise NotFound("object_not_found", f"{sorted(missing)}")
        self.keys |= {target for target, _ in pairs.values()}

    async def delete_prefix(self, prefix: str, only: Callable[[str], bool]) -> int:
        gone = {key for key in self.keys if key.startswith(prefix) and only(key)}
        self.keys -= gone
        return len(gone)
