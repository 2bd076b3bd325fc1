"""The audit log, for the fake services behind the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reelmesh.metadata.v1 import audit_pb2, audit_pb2_grpc


@dataclass
class FakeAudit(audit_pb2_grpc.AuditServiceServicer):
    rows: list[audit_pb2.AuditRecord] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)

    async def ListAuditRecords(self, request: Any, context: Any) -> audit_pb2.ListAuditRecordsResponse:
        self.requests.append(request)
        return audit_pb2.ListAuditRecordsResponse(records=self.rows, next_page_token="more" if self.rows else "")
