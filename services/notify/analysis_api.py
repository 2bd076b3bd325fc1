"""AnalysisHookService over gRPC."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reelmesh.notify.v1 import analysis_pb2, analysis_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc.server import service_scopes
from services.notify import analysis_wire as wire

if TYPE_CHECKING:
    from services.notify.analysis_hooks import AnalysisHooks

SERVICE = analysis_pb2.DESCRIPTOR.services_by_name["AnalysisHookService"]
SCOPES = service_scopes(
    SERVICE,
    GetAnalysisHook="analysis:read",
    PutAnalysisHook="analysis:write",
    DeleteAnalysisHook="analysis:write",
    RotateAnalysisHookSecret="analysis:write",
)


class AnalysisHookApi(analysis_pb2_grpc.AnalysisHookServiceServicer):
    def __init__(self, hooks: AnalysisHooks) -> None:
        self._hooks = hooks

    async def GetAnalysisHook(
        self, request: analysis_pb2.GetAnalysisHookRequest, context: Any
    ) -> analysis_pb2.GetAnalysisHookResponse:
        return analysis_pb2.GetAnalysisHookResponse(hook=wire.to_hook(await self._hooks.get(caller().tenant_id)))

    async def PutAnalysisHook(
        self, request: analysis_pb2.PutAnalysisHookRequest, context: Any
    ) -> analysis_pb2.PutAnalysisHookResponse:
        hook, made = await self._hooks.put(caller().tenant_id, request.url, request.description, request.etag)
        secret = hook.secrets[0].text if made else ""
        return analysis_pb2.PutAnalysisHookResponse(hook=wire.to_hook(hook), secret=secret)

    async def DeleteAnalysisHook(
        self, request: analysis_pb2.DeleteAnalysisHookRequest, context: Any
    ) -> analysis_pb2.DeleteAnalysisHookResponse:
        await self._hooks.delete(caller().tenant_id, request.etag)
        return analysis_pb2.DeleteAnalysisHookResponse()

    async def RotateAnalysisHookSecret(
        self, request: analysis_pb2.RotateAnalysisHookSecretRequest, context: Any
    ) -> analysis_pb2.RotateAnalysisHookSecretResponse:
        hook = await self._hooks.rotate(caller().tenant_id, timedelta(seconds=request.overlap))
        return wire.to_rotated(hook)
