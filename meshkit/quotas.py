"""How much of something a tenant has and may have, and the one way to say that it would be too much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from meshkit.errors import Exhausted, FieldError

if TYPE_CHECKING:
    from datetime import date

UNLIMITED = -1
"""A tenant's own limit that is none, whatever the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """`limit` is None where there is none; what is `used` counts until `reset_time`, or until it is given back."""

    name: str
    used: float
    limit: int | None
    reset_time: datetime | None = None
    patience: timedelta = timedelta(seconds=30)
    """When to ask again where no time is known."""

    def admit(self, more: float, now: datetime) -> None:
        """Raises Exhausted (`quota_exceeded`) where `more` of it would be too much."""
        if self.limit is None or more <= 0 or self.used + more <= self.limit:
            return
        wait = self.reset_time - now if self.reset_time else self.patience
        message = f"the quota {self.name} is {self.limit}; {self.used:g} are used, and this needs {more:g}"
        raise Exhausted(
            "quota_exceeded",
            message,
            fields=(FieldError(self.name, message),),
            quota=self.name,
            limit=self.limit,
            used=f"{self.used:g}",
            retry_after=max(1, math.ceil(wait.total_seconds())),
        )


def limit_of(own: int | None, default: int | None) -> int | None:
    """What counts, of a tenant's own limit (None where it has none) and the default."""
    if own is None:
        return default
    return None if own == UNLIMITED else own


def day_after(day: date) -> datetime:
    """Its midnight, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
