"""What a worker says to the scheduler when it did not hear of the last answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest
from reelmesh.transcode.v1 import worker_pb2

from meshkit.errors import MeshError, Unavailable
from services.transcode.worker.channels import GrpcScheduler
from services.transcode.worker.domain import Encoded
from tests.fakes.transcode_worker import a_claim

NOTHING = worker_pb2.ClaimTaskResponse(unclaimable=worker_pb2.Unclaimable(over=True))


@dataclass
class Stub:
    """Answers when `away` is over."""

    away: bool = True
    asked: list[bool] = field(default_factory=list)

    async def ClaimTask(self, request: worker_pb2.ClaimTaskRequest, timeout: float) -> Any:
        self.asked.append(request.again)
        self._answer(grpc.StatusCode.UNAVAILABLE)
        return NOTHING

    async def CompleteTask(self, request: worker_pb2.CompleteTaskRequest, timeout: float) -> Any:
        self._answer(grpc.StatusCode.INTERNAL)
        return worker_pb2.CompleteTaskResponse(next=NOTHING)

    def _answer(self, code: grpc.StatusCode) -> None:
        if self.away:
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(code, nothing, nothing)


async def test_a_claim_without_an_answer_is_asked_for_again() -> None:
    stub: Any = Stub()
    scheduler = GrpcScheduler(stub, "worker")
    with pytest.raises(Unavailable):
        await scheduler.claim()
    stub.away = False
    await scheduler.claim()
    await scheduler.claim()
    assert stub.asked == [False, True, False]


async def test_so_is_one_that_went_with_a_completion() -> None:
    stub: Any = Stub()
    scheduler = GrpcScheduler(stub, "worker")
    with pytest.raises(MeshError):
        await scheduler.complete_and_claim(a_claim(), Encoded([]))
    stub.away = False
    await scheduler.claim()
    await scheduler.complete_and_claim(a_claim(), Encoded([]))
    await scheduler.claim()
    assert stub.asked == [True, False]
