"""Who read private media, and who deleted what: lines that are only ever added."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from meshkit.ids import new_id

if TYPE_CHECKING:
    from datetime import datetime

    from services.metadata.domain import Asset

WINDOW = 600
"""Seconds in which the same reader's further reads of an asset add nothing: a player asks for many ranges."""


class Action(StrEnum):
    STREAM = "stream"
    DOWNLOAD = "download"
    URL = "url"
    PLAYBACK = "playback"
    ANALYSIS = "analysis"
    DELETE = "delete"
    HARD_DELETE = "hard_delete"
    RESTORE = "restore"
    DELETE_SOURCE = "delete_source"


PLATFORM = "reelmesh"
"""The subject of what a retention policy or an analysis hook did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    id: str
    tenant_id: str
    asset_id: str
    subject: str
    action: Action
    create_time: datetime
    repeat_key: str | None = None
    """A record with the same key is the same one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records to list; empty for any."""

    asset_id: str = ""
    subject: str = ""
    action: str = ""

    def values(self) -> dict[str, str]:
        named = {"asset_id": self.asset_id, "subject": self.subject, "action": self.action}
        return {name: value for name, value in named.items() if value}


def read(asset: Asset, action: Action, subject: str, now: datetime) -> Record:
    window = int(now.timestamp()) // WINDOW
    return _record(asset, action, subject, now, f"{asset.id}:{subject}:{action}:{window}")


def deletion(asset: Asset, action: Action, subject: str, now: datetime) -> Record:
    return _record(asset, action, subject, now, None)


def _record(asset: Asset, action: Action, subject: str, now: datetime, repeat_key: str | None) -> Record:
    return Record(
        id=new_id(),
        tenant_id=asset.tenant_id,
        asset_id=asset.id,
        subject=subject,
        action=action,
        create_time=now,
        repeat_key=repeat_key,
    )
