"""Values made once, kept for a while, bounded in number; and callers kept by their keys."""

from __future__ import annotations

import asyncio
import time

import pytest

from meshkit.errors import Unauthenticated
from services.gateway.auth import Authenticator
from services.gateway.cache import Cache
from tests import tokens
from tests.eventually import eventually


class Maker:
    """Makes 1, then 2, and so on."""

    def __init__(self, seconds: float = 10.0) -> None:
        self.made = 0
        self.seconds = seconds
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self) -> tuple[int, float]:
        self.made += 1
        await self.go.wait()
        return self.made, self.seconds


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_value_is_kept_for_its_time() -> None:
    clock, make = Clock(), Maker()
    cache: Cache[int] = Cache(10, clock)
    assert [await cache.get("k", make) for _ in range(3)] == [1, 1, 1]
    clock.now = 10.0
    assert await cache.get("k", make) == 2


async def test_what_is_good_for_no_time_is_not_kept() -> None:
    cache: Cache[int] = Cache(10)
    make = Maker(seconds=0.0)
    assert [await cache.get("k", make) for _ in range(2)] == [1, 2]


async def test_the_least_recently_used_goes_first() -> None:
    cache: Cache[int] = Cache(2)
    makers = {key: Maker() for key in "abc"}
    for key in "abaca":
        await cache.get(key, makers[key])
    await cache.get("b", makers["b"])
    assert {key: make.made for key, make in makers.items()} == {"a": 1, "b": 2, "c": 1}


async def test_all_who_ask_at_once_get_one_value_even_if_the_first_leaves() -> None:
    cache: Cache[int] = Cache(10)
    make = Maker()
    make.go.clear()
    asking = [asyncio.ensure_future(cache.get("k", make)) for _ in range(5)]
    await eventually(lambda: make.made)
    asking[0].cancel()
    make.go.set()
    assert await asyncio.gather(*asking[1:]) == [1, 1, 1, 1]


async def test_failures_are_not_kept() -> None:
    cache: Cache[int] = Cache(10)

    async def fail() -> tuple[int, float]:
        raise Unauthenticated("no")

    with pytest.raises(Unauthenticated):
        await cache.get("k", fail)
    assert await cache.get("k", Maker()) == 1


async def test_a_key_is_exchanged_before_its_token_ends() -> None:
    exchanged = []

    async def exchange(key: str) -> tuple[str, float]:
        exchanged.append(key)
        seconds = 20.0 if key == "rmk_short" else 300.0
        return tokens.token("tenant", "assets:read", seconds=seconds), time.time() + seconds

    authenticate = Authenticator(tokens.verifier(), exchange)
    for key in ("rmk_long", "rmk_long", "rmk_short", "rmk_short"):
        assert (await authenticate(key)).tenant_id == "tenant"
    assert exchanged == ["rmk_long", "rmk_short", "rmk_short"]
    token = tokens.token("other")
    assert (await authenticate(token)).token == token
