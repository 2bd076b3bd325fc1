"""Fake of the scheduler's Outputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class FakeOutputs:
    keys: set[str] = field(default_factory=set)

    async def delete_prefix(self, prefix: str, only: Callable[[str], bool]) -> int:
        gone = {key for key in self.keys if key.startswith(prefix) and only(key)}
        self.keys -= gone
        return len(gone)
