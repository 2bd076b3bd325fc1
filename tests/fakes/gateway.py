"""The services behind the gateway, small and in memory, over real gRPC with the scopes of the real ones."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from reelmesh.identity.v1 import identity_pb2, identity_pb2_grpc
from reelmesh.metadata.v1 import audit_pb2_grpc, metadata_pb2, metadata_pb2_grpc
from reelmesh.notify.v1 import analysis_pb2_grpc, notify_pb2_grpc, webhook_pb2_grpc
from reelmesh.transcode.v1 import tenant_pb2_grpc, transcode_pb2_grpc
from reelmesh.upload.v1 import upload_pb2_grpc

from meshkit import auth
from meshkit.auth import caller
from meshkit.errors import NotFound, Unauthenticated
from meshkit.grpc.server import GrpcServer
from meshkit.ids import new_id
from meshkit.settings import GrpcSettings
from services.identity import grpc_api as identity_api
from services.metadata import audit_api
from services.metadata import grpc_api as metadata_api
from services.notify import analysis_api, webhook_api
from services.notify import grpc_api as notify_api
from services.notify.analysis_hooks import AnalysisHooks
from services.notify.webhooks import Webhooks
from services.transcode.scheduler import grpc_api as transcode_api
from services.transcode.scheduler import tenant_api
from services.upload import grpc_api as upload_api
from tests import tokens
from tests.fakes.gateway_assets import AssetUpkeep
from tests.fakes.gateway_audit import FakeAudit
from tests.fakes.gateway_notify import FakeNotify
from tests.fakes.gateway_tenants import Directory, FakeTenants
from tests.fakes.gateway_transcode import FakeTranscode
from tests.fakes.gateway_upload import FakeUpload
from tests.fakes.notify import FakeStore
from tests.fakes.webhooks import FakeReceivers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SERVICE_KEY = "rmk_the-gateways-own-key"
ALL_SCOPES = (
    "uploads:read",
    "uploads:write",
    "assets:read",
    "assets:write",
    "jobs:read",
    "jobs:write",
    "jobs:inspect",
    "events:read",
    "webhooks:read",
    "webhooks:write",
    "analysis:read",
    "analysis:write",
    "playback:sign",
)


def playback_token(playback_id: str, tenant_id: str, seconds: float = 300) -> str:
    claims = {
        "iss": auth.ISSUER,
        "aud": auth.PLAYBACK_AUDIENCE,
        "sub": playback_id,
        "tid": tenant_id,
        "iat": time.time(),
        "exp": time.time() + seconds,
    }
    return jwt.encode(claims, tokens._KEY, algorithm=auth.ALGORITHM, headers={"kid": tokens._KID})


def an_asset(tenant_id: str, **fields: Any) -> metadata_pb2.Asset:
    """A private video, ready."""
    known: dict[str, Any] = {
        "id": new_id(),
        "tenant_id": tenant_id,
        "playback_id": str(uuid.uuid4()),
        "kind": metadata_pb2.Asset.KIND_VIDEO,
        "state": metadata_pb2.Asset.STATE_READY,
        "visibility": metadata_pb2.Asset.VISIBILITY_PRIVATE,
        "file_name": "a.mp4",
        "size": 10,
        "etag": "e1",
    }
    asset = metadata_pb2.Asset(**known | fields)
    asset.object_key = f"assets/{asset.id}/source"
    asset.create_time.GetCurrentTime()
    return asset


def an_output(kind: str, object_key: str, state: Any = metadata_pb2.Output.STATE_READY) -> metadata_pb2.Output:
    return metadata_pb2.Output(id=new_id(), job_id=new_id(), kind=kind, name=kind, state=state, object_key=object_key)


@dataclass
class FakeIdentity(Directory, identity_pb2_grpc.IdentityServiceServicer):
    keys: dict[str, str] = field(default_factory=dict)
    """API keys and the tenants that they belong to."""
    token_seconds: float = 300.0
    exchanged: Counter[str] = field(default_factory=Counter)

    async def ExchangeApiKey(self, request: Any, context: Any) -> identity_pb2.ExchangeApiKeyResponse:
        self.exchanged[request.api_key] += 1
        if request.api_key == SERVICE_KEY:
            token = tokens.token(
                new_id(), "playback:read", "accounts:serve", "uploads:append", seconds=self.token_seconds
            )
        elif request.api_key in self.keys:
            token = tokens.token(self.keys[request.api_key], *ALL_SCOPES, seconds=self.token_seconds)
        else:
            raise Unauthenticated("invalid_api_key", "no such API key")
        answer = identity_pb2.ExchangeApiKeyResponse(access_token=token)
        answer.expire_time.FromSeconds(int(time.time() + self.token_seconds))
        return answer

    async def GetJwks(self, request: Any, context: Any) -> identity_pb2.GetJwksResponse:
        return identity_pb2.GetJwksResponse(jwks_json=await tokens.jwks())

    async def GetCaller(self, request: Any, context: Any) -> identity_pb2.GetCallerResponse:
        tenant = identity_pb2.Tenant(id=caller().tenant_id, name="club")
        tenant.create_time.GetCurrentTime()
        return identity_pb2.GetCallerResponse(tenant=tenant, subject=caller().subject, scopes=sorted(caller().scopes))

    async def SignPlayback(self, request: Any, context: Any) -> identity_pb2.SignPlaybackResponse:
        token = playback_token(request.playback_id, caller().tenant_id, request.expires_in)
        answer = identity_pb2.SignPlaybackResponse(token=token)
        answer.expire_time.FromSeconds(int(time.time() + request.expires_in))
        return answer


@dataclass
class FakeMetadata(AssetUpkeep, metadata_pb2_grpc.MetadataServiceServicer):
    prefixes: dict[str, str] = field(default_factory=dict)
    """Playlists' folders by playback id."""
    requests: list[Any] = field(default_factory=list)
    resolved: Counter[str] = field(default_factory=Counter)

    def add(self, asset: metadata_pb2.Asset, prefix: str = "") -> metadata_pb2.Asset:
        self.rows[asset.id] = asset
        asset.object_prefix = self.prefixes[asset.playback_id] = prefix
        return asset

    async def GetAsset(self, request: Any, context: Any) -> metadata_pb2.GetAssetResponse:
        return metadata_pb2.GetAssetResponse(asset=self._mine(request.asset_id))

    async def ListAssets(self, request: Any, context: Any) -> metadata_pb2.ListAssetsResponse:
        self.requests.append(request)
        mine = [row for row in self.rows.values() if row.tenant_id == caller().tenant_id]
        return metadata_pb2.ListAssetsResponse(assets=mine)

    async def UpdateAsset(self, request: Any, context: Any) -> metadata_pb2.UpdateAssetResponse:
        asset = self._expected(request)
        for path in request.update_mask.paths:
            asset.ClearField(path)
        wanted = metadata_pb2.Asset(
            labels=request.labels if "labels" in request.update_mask.paths else {},
            file_name=request.file_name,
            passthrough=request.passthrough,
        )
        if "visibility" in request.update_mask.paths:
            wanted.visibility = request.visibility
        asset.MergeFrom(wanted)
        asset.etag = f"{asset.etag}+"
        return metadata_pb2.UpdateAssetResponse(asset=asset)

    async def ResolvePlayback(self, request: Any, context: Any) -> metadata_pb2.ResolvePlaybackResponse:
        self.resolved[request.playback_id] += 1
        for asset in self.rows.values():
            if asset.playback_id == request.playback_id:
                return metadata_pb2.ResolvePlaybackResponse(
                    asset_id=asset.id,
                    visibility=asset.visibility,
                    object_prefix=self.prefixes[asset.playback_id],
                    outputs=asset.outputs,
                    tenant_id=asset.tenant_id,
                    source_key=asset.object_key,
                    file_name=asset.file_name,
                    content_type=asset.content_type,
                )
        raise NotFound("playback_not_found", "no such playback id")


