"""What an outside service is asked about an asset, and which of its answers count."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from meshkit.errors import InvalidArgument

if TYPE_CHECKING:
    from services.notify.delivery import Delivery, Outcome
    from services.notify.ports import Source

REQUESTED = "analysis.requested"
SCHEDULE = (0.0, 5.0, 300.0, 1800.0, 7200.0)
"""Seconds that each attempt comes after the one before: the first ones of webhooks."""
TIMEOUT = 60.0
"""Seconds for an answer: whoever is asked looks at the media first."""
LARGEST = 256 << 10
"""Bytes of an answer."""
DEEPEST = 64
"""Arrays and objects inside one another."""
TOO_LARGE = "answer_too_large"
_PASSING = {408, 425, 429}
"""Refusals that may not be meant for the asset."""


def asking(delivery: Delivery, source: Source) -> Delivery:
    """With what is known by now, and a URL that is good by now. It is sent so, and not kept."""
    body = json.loads(delivery.payload)
    expires_at = source.expire_time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    body["data"] = {"asset": source.asset, "source": {"url": source.url, "expires_at": expires_at}}
    return replace(delivery, payload=json.dumps(body, separators=(",", ":"), ensure_ascii=False))


def judged(outcome: Outcome) -> Outcome:
    """An answer that does not count is a failure; one that is meant is final."""
    if outcome.error:
        meant = 300 <= outcome.status < 500 and outcome.status not in _PASSING
        return replace(outcome, final=meant or outcome.error == TOO_LARGE)
    try:
        check(outcome.content_type, outcome.body)
    except InvalidArgument as error:
        return replace(outcome, error=error.reason, final=True)
    return outcome


def check(content_type: str, body: bytes) -> None:
    """Raises InvalidArgument for what is not JSON to every reader (RFC 8259), or deeper than anybody shall read."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise InvalidArgument("answer_not_json", "its content type is not application/json")
    try:
        value = json.loads(body.decode(), parse_constant=_refused, parse_float=_finite, object_pairs_hook=_unique)
        # A half of a surrogate pair can be escaped, and is no text.
        json.dumps(value, ensure_ascii=False).encode()
        depth = _depth(value)
    except ValueError:
        raise InvalidArgument("answer_not_json", "it is not JSON") from None
    except RecursionError:
        depth = LARGEST
    if depth > DEEPEST:
        raise InvalidArgument("answer_too_deep", f"more than {DEEPEST} levels")


def _refused(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name comes twice")
    return found


def _depth(value: Any) -> int:
    depth, level = 0, _containers([value])
    while level:
        depth += 1
        level = [inner for each in level for inner in _containers(each.values() if isinstance(each, dict) else each)]
    return depth


def _containers(values: Any) -> list[Any]:
    return [each for each in values if isinstance(each, dict | list)]
