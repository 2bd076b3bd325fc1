"""What happened to an asset, one line for each change."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from meshkit.ids import new_id
from services.metadata.domain import Asset, State, fact

if TYPE_CHECKING:
    from datetime import datetime

    from services.metadata.domain import Fact

KEPT = 500
"""Lines of one asset; the oldest go first."""
_SILENT = {
    *("update_time", "revision", "create_time", "votes", "object_key", "object_prefix", "deleted_state"),
    *("job_id", "job_attempts"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`subject` is who asked for it; empty for the platform itself."""

    id: str
    tenant_id: str
    asset_id: str
    fact: Fact
    state: State
    subject: str
    job_id: str
    changed: tuple[str, ...]
    error_code: str
    revision: int
    """Of the asset; no two lines have the same."""
    create_time: datetime


def line(before: Asset, after: Asset, *, subject: str = "") -> Line:
    """Of the change from `before` to `after`."""
    changed = [
        each.name
        for each in fields(Asset)
        if each.name not in _SILENT and getattr(before, each.name) != getattr(after, each.name)
    ]
    return _line(after, fact(before, after), subject, tuple(changed))


def first_line(asset: Asset, fact: Fact) -> Line:
    return _line(asset, fact, "", ())


def _line(asset: Asset, fact: Fact, subject: str, changed: tuple[str, ...]) -> Line:
    return Line(
        id=new_id(),
        tenant_id=asset.tenant_id,
        asset_id=asset.id,
        fact=fact,
        state=asset.state,
        subject=subject,
        job_id=asset.job_id,
        changed=changed,
        error_code=asset.error_code,
        revision=asset.revision,
        create_time=asset.update_time,
    )
