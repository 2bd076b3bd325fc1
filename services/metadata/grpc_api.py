"""MetadataService over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.metadata.v1 import metadata_pb2, metadata_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc.server import service_scopes
from services.metadata import wire
from services.metadata.listing import order_of

if TYPE_CHECKING:
    from services.metadata.analyses import Analyses
    from services.metadata.retention import Retention
    from services.metadata.service import Assets
    from services.metadata.votes import Votes

SERVICE = metadata_pb2.DESCRIPTOR.services_by_name["MetadataService"]
SCOPES = service_scopes(
    SERVICE,
    GetAsset="assets:read",
    ListAssets="assets:read",
    UpdateAsset="assets:write",
    DeleteAsset="assets:write",
    RestoreAsset="assets:write",
    OpenAsset="assets:read",
    ListAssetEvents="assets:read",
    CastVote="assets:read",
    WithdrawVote="assets:read",
    GetRetention="assets:read",
    UpdateRetention="assets:write",
    ResolvePlayback="playback:read",
)


class MetadataApi(metadata_pb2_grpc.MetadataServiceServicer):
    def __init__(self, assets: Assets, votes: Votes, retention: Retention, analyses: Analyses) -> None:
        self._assets = assets
        self._votes = votes
        self._retention = retention
        self._analyses = analyses

    async def GetAsset(self, request: metadata_pb2.GetAssetRequest, context: Any) -> metadata_pb2.GetAssetResponse:
        asset, answer = await self._analyses.answered(caller().tenant_id, request.asset_id)
        return metadata_pb2.GetAssetResponse(asset=wire.to_asset(asset, answer))

    async def ListAssets(
        self, request: metadata_pb2.ListAssetsRequest, context: Any
    ) -> metadata_pb2.ListAssetsResponse:
        rows, token = await self._assets.page(
            caller().tenant_id,
            wire.from_list(request),
            order_of(request.order_by),
            request.page_size,
            request.page_token,
        )
        return metadata_pb2.ListAssetsResponse(assets=map(wire.to_asset, rows), next_page_token=token)

    async def UpdateAsset(
        self, request: metadata_pb2.UpdateAssetRequest, context: Any
    ) -> metadata_pb2.UpdateAssetResponse:
        changes, by = wire.from_update(request), caller()
        asset = await self._assets.update(by.tenant_id, request.asset_id, changes, request.etag, by.subject)
        return metadata_pb2.UpdateAssetResponse(asset=wire.to_asset(asset))

    async def DeleteAsset(
        self, request: metadata_pb2.DeleteAssetRequest, context: Any
    ) -> metadata_pb2.DeleteAssetResponse:
        by = caller()
        asset = await self._assets.delete(by.tenant_id, request.asset_id, request.etag, by.subject, hard=request.hard)
        return metadata_pb2.DeleteAssetResponse(asset=wire.to_asset(asset) if asset else None)

    async def RestoreAsset(
        self, request: metadata_pb2.RestoreAssetRequest, context: Any
    ) -> metadata_pb2.RestoreAssetResponse:
        by = caller()
        asset = await self._assets.restore(by.tenant_id, request.asset_id, request.etag, by.subject)
        return metadata_pb2.RestoreAssetResponse(asset=wire.to_asset(asset))

    async def OpenAsset(self, request: metadata_pb2.OpenAssetRequest, context: Any) -> metadata_pb2.OpenAssetResponse:
        action, by = wire.from_purpose(request.purpose), caller()
        asset = await self._assets.open(by.tenant_id, request.asset_id, action, by.subject)
        return metadata_pb2.OpenAssetResponse(asset=wire.to_asset(asset))

    async def ListAssetEvents(
        self, request: metadata_pb2.ListAssetEventsRequest, context: Any
    ) -> metadata_pb2.ListAssetEventsResponse:
        rows, token = await self._assets.history(
            caller().tenant_id, request.asset_id, request.page_size, request.page_token
        )
        return metadata_pb2.ListAssetEventsResponse(events=map(wire.to_line, rows), next_page_token=token)

    async def CastVote(self, request: metadata_pb2.CastVoteRequest, context: Any) -> metadata_pb2.CastVoteResponse:
        by = caller()
        return metadata_pb2.CastVoteResponse(votes=await self._votes.cast(by.tenant_id, request.asset_id, by.subject))

    async def WithdrawVote(
        self, request: metadata_pb2.WithdrawVoteRequest, context: Any
    ) -> metadata_pb2.WithdrawVoteResponse:
        by = caller()
        votes = await self._votes.withdraw(by.tenant_id, request.asset_id, by.subject)
        return metadata_pb2.WithdrawVoteResponse(votes=votes)

    async def GetRetention(
        self, request: metadata_pb2.GetRetentionRequest, context: Any
    ) -> metadata_pb2.GetRetentionResponse:
        policy = await self._retention.policy(caller().tenant_id)
        return metadata_pb2.GetRetentionResponse(retention=wire.to_retention(policy))

    async def UpdateRetention(
        self, request: metadata_pb2.UpdateRetentionRequest, context: Any
    ) -> metadata_pb2.UpdateRetentionResponse:
        policy = await self._retention.change(caller().tenant_id, wire.from_retention(request.retention))
        return metadata_pb2.UpdateRetentionResponse(retention=wire.to_retention(policy))

    async def ResolvePlayback(
        self, request: metadata_pb2.ResolvePlaybackRequest, context: Any
    ) -> metadata_pb2.ResolvePlaybackResponse:
        return wire.to_playback(await self._assets.resolve(request.playback_id))
