"""What a key may do, whoever makes it and whatever becomes of them; and who is a member of what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from meshkit import auth
from meshkit.errors import AlreadyExists, Conflict, InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from meshkit.ids import new_id
from services.identity.accounts import Accounts
from services.identity.api_keys import ApiKeys
from services.identity.members import Members
from services.identity.roles import MEMBER_SCOPES, TENANT_SCOPES, VIEWER_SCOPES, Role
from services.identity.service import Identities

if TYPE_CHECKING:
    from tests.fakes.identity import FakePasswords, FakeStore
    from tests.unit.identity.conftest import Clock

KEY = "rmk_the-bootstrap-key-of-these-tests"
READ = frozenset({"assets:read"})


@pytest.fixture
async def identities(store: FakeStore, clock: Clock) -> Identities:
    made = Identities(store, clock)
    await made.prepare(KEY, {})
    return made


@pytest.fixture
def keys(store: FakeStore, clock: Clock, identities: Identities) -> ApiKeys:
    return ApiKeys(store, clock)


@pytest.fixture
def members(store: FakeStore, passwords: FakePasswords, clock: Clock) -> Members:
    return Members(store, passwords, clock)


@pytest.fixture
def verifier(identities: Identities) -> auth.Verifier:
    return auth.Verifier(identities.jwks)


@pytest.fixture
async def owner(store: FakeStore, passwords: FakePasswords, clock: Clock, verifier: auth.Verifier) -> auth.Caller:
    _, tokens = await Accounts(store, passwords, clock).sign_up("owner@club.example", "password", "192.0.2.1")
    return await verifier.access(tokens.access.text)


async def exchanged(keys: ApiKeys, verifier: auth.Verifier, secret: str) -> auth.Caller:
    return await verifier.access((await keys.exchange(secret)).text)


def less(caller: auth.Caller, *scopes: str) -> auth.Caller:
    return auth.Caller(tenant_id=caller.tenant_id, subject=caller.subject, scopes=frozenset(scopes), token="")


async def test_a_key_does_what_it_was_made_for(keys: ApiKeys, verifier: auth.Verifier, owner: auth.Caller) -> None:
    key, secret = await keys.create(owner, "robot", READ, None)
    caller = await exchanged(keys, verifier, secret)
    assert (caller.subject, caller.tenant_id, caller.scopes) == (key.id, owner.tenant_id, READ)
    assert secret.startswith("rmk_")
    assert len(secret) == 4 + 43
    assert secret not in repr(keys._store)


async def test_a_key_never_has_a_scope_that_its_maker_has_not(
    keys: ApiKeys, verifier: auth.Verifier, owner: auth.Caller
) -> None:
    with pytest.raises(PermissionDenied, match="scope_not_held"):
        await keys.create(less(owner, "keys:write"), "robot", READ, None)
    _, secret = await keys.create(owner, "maker", frozenset({"keys:write", "jobs:read"}), None)
    maker = await exchanged(keys, verifier, secret)
    with pytest.raises(PermissionDenied, match="scope_not_held"):
        await keys.create(maker, "robot", READ, None)
    await keys.create(maker, "robot", frozenset({"jobs:read"}), None)


@pytest.mark.parametrize("scope", ["tasks:work", "playback:read", "accounts:serve", "of:old", "*", ""])
async def test_no_key_is_for_what_tenants_do_not_do(keys: ApiKeys, owner: auth.Caller, scope: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid_argument"):
        await keys.create(owner, "robot", frozenset({scope}), None)


async def test_a_key_loses_what_its_maker_loses(
    keys: ApiKeys, members: Members, verifier: auth.Verifier, owner: auth.Caller
) -> None:
    other = await members.create(owner.tenant_id, "other@club.example", "password", Role.OWNER)
    caller = auth.Caller(tenant_id=owner.tenant_id, subject=other.id, scopes=TENANT_SCOPES, token="")
    _, secret = await keys.create(caller, "robot", TENANT_SCOPES, None)
    _, grandchild = await keys.create(await exchanged(keys, verifier, secret), "its own", TENANT_SCOPES, None)
    await members.change(owner.tenant_id, other.id, Role.VIEWER)
    for each in (secret, grandchild):
        assert (await exchanged(keys, verifier, each)).scopes == VIEWER_SCOPES
    with pytest.raises(PermissionDenied, match="scope_not_held"):
        await keys.create(caller, "another", TENANT_SCOPES, None)
    await members.delete(owner.tenant_id, other.id)
    for each in (secret, grandchild):
        with pytest.raises(Unauthenticated, match="invalid_api_key"):
            await keys.exchange(each)
    with pytest.raises(Unauthenticated, match="invalid_token"):
        await keys.create(caller, "another", READ, None)


async def test_a_key_expires_and_makes_none_that_lives_longer(
    keys: ApiKeys, verifier: auth.Verifier, owner: auth.Caller, clock: Clock
) -> None:
    until = clock.now + timedelta(hours=1)
    _, secret = await keys.create(owner, "robot", READ | {"keys:write"}, until)
    robot = await exchanged(keys, verifier, secret)
    assert (await keys.create(robot, "child", READ, None))[0].expire_time == until
    for wrong in (until + timedelta(seconds=1), clock.now):
        with pytest.raises(InvalidArgument, match="invalid_argument"):
            await keys.create(robot, "child", READ, wrong)
    clock.now = until
    with pytest.raises(Unauthenticated, match="api_key_expired"):
        await keys.exchange(secret)


async def test_a_key_that_was_taken_back_is_good_for_nothing(keys: ApiKeys, owner: auth.Caller) -> None:
    key, secret = await keys.create(owner, "robot", READ, None)
    await keys.delete(owner.tenant_id, key.id)
    with pytest.raises(Unauthenticated, match="invalid_api_key"):
        await keys.exchange(secret)
    with pytest.raises(NotFound, match="api_key_not_found"):
        await keys.delete(owner.tenant_id, key.id)


async def test_keys_are_listed_with_their_last_use_to_their_tenant_alone(
    keys: ApiKeys, owner: auth.Caller, clock: Clock
) -> None:
    made = [await keys.create(owner, "robot", READ, None) for _ in range(3)]
    await keys.exchange(made[0][1])
    first, token = await keys.page(owner.tenant_id, 2, "")
    rest, none = await keys.page(owner.tenant_id, 2, token)
    assert [key.id for key in (*first, *rest)] == [key.id for key, _ in reversed(made)]
    assert (rest[0].last_use_time, first[0].last_use_time, none) == (clock.now, None, "")
    assert await keys.page(new_id(), 2, "") == ([], "")
    with pytest.raises(NotFound, match="api_key_not_found"):
        await keys.delete(new_id(), made[0][0].id)


async def test_a_configured_key_goes_by_the_configuration_alone(
    keys: ApiKeys, verifier: auth.Verifier, identities: Identities
) -> None:
    bootstrap = await exchanged(keys, verifier, KEY)
    with pytest.raises(Conflict, match="configured_key"):
        await keys.delete(bootstrap.tenant_id, bootstrap.subject)
    _, secret = await keys.create(bootstrap, "bootstrap", READ, None)
    await identities.prepare(KEY, {})
    assert (await exchanged(keys, verifier, secret)).scopes == READ
    assert (await exchanged(keys, verifier, KEY)).subject == bootstrap.subject


def test_each_role_may_less_than_the_one_above() -> None:
    assert Role.VIEWER.scopes < Role.MEMBER.scopes < Role.OWNER.scopes == TENANT_SCOPES
    assert not any(scope.endswith(":write") for scope in VIEWER_SCOPES)
    assert not MEMBER_SCOPES & {"keys:write", "members:write"}


async def test_a_tenant_keeps_an_owner(members: Members, owner: auth.Caller, store: FakeStore) -> None:
    async def lose(*_: Any) -> None:
        for leave in (
            members.change(owner.tenant_id, owner.subject, Role.MEMBER),
            members.delete(owner.tenant_id, owner.subject),
        ):
            with pytest.raises(Conflict, match="last_owner"):
                await leave

    await lose()
    other = await members.create(owner.tenant_id, "other@club.example", "password", Role.MEMBER)
    await lose()
    await members.change(owner.tenant_id, other.id, Role.OWNER)
    await members.delete(owner.tenant_id, owner.subject)
    assert [user.id for user in store.members.values()] == [other.id]


async def test_users_of_another_tenant_are_not_there(members: Members, owner: auth.Caller) -> None:
    with pytest.raises(NotFound, match="user_not_found"):
        await members.change(new_id(), owner.subject, Role.VIEWER)
    with pytest.raises(NotFound, match="user_not_found"):
        await members.delete(new_id(), owner.subject)
    assert await members.page(new_id(), 0, "") == ([], "")
    with pytest.raises(AlreadyExists, match="email_taken"):
        await members.create(new_id(), "Owner@club.example", "password", Role.VIEWER)
