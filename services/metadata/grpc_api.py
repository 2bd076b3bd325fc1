"""MetadataService over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.metadata.v1 import metadata_pb2, metadata_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc.server import service_scopes
from services.metadata import wire

if TYPE_CHECKING:
    from services.metadata.service import Assets

SERVICE = metadata_pb2.DESCRIPTOR.services_by_name["MetadataService"]
SCOPES = service_scopes(
    SERVICE,
    GetAsset="assets:read",
    ListAssets="assets:read",
    UpdateAsset="assets:write",
    DeleteAsset="assets:write",
    ResolvePlayback="playback:read",
)


class MetadataApi(metadata_pb2_grpc.MetadataServiceServicer):
    def __init__(self, assets: Assets) -> None:
        self._assets = assets

    async def GetAsset(self, request: metadata_pb2.GetAssetRequest, context: Any) -> metadata_pb2.GetAssetResponse:
        asset = await self._assets.get(caller().tenant_id, request.asset_id)
        return metadata_pb2.GetAssetResponse(asset=wire.to_asset(asset))

    async def ListAssets(
        self, request: metadata_pb2.ListAssetsRequest, context: Any
    ) -> metadata_pb2.ListAssetsResponse:
        wanted = wire.from_list(request)
        rows, token = await self._assets.page(caller().tenant_id, wanted, request.page_size, request.page_token)
        return metadata_pb2.ListAssetsResponse(assets=map(wire.to_asset, rows), next_page_token=token)

    async def UpdateAsset(
        self, request: metadata_pb2.UpdateAssetRequest, context: Any
    ) -> metadata_pb2.UpdateAssetResponse:
        changes = wire.from_update(request)
        asset = await self._assets.update(caller().tenant_id, request.asset_id, changes, request.etag)
        return metadata_pb2.UpdateAssetResponse(asset=wire.to_asset(asset))

    async def DeleteAsset(
        self, request: metadata_pb2.DeleteAssetRequest, context: Any
    ) -> metadata_pb2.DeleteAssetResponse:
        asset = await self._assets.delete(caller().tenant_id, request.asset_id, request.etag)
        return metadata_pb2.DeleteAssetResponse(asset=wire.to_asset(asset))

    async def ResolvePlayback(
        self, request: metadata_pb2.ResolvePlaybackRequest, context: Any
    ) -> metadata_pb2.ResolvePlaybackResponse:
        return wire.to_playback(await self._assets.resolve(request.playback_id))
