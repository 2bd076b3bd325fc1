"""What a tenant may store and begin, and how much of it that is by now.

It is kept beside the uploads: what counts, and how much it counts for, change in one transaction or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from meshkit.quotas import Quota, day_after, limit_of
from services.upload.domain import CONTRADICTIONS, State, Transport

if TYPE_CHECKING:
    from datetime import datetime

    from services.upload.domain import Upload

BYTES_STORED, UPLOADS_PER_DAY = "bytes_stored", "uploads_per_day"
_LONG = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None for no limit."""

    bytes_stored: int | None = None
    uploads_per_day: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """What is kept of a tenant here. Its own limits, and its key template, are None where the default counts."""

    tenant_id: str
    bytes_stored: int = 0
    """Of sources: what receiving uploads declared or have brought, and what completed ones left behind."""
    day: date = date.min
    """Of the newest upload, in UTC."""
    uploads: int = 0
    """Begun that day, and not come to nothing."""
    max_bytes_stored: int | None = None
    max_uploads_per_day: int | None = None
    object_key_template: str | None = None

    def quotas(self, defaults: Limits, now: datetime) -> tuple[Quota, Quota]:
        """Of bytes, and of today's uploads."""
        bytes_limit = limit_of(self.max_bytes_stored, defaults.bytes_stored)
        uploads_limit = limit_of(self.max_uploads_per_day, defaults.uploads_per_day)
        uploads = self.uploads if self.day == now.date() else 0
        return (
            Quota(name=BYTES_STORED, used=self.bytes_stored, limit=bytes_limit, patience=_LONG),
            Quota(name=UPLOADS_PER_DAY, used=uploads, limit=uploads_limit, reset_time=day_after(now.date())),
        )

    def opened(self, defaults: Limits, now: datetime) -> Tenant:
        """With one upload more. Raises Exhausted."""
        quota = self.quotas(defaults, now)[1]
        quota.admit(1, now)
        return replace(self, day=now.date(), uploads=int(quota.used) + 1)

    def stored(self, more: int, defaults: Limits, now: datetime) -> Tenant:
        """With so many bytes more, or less. Raises Exhausted."""
        self.quotas(defaults, now)[0].admit(more, now)
        return replace(self, bytes_stored=max(0, self.bytes_stored + more))

    def dropped(self, upload: Upload) -> Tenant:
        """Without an upload that came to nothing."""
        today = self.day == upload.create_time.date()
        return replace(self, uploads=max(0, self.uploads - 1)) if today else self


def ended_empty(upload: Upload) -> bool:
    """Whether it came to nothing; no upload comes to it twice."""
    ended = upload.state in {State.FAILED, State.ABORTED, State.EXPIRED}
    return ended and upload.error_code not in CONTRADICTIONS


def counted(upload: Upload, before: int) -> int:
    """The bytes that `upload` counts for, where it counted for `before` until now."""
    if upload.error_code in CONTRADICTIONS:
        # Its object is there until its asset goes.
        return before
    if ended_empty(upload):
        return 0
    if upload.state is State.RECEIVING and upload.size_deferred:
        # The size of loose parts is known, and asked for, when they are joined.
        return 0 if upload.transport is Transport.LOOSE else upload.received
    return upload.size
