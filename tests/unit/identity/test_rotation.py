"""Signing keys take turns, and no good token is ever refused for it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import jwt

from meshkit import auth
from meshkit.errors import Unavailable
from meshkit.ids import new_id
from services.identity.passwords import MEMORY, Argon2
from services.identity.service import Identities
from services.identity.signing import KEPT_AFTER, PLAYBACK_LIFETIME, PUBLISHED_BEFORE, signs

if TYPE_CHECKING:
    from tests.fakes.identity import FakeStore
    from tests.unit.identity.conftest import Clock

LIFETIME = timedelta(days=2)


async def test_a_key_is_published_before_it_signs_and_kept_until_its_tokens_are_over(
    store: FakeStore, clock: Clock
) -> None:
    identities = Identities(store, clock, signing_lifetime=LIFETIME)
    began = clock.now
    signed: dict[str, object] = {}
    while clock.now < began + 3 * (LIFETIME + KEPT_AFTER):
        await identities.rotate()
        published = {
            key.kid: key for key in store.signing.values() if not key.retire_time or key.retire_time > clock.now
        }
        current = signs(list(published.values()), clock.now)
        assert current
        assert current.use_time <= clock.now
        assert current.kid in signed or not signed or clock.now - current.create_time >= PUBLISHED_BEFORE
        signed[current.kid] = clock.now
        for kid, last in signed.items():
            assert kid in published or clock.now - last >= PLAYBACK_LIFETIME  # type: ignore[operator]
        assert len(published) <= 2 + KEPT_AFTER / LIFETIME + 1
        clock.now += timedelta(minutes=30)
    assert len(signed) >= 5


async def test_rotating_again_and_again_changes_nothing(store: FakeStore, clock: Clock) -> None:
    identities = Identities(store, clock, signing_lifetime=LIFETIME)
    await identities.rotate()
    clock.now += LIFETIME - timedelta(minutes=1)
    await identities.rotate()
    after = dict(store.signing)
    assert len(after) == 2
    await identities.rotate()
    assert store.signing == after


async def test_a_verifier_follows_without_asking_again(store: FakeStore, clock: Clock) -> None:
    clock.now -= LIFETIME
    identities = Identities(store, clock, signing_lifetime=LIFETIME)
    await identities.rotate()
    clock.now += LIFETIME - timedelta(minutes=30)
    await identities.rotate()
    verifier = auth.Verifier(identities.jwks)
    old = await identities.sign_playback(new_id(), new_id(), PLAYBACK_LIFETIME)
    await verifier.playback(old.text)
    asked = verifier._fetched
    # The verifier's own clock is the real one: what is signed later must not be from its future.
    newest = max(store.signing.values(), key=lambda key: key.use_time)
    store.signing[newest.kid] = replace(newest, use_time=clock.now)
    new = await identities.sign_playback(new_id(), new_id(), PLAYBACK_LIFETIME)
    await verifier.playback(new.text)
    assert jwt.get_unverified_header(old.text)["kid"] != jwt.get_unverified_header(new.text)["kid"] == newest.kid
    assert verifier._fetched == asked


async def test_more_passwords_than_can_be_checked_are_refused() -> None:
    argon2 = Argon2(waiting=4)
    try:
        asked = [argon2.verify(None, "correct horse") for _ in range(7)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [isinstance(answer, Unavailable) for answer in answers] == [False] * 4 + [True] * 3
        assert not await argon2.verify(None, "correct horse")
    finally:
        argon2.close()


async def test_passwords_are_argon2id_and_as_slow_for_nobody() -> None:
    argon2 = Argon2()
    try:
        kept = await argon2.hash("correct horse")
        assert kept.startswith(f"$argon2id$v=19$m={MEMORY},t=2,p=1$")
        assert kept != await argon2.hash("correct horse")
        assert await argon2.verify(kept, "correct horse")
        assert not await argon2.verify(kept, "wrong")
        assert not await argon2.verify(None, "correct horse")
        assert not argon2.outdated(kept)
        assert argon2.outdated(kept.replace("t=2", "t=1"))
    finally:
        argon2.close()
