"""/v1/quotas: what a tenant has used; /v1/tenants: what the operator sets, of any of them."""

from typing import Any

from fastapi import APIRouter
from google.protobuf.field_mask_pb2 import FieldMask
from reelmesh.identity.v1 import identity_pb2
from reelmesh.transcode.v1 import tenant_pb2
from reelmesh.upload.v1 import upload_pb2

from services.gateway import tenants, wire
from services.gateway.channels import TIMEOUT, Services
from services.gateway.http_api.deps import (
    PAGE_SIZE,
    PROTECTED,
    PROTECTED_PROBLEMS,
    Mesh,
    PageSize,
    PageToken,
    ResourceId,
    problems,
)

router = APIRouter(prefix="/v1", tags=["tenants"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)


@router.get("/quotas", response_model=tenants.Quotas)
async def get_quotas(mesh: Mesh) -> dict[str, Any]:
    uploads = await mesh.services.upload.GetUsage(upload_pb2.GetUsageRequest(), timeout=TIMEOUT)
    jobs = await mesh.services.tenants.GetUsage(tenant_pb2.GetUsageRequest(), timeout=TIMEOUT)
    return tenants.from_quotas(uploads.usage, jobs.usage)


@router.get("/tenants", response_model=tenants.TenantPage)
async def list_tenants(mesh: Mesh, page_size: PageSize = PAGE_SIZE, page_token: PageToken = "") -> dict[str, Any]:
    """For the operator: every tenant, newest first."""
    request = identity_pb2.ListTenantsRequest(page_size=page_size, page_token=page_token)
    answer = await mesh.services.identity.ListTenants(request, timeout=TIMEOUT)
    return wire.from_page([tenants.from_tenant(each) for each in answer.tenants], answer.next_page_token)


@router.get("/tenants/{tenant_id}", response_model=tenants.TenantDetail, responses=problems(404))
async def get_tenant(tenant_id: ResourceId, mesh: Mesh) -> dict[str, Any]:
    """For the operator: what counts for the tenant, and what it has used."""
    return await _tenant(mesh.services, str(tenant_id))


@router.patch("/tenants/{tenant_id}", response_model=tenants.TenantDetail, responses=problems(404, 413, 415))
async def update_tenant(tenant_id: ResourceId, body: tenants.TenantPatch, mesh: Mesh) -> dict[str, Any]:
    """For the operator: other limits, at once; what is begun already goes on. A template holds for new uploads."""
    services, known = mesh.services, str(tenant_id)
    await services.identity.GetTenant(identity_pb2.GetTenantRequest(tenant_id=known), timeout=TIMEOUT)
    if paths := [name for name in tenants.UPLOAD_SETTINGS if name in body.model_fields_set]:
        of_uploads = upload_pb2.UpdateTenantSettingsRequest(tenant_id=known, update_mask=FieldMask(paths=paths))
        tenants.fill(of_uploads.settings, body, paths)
        await services.upload.UpdateTenantSettings(of_uploads, timeout=TIMEOUT)
    if paths := [name for name in tenants.TRANSCODE_SETTINGS if name in body.model_fields_set]:
        of_jobs = tenant_pb2.UpdateTenantSettingsRequest(tenant_id=known, update_mask=FieldMask(paths=paths))
        tenants.fill(of_jobs.settings, body, paths)
        await services.tenants.UpdateTenantSettings(of_jobs, timeout=TIMEOUT)
    return await _tenant(services, known)


async def _tenant(services: Services, tenant_id: str) -> dict[str, Any]:
    wanted = identity_pb2.GetTenantRequest(tenant_id=tenant_id)
    tenant = (await services.identity.GetTenant(wanted, timeout=TIMEOUT)).tenant
    of_uploads = upload_pb2.GetTenantSettingsRequest(tenant_id=tenant_id)
    uploads = await services.upload.GetTenantSettings(of_uploads, timeout=TIMEOUT)
    of_jobs = tenant_pb2.GetTenantSettingsRequest(tenant_id=tenant_id)
    jobs = await services.tenants.GetTenantSettings(of_jobs, timeout=TIMEOUT)
    return {
        **tenants.from_tenant(tenant),
        **tenants.from_settings(uploads.settings),
        **tenants.from_settings(jobs.settings),
        "quotas": tenants.from_quotas(uploads.usage, jobs.usage),
    }
