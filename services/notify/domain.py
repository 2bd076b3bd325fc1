"""A public event, and who wants to hear of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from meshkit.errors import FieldError, InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

TYPES = frozenset(
    {
        "upload.completed",
        "upload.failed",
        "upload.progress",
        "asset.created",
        "asset.playable",
        "asset.ready",
        "asset.failed",
        "asset.deleted",
        "job.started",
        "job.succeeded",
        "job.failed",
        "job.cancelled",
        "job.progress",
        "webhook.disabled",
    }
)
"""Every type that the live feed has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; `data` is the resource right after, as the public API shows it."""

    type: str
    tenant_id: str
    create_time: datetime
    asset_id: str
    job_id: str = ""
    callback_url: str = ""
    """Where else to tell it."""
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event in the feed; later ones have greater positions."""

    position: int
    event: Event
    behind: int
    """Events of the same tenant that wait behind this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events somebody wants; empty for all. Raises InvalidArgument for a type that there is not."""

    asset_id: str = ""
    job_id: str = ""
    types: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if unknown := self.types - TYPES:
            field = FieldError("types", f"no such type: {min(unknown)}")
            raise InvalidArgument("unknown_event_type", field.message, fields=(field,))

    def admits(self, event: Event) -> bool:
        return (
            self.asset_id in {"", event.asset_id}
            and self.job_id in {"", event.job_id}
            and (not self.types or event.type in self.types)
        )


def position_of(event_id: str) -> int | None:
    """The position of the event with this id; None for no id. Raises InvalidArgument."""
    if not event_id:
        return None
    if not event_id.isascii() or not event_id.isdecimal():
        field = FieldError("last_event_id", "is not the id of an event")
        raise InvalidArgument("invalid_last_event_id", field.message, fields=(field,))
    return int(event_id)
