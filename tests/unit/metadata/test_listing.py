"""Orders, and the places where pages end."""

from __future__ import annotations

import base64
import json

import pytest

from meshkit.errors import InvalidArgument
from meshkit.ids import new_id
from services.metadata.listing import NEWEST_FIRST, Order, order_of, page, place_of
from tests.fakes.metadata import an_asset


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("", NEWEST_FIRST),
        (" size ", Order(field="size", descending=False)),
        ("size asc", Order(field="size", descending=False)),
        ("file_name  desc", Order(field="file_name")),
    ],
)
def test_an_order_is_a_field_and_a_direction(text: str, order: Order) -> None:
    assert order_of(text) == order


@pytest.mark.parametrize("text", ["sha256", "size up", "size desc, id", "desc", "size; drop"])
def test_another_order_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        order_of(text)
    assert [field.field for field in caught.value.fields] == ["order_by"]


@pytest.mark.parametrize("field", ["create_time", "file_name", "size"])
def test_a_token_says_where_its_page_ended(field: str) -> None:
    rows = [an_asset(new_id(), file_name="ä" * 255), an_asset(new_id())]
    order = Order(field=field)
    kept, token = page(rows, 1, order)
    assert kept == rows[:1]
    assert place_of(token, order) == order.place(rows[0])
    assert len(token) <= 4096
    assert page(rows, 2, order) == (rows, "")


def token_of(*said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "ö",
        base64.urlsafe_b64encode(b"7").decode(),
        token_of("size desc", 7),
        token_of("size", 7, new_id()),
        token_of("size desc", "7", new_id()),
        token_of("size desc", 1 << 63, new_id()),
        token_of("size desc", 7, "no id"),
        token_of("size desc", 7, 7),
    ],
)
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid_page_token"):
        place_of(token, Order(field="size"))


@pytest.mark.parametrize(
    ("field", "value"),
    [("file_name", "a\0"), ("file_name", "\ud800"), ("create_time", "2026-01-01T00:00:00"), ("create_time", "now")],
)
def test_a_token_of_what_no_asset_has_is_refused(field: str, value: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid_page_token"):
        place_of(token_of(f"{field} desc", value, new_id()), Order(field=field))
