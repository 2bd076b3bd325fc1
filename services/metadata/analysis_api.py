"""AnalysisService over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.metadata.v1 import analysis_pb2, analysis_pb2_grpc

from meshkit.grpc.server import service_scopes
from meshkit.grpc.times import timestamp
from services.metadata import wire

if TYPE_CHECKING:
    from services.metadata.analyses import Analyses

SERVICE = analysis_pb2.DESCRIPTOR.services_by_name["AnalysisService"]
SCOPES = service_scopes(SERVICE, OpenAnalysis="assets:analyse", EndAnalysis="assets:analyse")


class AnalysisApi(analysis_pb2_grpc.AnalysisServiceServicer):
    def __init__(self, analyses: Analyses) -> None:
        self._analyses = analyses

    async def OpenAnalysis(
        self, request: analysis_pb2.OpenAnalysisRequest, context: Any
    ) -> analysis_pb2.OpenAnalysisResponse:
        asset, url, until = await self._analyses.open(request.tenant_id, request.asset_id)
        return analysis_pb2.OpenAnalysisResponse(
            asset=wire.to_asset(asset),
            source_url=url,
            source_url_expire_time=timestamp(until) if url else None,
        )

    async def EndAnalysis(
        self, request: analysis_pb2.EndAnalysisRequest, context: Any
    ) -> analysis_pb2.EndAnalysisResponse:
        at = request.tenant_id, request.asset_id
        if request.WhichOneof("result") == "answer":
            await self._analyses.answer(*at, request.answer)
        else:
            await self._analyses.fail(*at, request.failure.code, request.failure.message)
        return analysis_pb2.EndAnalysisResponse()
