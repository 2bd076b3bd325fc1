"""Signing up, logging in, staying logged in and leaving, over fakes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from meshkit import auth
from meshkit.errors import AlreadyExists, Exhausted, InvalidArgument, PermissionDenied, Unauthenticated
from meshkit.ids import new_id
from services.identity.accounts import Accounts
from services.identity.domain import IDLE_LIFETIME, SESSION_LIFETIME, Tenant
from services.identity.roles import TENANT_SCOPES, Role
from services.identity.service import Identities
from services.identity.throttle import BY_ADDRESS, FROM_ONE_ADDRESS, FROM_UNKNOWN_ADDRESSES, WINDOW

if TYPE_CHECKING:
    from services.identity.accounts import Tokens
    from tests.fakes.identity import FakePasswords, FakeStore
    from tests.unit.identity.conftest import Clock

EMAIL = "owner@club.example"
PASSWORD = "correct horse battery"
HOME = "192.0.2.1"


@pytest.fixture
async def identities(store: FakeStore, clock: Clock) -> Identities:
    made = Identities(store, clock)
    await made.rotate()
    return made


@pytest.fixture
async def accounts(store: FakeStore, passwords: FakePasswords, clock: Clock, identities: Identities) -> Accounts:
    made = Accounts(store, passwords, clock)
    await made.sign_up(EMAIL, PASSWORD, HOME)
    return made


@pytest.fixture
def verifier(identities: Identities) -> auth.Verifier:
    return auth.Verifier(identities.jwks)


async def guess(accounts: Accounts, address: str, email: str = EMAIL) -> str:
    """How a wrong password is answered."""
    with pytest.raises((Unauthenticated, Exhausted)) as caught:
        await accounts.log_in(email, "wrong", address)
    return caught.value.reason


async def test_signing_up_makes_a_tenant_and_its_owner(
    accounts: Accounts, verifier: auth.Verifier, store: FakeStore
) -> None:
    user, tokens = await accounts.sign_up(" New@Club.example ", PASSWORD, HOME)
    caller = await verifier.access(tokens.access.text)
    assert (user.email, user.role) == ("new@club.example", Role.OWNER)
    assert (caller.subject, caller.tenant_id, caller.scopes) == (user.id, user.tenant_id, TENANT_SCOPES)
    assert caller.session_id in store.sessions
    assert len({said.id for said in store.said if isinstance(said, Tenant)}) == 2


async def test_an_email_address_signs_up_once_in_any_spelling(accounts: Accounts, store: FakeStore) -> None:
    before = set(store.tenants)
    with pytest.raises(AlreadyExists, match="email_taken"):
        await accounts.sign_up(EMAIL.upper(), "another password", HOME)
    assert set(store.tenants) == before


async def test_signup_can_be_closed(store: FakeStore, passwords: FakePasswords) -> None:
    with pytest.raises(PermissionDenied, match="signup_closed"):
        await Accounts(store, passwords, signup=False).sign_up(EMAIL, PASSWORD, HOME)


async def test_a_wrong_password_and_an_unknown_account_are_told_the_same_after_the_same_work(
    accounts: Accounts, passwords: FakePasswords
) -> None:
    assert await guess(accounts, HOME) == await guess(accounts, HOME, "nobody@club.example") == "invalid_credentials"
    assert len(passwords.asked) == 2


async def test_each_refresh_gives_other_tokens_of_the_same_session(accounts: Accounts, verifier: auth.Verifier) -> None:
    first = await accounts.log_in(EMAIL, PASSWORD, HOME)
    second = await accounts.refresh(first.refresh)
    third = await accounts.refresh(second.refresh)
    sessions = {(await verifier.access(tokens.access.text)).session_id for tokens in (first, second, third)}
    assert len(sessions) == 1
    assert len({first.refresh, second.refresh, third.refresh}) == 3


async def test_a_refresh_token_that_comes_again_ends_the_session(accounts: Accounts, store: FakeStore) -> None:
    other = await accounts.log_in(EMAIL, PASSWORD, HOME)
    first = await accounts.log_in(EMAIL, PASSWORD, HOME)
    second = await accounts.refresh(first.refresh)
    with pytest.raises(Unauthenticated, match="refresh_token_reused"):
        await accounts.refresh(first.refresh)
    with pytest.raises(Unauthenticated, match="invalid_refresh_token"):
        await accounts.refresh(second.refresh)
    await accounts.refresh(other.refresh)
    assert [session.end_reason for session in store.sessions.values() if session.end_time] == ["reuse"]


async def test_a_session_ends_by_either_of_its_tokens(accounts: Accounts, verifier: auth.Verifier) -> None:
    for leave in ("refresh", "access"):
        tokens = await accounts.log_in(EMAIL, PASSWORD, HOME)
        for _ in range(2):
            if leave == "refresh":
                await accounts.end(tokens.refresh)
            else:
                await accounts.log_out(await verifier.access(tokens.access.text))
        with pytest.raises(Unauthenticated, match="invalid_refresh_token"):
            await accounts.refresh(tokens.refresh)


async def test_an_api_key_has_no_session_to_end(accounts: Accounts) -> None:
    key = auth.Caller(tenant_id=new_id(), subject=new_id(), scopes=frozenset(), token="")
    with pytest.raises(InvalidArgument, match="no_session"):
        await accounts.log_out(key)
    with pytest.raises(PermissionDenied, match="not_a_user"):
        await accounts.change_password(key, PASSWORD, "another password")


@pytest.mark.parametrize("secret", ["", "rmr_nobody-ever-had-this"])
async def test_an_unknown_refresh_token_is_good_for_nothing(accounts: Accounts, secret: str) -> None:
    for use in (accounts.refresh, accounts.end):
        with pytest.raises(Unauthenticated, match="invalid_refresh_token"):
            await use(secret)


async def test_a_refresh_token_waits_two_weeks_and_a_session_lasts_ninety_days(
    accounts: Accounts, clock: Clock
) -> None:
    idle = await accounts.log_in(EMAIL, PASSWORD, HOME)
    used = await accounts.log_in(EMAIL, PASSWORD, HOME)
    began = clock.now
    while clock.now + timedelta(days=10) < began + SESSION_LIFETIME:
        clock.now += timedelta(days=10)
        used = await accounts.refresh(used.refresh)
    clock.now = began + IDLE_LIFETIME
    with pytest.raises(Unauthenticated, match="invalid_refresh_token"):
        await accounts.refresh(idle.refresh)
    clock.now = began + SESSION_LIFETIME
    with pytest.raises(Unauthenticated, match="invalid_refresh_token"):
        await accounts.refresh(used.refresh)


async def test_a_role_that_changed_is_in_the_next_token(
    accounts: Accounts, verifier: auth.Verifier, store: FakeStore
) -> None:
    tokens = await accounts.log_in(EMAIL, PASSWORD, HOME)
    [user] = store.members.values()
    async with store.transaction() as tx:
        await tx.set_role(user.id, Role.VIEWER)
    tokens = await accounts.refresh(tokens.refresh)
    assert (await verifier.access(tokens.access.text)).scopes == Role.VIEWER.scopes


async def test_another_password_ends_the_other_sessions(accounts: Accounts, verifier: auth.Verifier) -> None:
    here, there = [await accounts.log_in(EMAIL, PASSWORD, HOME) for _ in range(2)]
    caller = await verifier.access(here.access.text)
    with pytest.raises(Unauthenticated, match="invalid_credentials"):
        await accounts.change_password(caller, "wrong", "another password")
    await accounts.change_password(caller, PASSWORD, "another password")
    with pytest.raises(Unauthenticated, match="invalid_refresh_token"):
        await accounts.refresh(there.refresh)
    await accounts.refresh(here.refresh)
    assert await guess(accounts, HOME) == "invalid_credentials"
    await accounts.log_in(EMAIL, "another password", HOME)


async def test_a_hash_by_weaker_rules_is_renewed_at_the_next_login(
    accounts: Accounts, passwords: FakePasswords, store: FakeStore
) -> None:
    passwords.era = 2
    await accounts.log_in(EMAIL, PASSWORD, HOME)
    assert [user.password_hash for user in store.members.values()] == [f"2:{PASSWORD}"]


async def test_guessing_is_slowed_down_and_says_when_to_come_again(accounts: Accounts, clock: Clock) -> None:
    for _ in range(FROM_ONE_ADDRESS):
        assert await guess(accounts, "198.51.100.1") == "invalid_credentials"
        clock.now += timedelta(seconds=1)
    with pytest.raises(Exhausted, match="too_many_attempts") as caught:
        await accounts.log_in(EMAIL, PASSWORD, "198.51.100.1")
    wait = int(caught.value.metadata["retry_after"])
    assert 0 < wait <= WINDOW.total_seconds()
    clock.now += timedelta(seconds=wait)
    await accounts.log_in(EMAIL, PASSWORD, "198.51.100.1")


async def test_guesses_at_the_same_time_are_all_counted(accounts: Accounts) -> None:
    answers = await asyncio.gather(*[guess(accounts, "198.51.100.1") for _ in range(3 * FROM_ONE_ADDRESS)])
    assert answers.count("invalid_credentials") == FROM_ONE_ADDRESS


async def test_guesses_from_everywhere_stop_strangers_and_not_the_victim(accounts: Accounts) -> None:
    for number in range(FROM_UNKNOWN_ADDRESSES):
        assert await guess(accounts, f"198.51.100.{number}") == "invalid_credentials"
    assert await guess(accounts, "203.0.113.1") == "too_many_attempts"
    await accounts.log_in(EMAIL, PASSWORD, HOME)


async def test_an_address_that_tries_many_accounts_is_stopped(accounts: Accounts) -> None:
    for number in range(BY_ADDRESS):
        assert await guess(accounts, "198.51.100.1", f"user{number}@club.example") == "invalid_credentials"
    assert await guess(accounts, "198.51.100.1", "another@club.example") == "too_many_attempts"
    await accounts.log_in(EMAIL, PASSWORD, HOME)


async def test_a_login_forgets_the_tries_before_it(accounts: Accounts, store: FakeStore, clock: Clock) -> None:
    for _ in range(3):
        for _ in range(FROM_ONE_ADDRESS - 1):
            await guess(accounts, HOME)
        await accounts.log_in(EMAIL, PASSWORD, HOME)
    await guess(accounts, HOME)
    clock.now += WINDOW + timedelta(seconds=1)
    await accounts.purge()
    assert not store.tried


async def test_no_secret_is_shown(accounts: Accounts, store: FakeStore) -> None:
    tokens: Tokens = await accounts.log_in(EMAIL, PASSWORD, HOME)
    shown = repr((store, tokens, list(store.members.values())))
    assert not [secret for secret in (PASSWORD, tokens.refresh, tokens.access.text) if secret in shown]
