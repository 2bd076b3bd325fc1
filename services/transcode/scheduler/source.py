"""What jobs are made from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an asset's jobs read; `size` in bytes."""

    asset_id: str
    tenant_id: str
    object_key: str
    size: int
    file_name: str
    deleted: bool = False
    sha256: str = ""
    """As the client declared it; empty when it did not."""
