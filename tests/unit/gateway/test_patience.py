"""A body that does not come on is given up; a client that listens may be silent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from starlette.exceptions import HTTPException

from services.gateway.origin import origin
from services.gateway.patience import BodyPace
from services.gateway.rates import Rates, kind_of

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

SCOPE: Scope = {"type": "http"}


async def send(message: Message) -> None: ...


def coming(*messages: Message) -> Receive:
    left = list(messages)

    async def receive() -> Message:
        if left:
            return left.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    return receive


async def reads(app_messages: list[Message], receive: Receive, times: int) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(times):
            message = await receive()
            app_messages.append(message)

    await BodyPace(app, silence=0.02)(SCOPE, receive, send)


async def test_a_silent_body_is_given_up() -> None:
    read: list[Message] = []
    with pytest.raises(HTTPException) as caught:
        await reads(read, coming({"type": "http.request", "body": b"a", "more_body": True}), 2)
    assert (caught.value.status_code, len(read)) == (408, 1)


async def test_a_body_that_trickles_is_given_up() -> None:
    read = 0

    async def trickle() -> Message:
        drop = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, drop.set_result, None)
        await drop
        return {"type": "http.request", "body": b"a", "more_body": True}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal read
        while True:
            read += len((await receive())["body"])

    # Never silent for long, and at a byte in ten milliseconds far below the pace.
    with pytest.raises(HTTPException) as caught:
        await BodyPace(app, silence=30.0, grace=0.2)(SCOPE, trickle, send)
    assert (caught.value.status_code, 0 < read < 50) == (408, True)


async def test_after_the_body_nobody_hurries() -> None:
    read: list[Message] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reads(read, coming({"type": "http.request", "body": b"a", "more_body": False}), 2)
    assert len(read) == 1


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        (("192.0.2.1", 1), "192.0.2.1"),
        (("2001:db8::1", 1), "2001:db8::/64"),
        (("::ffff:192.0.2.1", 1), "192.0.2.1"),
        (None, "unknown"),
        (("a-pipe", 0), "a-pipe"),
    ],
)
def test_an_address_is_counted_as_its_user(client: Any, counted: str) -> None:
    assert origin({"type": "http", "client": client}) == counted


def test_a_class_that_is_not_limited_never_refuses() -> None:
    rates = Rates({"read": ""})
    for _ in range(20_000):
        rates.count("read", "somebody")
        rates.count(None, "somebody")
    assert (kind_of("GET", "/healthz"), kind_of("HEAD", "/v1/assets"), kind_of("PATCH", "/v1/tus/1")) == (
        None,
        "read",
        "write",
    )
