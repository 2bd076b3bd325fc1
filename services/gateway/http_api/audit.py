"""/v1/audit: who read private media, and who deleted what."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel
from reelmesh.metadata.v1 import audit_pb2

from services.gateway import bodies, wire
from services.gateway.channels import TIMEOUT
from services.gateway.http_api.deps import (
    PAGE_SIZE,
    PROTECTED,
    PROTECTED_PROBLEMS,
    Mesh,
    PageSize,
    PageToken,
    ResourceId,
)
from services.gateway.schemas import Id, Time

router = APIRouter(prefix="/v1/audit", tags=["assets"], dependencies=PROTECTED, responses=PROTECTED_PROBLEMS)

Action = Literal[
    "stream", "download", "url", "playback", "analysis", "delete", "hard_delete", "restore", "delete_source"
]
Subject = Annotated[bodies.Text, Query(max_length=64, description="A user's or an API key's id, or `reelmesh`.")]


class AuditRecord(BaseModel):
    id: Id
    asset_id: Id
    subject: str
    action: Action
    create_time: Time


class AuditPage(BaseModel):
    items: list[AuditRecord]
    next_page_token: str | None


@router.get("", response_model=AuditPage)
async def list_audit(
    mesh: Mesh,
    asset_id: ResourceId | None = None,
    subject: Subject = "",
    action: Action | None = None,
    page_size: PageSize = PAGE_SIZE,
    page_token: PageToken = "",
) -> dict[str, Any]:
    """Newest first. Of reads, one line stands for what a reader read of an asset in ten minutes."""
    request = audit_pb2.ListAuditRecordsRequest(
        page_size=page_size,
        page_token=page_token,
        asset_id=str(asset_id) if asset_id else "",
        subject=subject,
        action=action or "",
    )
    answer = await mesh.services.audit.ListAuditRecords(request, timeout=TIMEOUT)
    return wire.from_page([from_record(each) for each in answer.records], answer.next_page_token)


def from_record(record: audit_pb2.AuditRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "asset_id": record.asset_id,
        "subject": record.subject,
        "action": record.action,
        "create_time": record.create_time.ToJsonString(),
    }
