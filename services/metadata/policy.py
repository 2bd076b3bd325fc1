"""How long a tenant's things are kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """In days; None for ever.

    `original_days`: a source, after its asset became ready. `deleted_days`: an asset, after it was deleted.
    """

    original_days: int | None = None
    deleted_days: int | None = 30
