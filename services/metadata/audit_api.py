"""AuditService over gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelmesh.metadata.v1 import audit_pb2, audit_pb2_grpc

from meshkit.auth import caller
from meshkit.grpc.server import service_scopes
from meshkit.grpc.times import timestamp
from services.metadata.audit import Wanted

if TYPE_CHECKING:
    from services.metadata.audit import Record
    from services.metadata.trail import Trail

SERVICE = audit_pb2.DESCRIPTOR.services_by_name["AuditService"]
SCOPES = service_scopes(SERVICE, ListAuditRecords="audit:read")


class AuditApi(audit_pb2_grpc.AuditServiceServicer):
    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    async def ListAuditRecords(
        self, request: audit_pb2.ListAuditRecordsRequest, context: Any
    ) -> audit_pb2.ListAuditRecordsResponse:
        wanted = Wanted(asset_id=request.asset_id, subject=request.subject, action=request.action)
        rows, token = await self._trail.page(caller().tenant_id, wanted, request.page_size, request.page_token)
        return audit_pb2.ListAuditRecordsResponse(records=map(to_record, rows), next_page_token=token)


def to_record(record: Record) -> audit_pb2.AuditRecord:
    return audit_pb2.AuditRecord(
        id=record.id,
        asset_id=record.asset_id,
        subject=record.subject,
        action=record.action,
        create_time=timestamp(record.create_time),
    )
