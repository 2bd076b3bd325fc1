"""How often a password may be tried, so that guessing is slow and its victim is not locked out.

Tries are counted for an account from one address, for an account from all addresses that it never logged in from, and
for such an address over all accounts. Where an account has logged in before, only its own tries from there count:
whoever guesses elsewhere does not touch them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshkit.errors import Exhausted

if TYPE_CHECKING:
    from datetime import datetime

WINDOW = timedelta(minutes=15)
KNOWN_FOR = timedelta(days=90)
FROM_ONE_ADDRESS = 10
"""Tries of an account from one address."""
FROM_UNKNOWN_ADDRESSES = 50
BY_ADDRESS = 100
"""Tries of an address, whatever account they are of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tries:
    """What failed, or is not decided yet, since the window began; each count with the time of its oldest."""

    here: int
    here_since: datetime | None
    account: int
    account_since: datetime | None
    address: int
    address_since: datetime | None


def admit(tries: Tries, now: datetime, *, known: bool) -> None:
    """Raises Exhausted when this is one try too many."""
    counts = [(tries.here, FROM_ONE_ADDRESS, tries.here_since)]
    if not known:
        counts.append((tries.account, FROM_UNKNOWN_ADDRESSES, tries.account_since))
        counts.append((tries.address, BY_ADDRESS, tries.address_since))
    over = [since for count, limit, since in counts if count >= limit and since is not None]
    if over:
        wait = max(1, math.ceil((max(over) + WINDOW - now).total_seconds()))
        raise Exhausted("too_many_attempts", "too many failed logins: try again later", retry_after=wait)
