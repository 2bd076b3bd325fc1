"""UploadService over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.upload.v1 import upload_pb2, upload_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc.server import service_scopes
from services.upload import wire

if TYPE_CHECKING:
    from services.upload.appends import Appends
    from services.upload.fetches import Fetches
    from services.upload.service import Uploads
    from services.upload.tenants import Tenants

SERVICE = upload_pb2.DESCRIPTOR.services_by_name["UploadService"]
SCOPES = service_scopes(
    SERVICE,
    CreateUpload="uploads:write",
    GetUpload="uploads:read",
    ListUploads="uploads:read",
    SignParts="uploads:write",
    ListParts="uploads:read",
    CompleteUpload="uploads:write",
    AbortUpload="uploads:write",
    BeginAppend="uploads:write",
    CommitAppend="uploads:append",
    GetUsage="uploads:read",
    GetTenantSettings="tenants:read",
    UpdateTenantSettings="tenants:write",
)


class UploadApi(upload_pb2_grpc.UploadServiceServicer):
    def __init__(self, uploads: Uploads, appends: Appends, fetches: Fetches, tenants: Tenants) -> None:
        self._uploads = uploads
        self._appends = appends
        self._fetches = fetches
        self._tenants = tenants

    async def CreateUpload(
        self, request: upload_pb2.CreateUploadRequest, context: Any
    ) -> upload_pb2.CreateUploadResponse:
        if request.transport == upload_pb2.Upload.TRANSPORT_FETCHED:
            await self._fetches.vet(request.source_url)
        made, series = await self._uploads.create(caller().tenant_id, wire.from_create(request), request.request_id)
        upload = wire.to_upload(made)
        if request.in_series:
            return upload_pb2.CreateUploadResponse(upload=upload, series=map(wire.to_series, series))
        return upload_pb2.CreateUploadResponse(upload=upload, parts=wire.to_signed(series))

    async def GetUpload(self, request: upload_pb2.GetUploadRequest, context: Any) -> upload_pb2.GetUploadResponse:
        upload = await self._uploads.get(caller().tenant_id, request.upload_id)
        return upload_pb2.GetUploadResponse(upload=wire.to_upload(upload))

    async def ListUploads(self, request: upload_pb2.ListUploadsRequest, context: Any) -> upload_pb2.ListUploadsResponse:
        rows, token = await self._uploads.page(caller().tenant_id, request.page_size, request.page_token)
        return upload_pb2.ListUploadsResponse(uploads=map(wire.to_upload, rows), next_page_token=token)

    async def SignParts(self, request: upload_pb2.SignPartsRequest, context: Any) -> upload_pb2.SignPartsResponse:
        series = await self._uploads.sign(caller().tenant_id, request.upload_id, request.part_numbers)
        if request.in_series:
            return upload_pb2.SignPartsResponse(series=map(wire.to_series, series))
        return upload_pb2.SignPartsResponse(parts=wire.to_signed(series))

    async def ListParts(self, request: upload_pb2.ListPartsRequest, context: Any) -> upload_pb2.ListPartsResponse:
        parts = await self._uploads.parts(caller().tenant_id, request.upload_id)
        return upload_pb2.ListPartsResponse(parts=wire.to_received(parts))

    async def CompleteUpload(
        self, request: upload_pb2.CompleteUploadRequest, context: Any
    ) -> upload_pb2.CompleteUploadResponse:
        upload = await self._uploads.complete(caller().tenant_id, request.upload_id, wire.from_completed(request.parts))
        return upload_pb2.CompleteUploadResponse(upload=wire.to_upload(upload))

    async def AbortUpload(self, request: upload_pb2.AbortUploadRequest, context: Any) -> upload_pb2.AbortUploadResponse:
        upload = await self._uploads.abort(caller().tenant_id, request.upload_id)
        return upload_pb2.AbortUploadResponse(upload=wire.to_upload(upload))

    async def BeginAppend(self, request: upload_pb2.BeginAppendRequest, context: Any) -> upload_pb2.BeginAppendResponse:
        offset = request.offset if request.HasField("offset") else None
        tenant_id = caller().tenant_id
        upload = await self._appends.begin(tenant_id, request.upload_id, offset, release=request.release)
        return wire.to_append(upload)

    async def CommitAppend(
        self, request: upload_pb2.CommitAppendRequest, context: Any
    ) -> upload_pb2.CommitAppendResponse:
        upload = await self._appends.commit(
            request.tenant_id,
            request.upload_id,
            request.epoch,
            request.received,
            release=request.release,
            complete=request.complete,
        )
        return upload_pb2.CommitAppendResponse(upload=wire.to_upload(upload))

    async def GetUsage(self, request: upload_pb2.GetUsageRequest, context: Any) -> upload_pb2.GetUsageResponse:
        standing = await self._tenants.standing(caller().tenant_id)
        return upload_pb2.GetUsageResponse(usage=wire.to_usage(standing))

    async def GetTenantSettings(
        self, request: upload_pb2.GetTenantSettingsRequest, context: Any
    ) -> upload_pb2.GetTenantSettingsResponse:
        standing = await self._tenants.standing(request.tenant_id)
        return upload_pb2.GetTenantSettingsResponse(
            settings=wire.to_settings(standing.tenant), usage=wire.to_usage(standing)
        )

    async def UpdateTenantSettings(
        self, request: upload_pb2.UpdateTenantSettingsRequest, context: Any
    ) -> upload_pb2.UpdateTenantSettingsResponse:
        standing = await self._tenants.change(request.tenant_id, wire.from_settings(request))
        return upload_pb2.UpdateTenantSettingsResponse(
            settings=wire.to_settings(standing.tenant), usage=wire.to_usage(standing)
        )
