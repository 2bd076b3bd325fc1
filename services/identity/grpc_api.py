"""IdentityService over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.identity.v1 import identity_pb2, identity_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc.server import ANY, PUBLIC, service_scopes
from services.identity import wire
from services.identity.domain import PLAYBACK_SIGN

if TYPE_CHECKING:
    from services.identity.service import Identities

SERVICE = identity_pb2.DESCRIPTOR.services_by_name["IdentityService"]
SCOPES = service_scopes(
    SERVICE,
    ExchangeApiKey=PUBLIC,
    GetJwks=PUBLIC,
    GetCaller=ANY,
    SignPlayback=PLAYBACK_SIGN,
)


class IdentityApi(identity_pb2_grpc.IdentityServiceServicer):
    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    async def ExchangeApiKey(
        self, request: identity_pb2.ExchangeApiKeyRequest, context: Any
    ) -> identity_pb2.ExchangeApiKeyResponse:
        return wire.to_access(await self._identities.exchange(request.api_key))

    async def GetJwks(self, request: identity_pb2.GetJwksRequest, context: Any) -> identity_pb2.GetJwksResponse:
        return identity_pb2.GetJwksResponse(jwks_json=await self._identities.jwks())

    async def GetCaller(self, request: identity_pb2.GetCallerRequest, context: Any) -> identity_pb2.GetCallerResponse:
        return wire.to_caller(caller(), await self._identities.tenant(caller().tenant_id))

    async def SignPlayback(
        self, request: identity_pb2.SignPlaybackRequest, context: Any
    ) -> identity_pb2.SignPlaybackResponse:
        lifetime = wire.from_sign(request)
        return wire.to_playback(await self._identities.sign_playback(caller().tenant_id, request.playback_id, lifetime))
