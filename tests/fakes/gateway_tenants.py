"""What the services behind the gateway know of tenants, for its fakes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reelmesh.identity.v1 import identity_pb2
from reelmesh.transcode.v1 import tenant_pb2, tenant_pb2_grpc
from reelmesh.upload.v1 import upload_pb2

from meshkit.errors import NotFound


@dataclass
class Directory:
    """Of identity."""

    tenants: dict[str, identity_pb2.Tenant] = field(default_factory=dict)

    async def ListTenants(self, request: Any, context: Any) -> identity_pb2.ListTenantsResponse:
        return identity_pb2.ListTenantsResponse(tenants=self.tenants.values())

    async def GetTenant(self, request: Any, context: Any) -> identity_pb2.GetTenantResponse:
        if request.tenant_id not in self.tenants:
            raise NotFound("tenant_not_found", "no such tenant")
        return identity_pb2.GetTenantResponse(tenant=self.tenants[request.tenant_id])


@dataclass
class UploadSettings:
    settings: dict[str, upload_pb2.TenantSettings] = field(default_factory=dict)

    async def GetUsage(self, request: Any, context: Any) -> upload_pb2.GetUsageResponse:
        return upload_pb2.GetUsageResponse(usage=self._usage())

    async def GetTenantSettings(self, request: Any, context: Any) -> upload_pb2.GetTenantSettingsResponse:
        settings = self.settings.get(request.tenant_id)
        return upload_pb2.GetTenantSettingsResponse(settings=settings, usage=self._usage())

    async def UpdateTenantSettings(self, request: Any, context: Any) -> upload_pb2.UpdateTenantSettingsResponse:
        kept = self.settings.setdefault(request.tenant_id, upload_pb2.TenantSettings())
        change(kept, request)
        return upload_pb2.UpdateTenantSettingsResponse(settings=kept, usage=self._usage())

    def _usage(self) -> upload_pb2.Usage:
        uploads = upload_pb2.Quota(used=2)
        uploads.reset_time.FromJsonString("2026-01-02T00:00:00Z")
        return upload_pb2.Usage(bytes_stored=upload_pb2.Quota(used=700, limit=1000), uploads_per_day=uploads)


@dataclass
class FakeTenants(tenant_pb2_grpc.TenantServiceServicer):
    settings: dict[str, tenant_pb2.TenantSettings] = field(default_factory=dict)

    async def GetUsage(self, request: Any, context: Any) -> tenant_pb2.GetUsageResponse:
        return tenant_pb2.GetUsageResponse(usage=self._usage())

    async def GetTenantSettings(self, request: Any, context: Any) -> tenant_pb2.GetTenantSettingsResponse:
        settings = self.settings.get(request.tenant_id)
        return tenant_pb2.GetTenantSettingsResponse(settings=settings, usage=self._usage())

    async def UpdateTenantSettings(self, request: Any, context: Any) -> tenant_pb2.UpdateTenantSettingsResponse:
        kept = self.settings.setdefault(request.tenant_id, tenant_pb2.TenantSettings())
        change(kept, request)
        return tenant_pb2.UpdateTenantSettingsResponse(settings=kept, usage=self._usage())

    def _usage(self) -> tenant_pb2.Usage:
        return tenant_pb2.Usage(concurrent_jobs=tenant_pb2.Quota(used=1, limit=4), encode_minutes=tenant_pb2.Quota())


def change(kept: Any, request: Any) -> None:
    for path in request.update_mask.paths:
        kept.ClearField(path)
        if request.settings.HasField(path):
            setattr(kept, path, getattr(request.settings, path))
