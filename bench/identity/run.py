"""CPU per request of telling who calls: tokens checked by every service, keys and rates at the gateway, passwords."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bench.figures import Figures, median
from meshkit.auth import Verifier
from meshkit.ids import new_id
from services.gateway.auth import Authenticator
from services.gateway.rates import Rates
from services.identity.domain import new_secret
from services.identity.passwords import Argon2
from services.identity.roles import TENANT_SCOPES
from services.identity.signing import Subject, jwk_set, new_signing_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

CALLS = 5000
PARTS = ("token", "key", "rate", "password")
KEYS = [new_signing_key(datetime.now(UTC)) for _ in range(3)]


def run(rounds: int, only: Sequence[str]) -> None:
    asyncio.run(_measure(rounds, [part for part in PARTS if not only or part in only]))


async def _measure(rounds: int, parts: Sequence[str]) -> None:
    figures = Figures("identity")
    measures: dict[str, tuple[str, str, Callable[[], Awaitable[float]]]] = {
        "token": ("token_seen_ms", "<= 0.2", _seen),
        "key": ("api_key_ms", "<= 0.2", _key),
        "rate": ("rate_limit_ms", "", _rate),
        "password": ("password_ms", "", _password),
    }
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        for part in parts:
            samples.setdefault(part, []).append(await measures[part][2]())
            if part == "token":
                samples.setdefault("new token", []).append(await _first())
    for part in parts:
        name, bound, _ = measures[part]
        figures.add(name, median(samples[part]), bound=bound, samples=samples[part])
    if "new token" in samples:
        figures.add("token_first_ms", median(samples["new token"]), bound="<= 0.2", samples=samples["new token"])
    figures.show()


async def _jwks() -> str:
    return jwk_set(KEYS)


def _token() -> str:
    subject = Subject(id=new_id(), tenant_id=new_id(), scopes=TENANT_SCOPES, session_id=new_id())
    return KEYS[1].access(subject, datetime.now(UTC)).text


async def _per_call(call: Callable[[int], Awaitable[object]], calls: int) -> float:
    """Milliseconds of CPU."""
    began = time.process_time()
    for number in range(calls):
        await call(number)
    return (time.process_time() - began) / calls * 1000


async def _seen() -> float:
    """A token that the service met within the last minute."""
    verifier, tokens = Verifier(_jwks), [_token() for _ in range(50)]
    for token in tokens:
        await verifier.access(token)
    return await _per_call(lambda number: verifier.access(tokens[number % 50]), CALLS)


async def _first() -> float:
    """Tokens that it never met: a signature is checked for each."""
    verifier, tokens = Verifier(_jwks), [_token() for _ in range(1000)]
    await verifier.access(_token())
    return await _per_call(lambda number: verifier.access(tokens[number]), len(tokens))


async def _key() -> float:
    async def exchange(_: str) -> tuple[str, float]:
        return token, time.time() + 600

    token = _token()
    authenticate, keys = Authenticator(Verifier(_jwks), exchange), [new_secret("rmk_") for _ in range(50)]
    for key in keys:
        await authenticate(key)
    return await _per_call(lambda number: authenticate(keys[number % 50]), CALLS)


async def _rate() -> float:
    rates = Rates({})

    async def count(number: int) -> None:
        rates.count("read", f"address 192.0.2.{number % 50}")

    return await _per_call(count, CALLS)


async def _password() -> float:
    argon2 = Argon2()
    kept = await argon2.hash("correct horse battery")
    try:
        return await _per_call(lambda _: argon2.verify(kept, "correct horse battery"), 20)
    finally:
        argon2.close()
