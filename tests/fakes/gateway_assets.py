"""What else metadata does with assets, for the fake services behind the gateway."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from reelmesh.metadata.v1 import metadata_pb2

from meshkit.auth import caller
from meshkit.errors import Conflict, NotFound
from meshkit.ids import new_id

_DELETED = metadata_pb2.Asset.STATE_DELETED


@dataclass
class AssetUpkeep:
    rows: dict[str, metadata_pb2.Asset] = field(default_factory=dict)
    opened: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How often each asset was opened for what."""
    voters: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    policies: dict[str, metadata_pb2.Retention] = field(default_factory=dict)

    async def OpenAsset(self, request: Any, context: Any) -> metadata_pb2.OpenAssetResponse:
        asset = self._mine(request.asset_id)
        if asset.state == _DELETED:
            raise NotFound("asset_not_found", "the asset is deleted")
        if asset.HasField("source_delete_time"):
            raise NotFound("source_deleted", "the source is no longer kept")
        self.opened[asset.id, metadata_pb2.OpenAssetRequest.Purpose.Name(request.purpose)] += 1
        return metadata_pb2.OpenAssetResponse(asset=asset)

    async def DeleteAsset(self, request: Any, context: Any) -> metadata_pb2.DeleteAssetResponse:
        asset = self._expected(request)
        if request.hard:
            del self.rows[asset.id]
            return metadata_pb2.DeleteAssetResponse()
        asset.state = _DELETED
        return metadata_pb2.DeleteAssetResponse(asset=asset)

    async def RestoreAsset(self, request: Any, context: Any) -> metadata_pb2.RestoreAssetResponse:
        asset = self._expected(request)
        asset.state = metadata_pb2.Asset.STATE_READY
        return metadata_pb2.RestoreAssetResponse(asset=asset)

    async def ListAssetEvents(self, request: Any, context: Any) -> metadata_pb2.ListAssetEventsResponse:
        asset = self._mine(request.asset_id)
        event = metadata_pb2.AssetEvent(id=new_id(), type="asset.created", state=asset.state, changed=["labels"])
        event.create_time.GetCurrentTime()
        return metadata_pb2.ListAssetEventsResponse(events=[event], next_page_token=request.page_token)

    async def CastVote(self, request: Any, context: Any) -> metadata_pb2.CastVoteResponse:
        asset = self._mine(request.asset_id)
        if asset.visibility != metadata_pb2.Asset.VISIBILITY_PUBLIC:
            raise Conflict("not_public", "only a public asset can be voted for")
        self.voters[asset.id].add(caller().subject)
        asset.votes = len(self.voters[asset.id])
        return metadata_pb2.CastVoteResponse(votes=asset.votes)

    async def WithdrawVote(self, request: Any, context: Any) -> metadata_pb2.WithdrawVoteResponse:
        asset = self._mine(request.asset_id)
        self.voters[asset.id].discard(caller().subject)
        asset.votes = len(self.voters[asset.id])
        return metadata_pb2.WithdrawVoteResponse(votes=asset.votes)

    async def GetRetention(self, request: Any, context: Any) -> metadata_pb2.GetRetentionResponse:
        policy = self.policies.get(caller().tenant_id, metadata_pb2.Retention(deleted_days=30))
        return metadata_pb2.GetRetentionResponse(retention=policy)

    async def UpdateRetention(self, request: Any, context: Any) -> metadata_pb2.UpdateRetentionResponse:
        self.policies[caller().tenant_id] = request.retention
        return metadata_pb2.UpdateRetentionResponse(retention=request.retention)

    def _expected(self, request: Any) -> metadata_pb2.Asset:
        asset = self._mine(request.asset_id)
        if request.etag and request.etag != asset.etag:
            raise Conflict("etag_mismatch", "the asset was changed meanwhile")
        return asset

    def _mine(self, asset_id: str) -> metadata_pb2.Asset:
        asset = self.rows.get(asset_id)
        if asset is None or asset.tenant_id != caller().tenant_id:
            raise NotFound("asset_not_found", "no such asset")
        return asset
