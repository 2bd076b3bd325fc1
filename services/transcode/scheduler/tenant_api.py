"""TenantService over gRPC: what tenants have used of their quotas, and what the operator sets of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.transcode.v1 import tenant_pb2, tenant_pb2_grpc

from meshkit.auth import caller
from meshkit.errors import FieldError, InvalidArgument
from meshkit.grpc.server import service_scopes
from meshkit.grpc.times import timestamp

if TYPE_CHECKING:
    from meshkit.quotas import Quota
    from services.transcode.scheduler.allowances import Allowances, Standing

SERVICE = tenant_pb2.DESCRIPTOR.services_by_name["TenantService"]
SCOPES = service_scopes(
    SERVICE, GetUsage="jobs:read", GetTenantSettings="tenants:read", UpdateTenantSettings="tenants:write"
)
_SETTINGS = ("max_concurrent_jobs", "max_encode_minutes")


class TenantApi(tenant_pb2_grpc.TenantServiceServicer):
    def __init__(self, allowances: Allowances) -> None:
        self._allowances = allowances

    async def GetUsage(self, request: tenant_pb2.GetUsageRequest, context: Any) -> tenant_pb2.GetUsageResponse:
        return tenant_pb2.GetUsageResponse(usage=to_usage(await self._allowances.standing(caller().tenant_id)))

    async def GetTenantSettings(
        self, request: tenant_pb2.GetTenantSettingsRequest, context: Any
    ) -> tenant_pb2.GetTenantSettingsResponse:
        standing = await self._allowances.standing(request.tenant_id)
        return tenant_pb2.GetTenantSettingsResponse(settings=to_settings(standing), usage=to_usage(standing))

    async def UpdateTenantSettings(
        self, request: tenant_pb2.UpdateTenantSettingsRequest, context: Any
    ) -> tenant_pb2.UpdateTenantSettingsResponse:
        standing = await self._allowances.change(request.tenant_id, from_settings(request))
        return tenant_pb2.UpdateTenantSettingsResponse(settings=to_settings(standing), usage=to_usage(standing))


def to_quota(quota: Quota) -> tenant_pb2.Quota:
    return tenant_pb2.Quota(used=quota.used, limit=quota.limit, reset_time=timestamp(quota.reset_time))


def to_usage(standing: Standing) -> tenant_pb2.Usage:
    jobs, minutes = standing.quotas
    return tenant_pb2.Usage(concurrent_jobs=to_quota(jobs), encode_minutes=to_quota(minutes))


def to_settings(standing: Standing) -> tenant_pb2.TenantSettings:
    return tenant_pb2.TenantSettings(**{name: getattr(standing.tenant, name) for name in _SETTINGS})


def from_settings(request: tenant_pb2.UpdateTenantSettingsRequest) -> dict[str, int | None]:
    """What to change, by the names of Tenant. Raises InvalidArgument for a path that is none of them."""
    paths, settings = request.update_mask.paths, request.settings
    if wrong := tuple(FieldError(path, "cannot be updated") for path in paths if path not in _SETTINGS):
        raise InvalidArgument("invalid_update", f"{wrong[0].field} {wrong[0].message}", fields=wrong)
    return {path: getattr(settings, path) if settings.HasField(path) else None for path in paths}  # type: ignore[arg-type]
