"""Which assets to list, in what order, and where a page ends."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from meshkit.errors import FieldError, InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from services.metadata.domain import Asset, State, Visibility
    from services.metadata.kinds import Kind
    from services.metadata.labels import Bound

Value = datetime | int | str
_TYPES = {
    "create_time": "moment",
    "update_time": "moment",
    "file_name": "text",
    "size": "number",
    "votes": "number",
}
_INT64 = 1 << 63


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which assets to list; None for any. Deleted ones are listed only where they are asked for."""

    kind: Kind | None = None
    state: State | None = None
    visibility: Visibility | None = None
    labels: Mapping[str, str]
    """All must match, numbers as numbers."""
    bounds: tuple[Bound, ...] = ()
    name: str = ""
    """A part of the file name, in any case."""
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """By a field, then by id: no two assets stand at the same place."""

    field: str = "create_time"
    descending: bool = True

    def __str__(self) -> str:
        return f"{self.field} desc" if self.descending else self.field

    def place(self, asset: Asset) -> Place:
        return Place(value=getattr(asset, self.field), id=asset.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an asset stands in an order."""

    value: Value
    id: str


NEWEST_FIRST = Order()


def order_of(text: str) -> Order:
    """`size`, `size asc` or `size desc`; newest first for nothing. Raises InvalidArgument."""
    if not text.strip():
        return NEWEST_FIRST
    match text.split():
        case [name] | [name, "asc"] if name in _TYPES:
            return Order(field=name, descending=False)
        case [name, "desc"] if name in _TYPES:
            return Order(field=name)
    field = FieldError("order_by", f"is one of {', '.join(_TYPES)}, and may end in asc or desc")
    raise InvalidArgument("invalid_argument", field.message, fields=(field,))


def place_of(page_token: str, order: Order) -> Place | None:
    """The place after which the page begins; None for the first. Raises InvalidArgument for a token of another list."""
    if not page_token:
        return None
    try:
        said, value, asset_id = json.loads(base64.urlsafe_b64decode(page_token))
    except (ValueError, TypeError, binascii.Error):
        raise _not_ours() from None
    if said != str(order):
        raise _not_ours()
    try:
        return Place(value=_value(order.field, value), id=str(UUID(asset_id)))
    except (ValueError, TypeError, AttributeError):
        raise _not_ours() from None


def page(rows: Sequence[Asset], size: int, order: Order) -> tuple[list[Asset], str]:
    """The page and the next page's token, of `size + 1` rows asked for; an empty token where there is no more."""
    if len(rows) <= size:
        return list(rows), ""
    kept = list(rows[:size])
    place = order.place(kept[-1])
    value = place.value.isoformat() if isinstance(place.value, datetime) else place.value
    return kept, base64.urlsafe_b64encode(json.dumps([str(order), value, place.id]).encode()).decode()


def _value(field: str, said: object) -> Value:
    """Raises ValueError for what no asset can have."""
    match _TYPES[field], said:
        case "moment", str():
            if (moment := datetime.fromisoformat(said)).tzinfo:
                return moment
        case "number", int() if abs(said) < _INT64:
            return int(said)
        case "text", str() if "\0" not in said:
            said.encode()
            return said
    raise ValueError(said)


def _not_ours() -> InvalidArgument:
    return InvalidArgument("invalid_page_token", "the page token is not one of this list's")
