"""What a worker says to the scheduler when it did not hear of the last answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest
from reelmesh.transcode.v1 import worker_pb2

from meshkit.errors import Unavailable
from services.transcode.worker.channels import GrpcScheduler


@dataclass
class Stub:
    """Answers when `away` is over."""

    away: bool = True
    asked: list[bool] = field(default_factory=list)

    async def ClaimTask(self, request: worker_pb2.ClaimTaskRequest, timeout: float) -> Any:
        self.asked.append(request.again)
        if self.away:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing)
        return worker_pb2.ClaimTaskResponse(unclaimable=worker_pb2.Unclaimable(over=True))


async def test_a_claim_without_an_answer_is_asked_for_again() -> None:
    stub: Any = Stub()
    scheduler = GrpcScheduler(stub, "worker")
    with pytest.raises(Unavailable):
        await scheduler.claim()
    stub.away = False
    await scheduler.claim()
    await scheduler.claim()
    assert stub.asked == [False, True, False]