@dataclass
class FakeServices:
    address: str = ""
    identity: FakeIdentity = field(default_factory=FakeIdentity)
    upload: FakeUpload = field(default_factory=FakeUpload)
    metadata: FakeMetadata = field(default_factory=FakeMetadata)
    audit: FakeAudit = field(default_factory=FakeAudit)
    transcode: FakeTranscode = field(default_factory=FakeTranscode)
    tenants: FakeTenants = field(default_factory=FakeTenants)
    notify: FakeNotify = field(default_factory=FakeNotify)
    webhooks: FakeStore = field(default_factory=FakeStore)


_APIS = (
    *(identity_api, upload_api, metadata_api, audit_api, transcode_api, tenant_api),
    *(notify_api, webhook_api, analysis_api),
)


@asynccontextmanager
async def fake_services() -> AsyncIterator[FakeServices]:
    """All of them on one port."""
    fakes = FakeServices()
    scopes = {method: scope for api in _APIS for method, scope in api.SCOPES.items()}
    server = GrpcServer(GrpcSettings(grpc_port=0), tokens.verifier(), scopes)
    for servicer, register, api in (
        (fakes.identity, identity_pb2_grpc.add_IdentityServiceServicer_to_server, identity_api),
        (fakes.upload, upload_pb2_grpc.add_UploadServiceServicer_to_server, upload_api),
        (fakes.metadata, metadata_pb2_grpc.add_MetadataServiceServicer_to_server, metadata_api),
        (fakes.transcode, transcode_pb2_grpc.add_TranscodeServiceServicer_to_server, transcode_api),
        (fakes.audit, audit_pb2_grpc.add_AuditServiceServicer_to_server, audit_api),
        (fakes.tenants, tenant_pb2_grpc.add_TenantServiceServicer_to_server, tenant_api),
        (fakes.notify, notify_pb2_grpc.add_NotifyServiceServicer_to_server, notify_api),
        (
            webhook_api.WebhookApi(Webhooks(fakes.webhooks, FakeReceivers())),
            webhook_pb2_grpc.add_WebhookServiceServicer_to_server,
            webhook_api,
        ),
        (
            analysis_api.AnalysisHookApi(AnalysisHooks(fakes.webhooks, FakeReceivers())),
            analysis_pb2_grpc.add_AnalysisHookServiceServicer_to_server,
            analysis_api,
        ),
    ):
        server.add(servicer, register, api.SERVICE.full_name)
    async with server.serving():
        fakes.address = f"127.0.0.1:{server.port}"
        yield fakes
