"""Tenants, users, keys and tokens as protos."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from reelmesh.identity.v1 import identity_events_pb2, identity_pb2

from meshkit.grpc.times import timestamp
from services.identity.roles import Role

if TYPE_CHECKING:
    from datetime import datetime

    from meshkit.auth import Caller
    from services.identity.accounts import Tokens
    from services.identity.domain import ApiKey, Tenant, User
    from services.identity.signing import Token

_ROLES = {role: identity_pb2.Role.Value(f"ROLE_{role.name}") for role in Role}


def to_tenant(tenant: Tenant) -> identity_pb2.Tenant:
    return identity_pb2.Tenant(id=tenant.id, name=tenant.name, create_time=timestamp(tenant.create_time))


def to_tenant_created(tenant: Tenant) -> identity_events_pb2.TenantCreated:
    return identity_events_pb2.TenantCreated(tenant=to_tenant(tenant))


def to_user(user: User) -> identity_pb2.User:
    return identity_pb2.User(
        id=user.id,
        tenant_id=user.tenant_id,
        email=user.email,
        role=_ROLES[user.role],
        create_time=timestamp(user.create_time),
    )


def to_user_created(user: User) -> identity_events_pb2.UserCreated:
    return identity_events_pb2.UserCreated(user=to_user(user))


def to_api_key(key: ApiKey) -> identity_pb2.ApiKey:
    return identity_pb2.ApiKey(
        id=key.id,
        name=key.name,
        scopes=sorted(key.scopes),
        create_time=timestamp(key.create_time),
        expire_time=timestamp(key.expire_time),
        last_use_time=timestamp(key.last_use_time),
    )


def to_caller(caller: Caller, tenant: Tenant, user: User | None) -> identity_pb2.GetCallerResponse:
    return identity_pb2.GetCallerResponse(
        tenant=to_tenant(tenant),
        subject=caller.subject,
        scopes=sorted(caller.scopes),
        user=to_user(user) if user else None,
    )


def to_session(tokens: Tokens) -> identity_pb2.SessionTokens:
    return identity_pb2.SessionTokens(
        access_token=tokens.access.text,
        expire_time=timestamp(tokens.access.expire_time),
        refresh_token=tokens.refresh,
    )


def to_access(token: Token) -> identity_pb2.ExchangeApiKeyResponse:
    return identity_pb2.ExchangeApiKeyResponse(access_token=token.text, expire_time=timestamp(token.expire_time))


def to_playback(token: Token) -> identity_pb2.SignPlaybackResponse:
    return identity_pb2.SignPlaybackResponse(token=token.text, expire_time=timestamp(token.expire_time))


def from_sign(request: identity_pb2.SignPlaybackRequest) -> timedelta:
    """How long the token shall be good."""
    return timedelta(seconds=request.expires_in)


def from_role(role: identity_pb2.Role.ValueType) -> Role:
    return Role(identity_pb2.Role.Name(role).removeprefix("ROLE_").lower())


def from_expiry(request: identity_pb2.CreateApiKeyRequest) -> datetime | None:
    return request.expire_time.ToDatetime(UTC) if request.HasField("expire_time") else None
