"""Metadata, as notify itself calls it about the assets of all tenants."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from reelmesh.metadata.v1 import analysis_pb2, analysis_pb2_grpc

from meshkit.grpc import client
from meshkit.grpc.status import answered
from services.notify import analysis_wire as wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from services.notify.ports import Source

TIMEOUT = 5.0


class MetadataAssets:
    def __init__(self, stub: analysis_pb2_grpc.AnalysisServiceAsyncStub) -> None:
        self._stub = stub

    async def open(self, tenant_id: str, asset_id: str) -> Source | None:
        request = analysis_pb2.OpenAnalysisRequest(tenant_id=tenant_id, asset_id=asset_id)
        return wire.from_open(await answered(self._stub.OpenAnalysis(request, timeout=TIMEOUT)))

    async def answer(self, tenant_id: str, asset_id: str, answer: str) -> None:
        request = analysis_pb2.EndAnalysisRequest(tenant_id=tenant_id, asset_id=asset_id, answer=answer)
        await answered(self._stub.EndAnalysis(request, timeout=TIMEOUT))

    async def fail(self, tenant_id: str, asset_id: str, code: str, message: str) -> None:
        failure = analysis_pb2.AnalysisFailure(code=code, message=message)
        request = analysis_pb2.EndAnalysisRequest(tenant_id=tenant_id, asset_id=asset_id, failure=failure)
        await answered(self._stub.EndAnalysis(request, timeout=TIMEOUT))


@asynccontextmanager
async def assets_at(address: str, own_token: Callable[[], Awaitable[str]]) -> AsyncIterator[MetadataAssets]:
    async with client.channel(address, analysis_pb2.DESCRIPTOR, own_token) as channel:
        yield MetadataAssets(analysis_pb2_grpc.AnalysisServiceStub(channel))
