"""Keyset pages: newest first by UUIDv7 id, right while rows are added."""

from __future__ import annotations

import base64
import binascii
import uuid
from typing import TYPE_CHECKING, Protocol, TypeVar

from meshkit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_SIZE = 50


class HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=HasId)


def before(page_token: str) -> str | None:
    """The id that the page's rows come before; None for the first page. Raises InvalidArgument."""
    if not page_token:
        return None
    try:
        return str(uuid.UUID(bytes=base64.urlsafe_b64decode(page_token)))
    except (ValueError, binascii.Error):
        raise InvalidArgument("invalid_page_token", "the page token is not one of ours") from None


def page(rows: Sequence[T], size: int) -> tuple[list[T], str]:
    """The page and the next page's token, of `size + 1` rows asked for; an empty token where there is no more."""
    if len(rows) <= size:
        return list(rows), ""
    kept = list(rows[:size])
    return kept, base64.urlsafe_b64encode(uuid.UUID(kept[-1].id).bytes).decode()
