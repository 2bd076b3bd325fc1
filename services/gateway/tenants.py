"""Quotas, and what the operator sets of tenants, in the shape of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from services.gateway.bodies import Text
from services.gateway.body import Body
from services.gateway.schemas import Tenant, Time

if TYPE_CHECKING:
    from reelmesh.identity.v1 import identity_pb2
    from reelmesh.transcode.v1 import tenant_pb2
    from reelmesh.upload.v1 import upload_pb2

    Quota_ = upload_pb2.Quota | tenant_pb2.Quota
    Settings = upload_pb2.TenantSettings | tenant_pb2.TenantSettings

_Limit = Annotated[int | None, Field(ge=-1, le=(1 << 63) - 1, description="-1 is no limit; null the default.")]
UPLOAD_SETTINGS = ("max_bytes_stored", "max_uploads_per_day", "object_key_template")
TRANSCODE_SETTINGS = ("max_concurrent_jobs", "max_encode_minutes")


class TenantPatch(Body):
    """What it does not name stays as it is."""

    max_bytes_stored: _Limit = None
    max_uploads_per_day: _Limit = None
    max_concurrent_jobs: _Limit = None
    max_encode_minutes: _Limit = None
    object_key_template: Annotated[
        Text | None,
        Field(max_length=255, description="Such as `athletes/{label.athlete_id}/{yyyy}`; null the default."),
    ] = None


class Quota(BaseModel):
    used: float
    limit: Annotated[int | None, Field(description="Null is none.")]
    resets_at: Annotated[Time | None, Field(description="Null for what counts until it is given back.")]


class Quotas(BaseModel):
    bytes_stored: Annotated[Quota, Field(description="Of sources, from the beginning of their upload.")]
    uploads_per_day: Annotated[Quota, Field(description="Begun today (UTC), and not come to nothing.")]
    concurrent_jobs: Annotated[Quota, Field(description="That have begun, and are not over.")]
    encode_minutes: Annotated[Quota, Field(description="Of media, this month (UTC).")]


class TenantPage(BaseModel):
    items: list[Tenant]
    next_page_token: str | None


class TenantDetail(Tenant):
    """Null among the settings is what the platform has for all."""

    max_bytes_stored: int | None
    max_uploads_per_day: int | None
    max_concurrent_jobs: int | None
    max_encode_minutes: int | None
    object_key_template: str | None
    quotas: Quotas


def from_quotas(uploads: upload_pb2.Usage, jobs: tenant_pb2.Usage) -> dict[str, Any]:
    return {
        "bytes_stored": _quota(uploads.bytes_stored),
        "uploads_per_day": _quota(uploads.uploads_per_day),
        "concurrent_jobs": _quota(jobs.concurrent_jobs),
        "encode_minutes": _quota(jobs.encode_minutes),
    }


def from_tenant(tenant: identity_pb2.Tenant) -> dict[str, Any]:
    create_time = tenant.create_time.ToJsonString() if tenant.HasField("create_time") else None
    return {"id": tenant.id, "name": tenant.name, "create_time": create_time}


def from_settings(settings: Settings) -> dict[str, Any]:
    names = [field.name for field in settings.DESCRIPTOR.fields]
    return {name: getattr(settings, name) if settings.HasField(name) else None for name in names}  # type: ignore[arg-type]


def fill(settings: Settings, body: TenantPatch, paths: list[str]) -> None:
    """Those of `paths` that have a value."""
    for path in paths:
        if (value := getattr(body, path)) is not None:
            setattr(settings, path, value)


def _quota(quota: Quota_) -> dict[str, Any]:
    return {
        "used": quota.used,
        "limit": quota.limit if quota.HasField("limit") else None,
        "resets_at": quota.reset_time.ToJsonString() if quota.HasField("reset_time") else None,
    }
