"""Tenants and tokens as protos."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp
from reelmesh.identity.v1 import identity_events_pb2, identity_pb2

if TYPE_CHECKING:
    from datetime import datetime

    from meshkit.auth import Caller
    from services.identity.domain import Tenant, Token


def to_tenant(tenant: Tenant) -> identity_pb2.Tenant:
    return identity_pb2.Tenant(id=tenant.id, name=tenant.name, create_time=_time(tenant.create_time))


def to_event(tenant: Tenant) -> identity_events_pb2.TenantCreated:
    return identity_events_pb2.TenantCreated(tenant=to_tenant(tenant))


def to_caller(caller: Caller, tenant: Tenant) -> identity_pb2.GetCallerResponse:
    return identity_pb2.GetCallerResponse(
        tenant=to_tenant(tenant), subject=caller.subject, scopes=sorted(caller.scopes)
    )


def to_access(token: Token) -> identity_pb2.ExchangeApiKeyResponse:
    return identity_pb2.ExchangeApiKeyResponse(access_token=token.text, expire_time=_time(token.expire_time))


def to_playback(token: Token) -> identity_pb2.SignPlaybackResponse:
    return identity_pb2.SignPlaybackResponse(token=token.text, expire_time=_time(token.expire_time))


def from_sign(request: identity_pb2.SignPlaybackRequest) -> timedelta:
    """How long the token shall be good."""
    return timedelta(seconds=request.expires_in)


def _time(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
