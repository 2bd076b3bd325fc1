"""The upload service behind the gateway, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reelmesh.upload.v1 import upload_pb2, upload_pb2_grpc

from meshkit.auth import caller
from meshkit.errors import Conflict, NotFound
from meshkit.ids import new_id
from tests.fakes.gateway_tenants import UploadSettings

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class FakeUpload(UploadSettings, upload_pb2_grpc.UploadServiceServicer):
    rows: dict[str, upload_pb2.Upload] = field(default_factory=dict)
    request_ids: dict[str, str] = field(default_factory=dict)
    requests: list[Any] = field(default_factory=list)
    bug: bool = False
    """Something that nobody foresaw."""

    async def CreateUpload(self, request: Any, context: Any) -> upload_pb2.CreateUploadResponse:
        self.requests.append(request)
        if request.request_id not in self.request_ids:
            upload = upload_pb2.Upload(
                id=new_id(),
                tenant_id=caller().tenant_id,
                asset_id=new_id(),
                state=upload_pb2.Upload.STATE_RECEIVING,
                file_name=request.file_name,
                size=request.size,
                preset=request.preset,
                labels=request.labels,
                visibility=request.visibility or upload_pb2.VISIBILITY_PRIVATE,
                part_size=16 << 20,
                part_count=1,
            )
            upload.create_time.GetCurrentTime()
            self.rows[upload.id] = upload
            self.request_ids[request.request_id or upload.id] = upload.id
        kept = self.rows[self.request_ids.get(request.request_id) or next(reversed(self.rows))]
        series = _series([1], {"Content-Length": str(kept.size)})
        return upload_pb2.CreateUploadResponse(upload=kept, series=[series])

    async def GetUpload(self, request: Any, context: Any) -> upload_pb2.GetUploadResponse:
        if self.bug:
            raise RuntimeError("a secret of ours")
        return upload_pb2.GetUploadResponse(upload=self._mine(request.upload_id))

    async def ListUploads(self, request: Any, context: Any) -> upload_pb2.ListUploadsResponse:
        mine = [row for row in reversed(self.rows.values()) if row.tenant_id == caller().tenant_id]
        start = int(request.page_token or 0)
        end = start + request.page_size
        more = str(end) if end < len(mine) else ""
        return upload_pb2.ListUploadsResponse(uploads=mine[start:end], next_page_token=more)

    async def SignParts(self, request: Any, context: Any) -> upload_pb2.SignPartsResponse:
        self._mine(request.upload_id)
        if request.in_series:
            return upload_pb2.SignPartsResponse(series=[_series(request.part_numbers, {})])
        parts = [upload_pb2.SignedPart(part_number=number, url="http://s3/part") for number in request.part_numbers]
        return upload_pb2.SignPartsResponse(parts=parts)

    async def ListParts(self, request: Any, context: Any) -> upload_pb2.ListPartsResponse:
        self._mine(request.upload_id)
        return upload_pb2.ListPartsResponse(parts=[upload_pb2.ReceivedPart(part_number=1, etag="e", size=3)])

    async def CompleteUpload(self, request: Any, context: Any) -> upload_pb2.CompleteUploadResponse:
        self.requests.append(request)
        upload = self._mine(request.upload_id)
        if upload.state == upload_pb2.Upload.STATE_ABORTED:
            raise Conflict("upload_aborted", "the upload is aborted")
        upload.state, upload.job_id = upload_pb2.Upload.STATE_COMPLETED, upload.job_id or new_id()
        return upload_pb2.CompleteUploadResponse(upload=upload)

    async def AbortUpload(self, request: Any, context: Any) -> upload_pb2.AbortUploadResponse:
        upload = self._mine(request.upload_id)
        upload.state = upload_pb2.Upload.STATE_ABORTED
        return upload_pb2.AbortUploadResponse(upload=upload)

    def _mine(self, upload_id: str) -> upload_pb2.Upload:
        upload = self.rows.get(upload_id)
        if upload is None or upload.tenant_id != caller().tenant_id:
            raise NotFound("upload_not_found", "no such upload")
        return upload


def _series(numbers: Iterable[int], headers: dict[str, str]) -> upload_pb2.SignedSeries:
    return upload_pb2.SignedSeries(
        url_begin="http://s3/part?number=",
        url_end="&signature=",
        headers=headers,
        part_numbers=numbers,
        signatures=[f"of-{number}" for number in numbers],
    )
