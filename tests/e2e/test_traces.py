"""One trace from the HTTP request to the last playlist, and into the event feed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.journey import sent
from tests.eventually import eventually

if TYPE_CHECKING:
    from reelmesh_client import Client

    from tests.clips import Clips
    from tests.e2e.spans import SpanCollector

UPLOAD = "reelmesh.upload.v1.UploadService/CompleteUpload"
COMPLETE = "reelmesh.transcode.v1.WorkerService/CompleteTask"


async def test_a_trace_goes_through_every_service(client: Client, clips: Clips, spans: SpanCollector) -> None:
    before = {span.trace_id for span in spans.spans}
    await sent(client, clips.barcoded("traced.mp4", frames=50))

    def completed() -> set[str]:
        """Traces of requests that completed an upload since: this test's, and maybe late ones of those before it."""
        return {s.trace_id for s in spans.spans if s.service == "upload" and UPLOAD in s.name} - before

    def services(trace_id: str, parent: str, child: str) -> set[tuple[str, str]]:
        """Edges whose ends have these words in them, as pairs of services."""
        return {(a.split(":")[0], b.split(":")[0]) for a, b in spans.edges(trace_id) if parent in a and child in b}

    def whole(trace_id: str) -> bool:
        return all(
            [
                ("gateway", "upload") in services(trace_id, UPLOAD, UPLOAD),
                ("upload", "upload") in services(trace_id, UPLOAD, "send UPLOAD"),
                ("upload", "metadata") in services(trace_id, "send UPLOAD", "process UPLOAD"),
                ("metadata", "metadata") in services(trace_id, "process UPLOAD", "send METADATA"),
                ("metadata", "transcode") in services(trace_id, "send METADATA", "process METADATA"),
                ("transcode", "transcode") in services(trace_id, "process METADATA", "send TASKS"),
                ("transcode", "transcode-worker") in services(trace_id, "process METADATA", "process TASKS"),
                ("transcode", "transcode-worker") in services(trace_id, COMPLETE, "process TASKS"),
                ("transcode-worker", "transcode-worker") in services(trace_id, "process TASKS", "encode"),
                ("transcode-worker", "transcode") in services(trace_id, COMPLETE, COMPLETE),
                ("transcode", "transcode") in services(trace_id, "send TRANSCODE", "process TRANSCODE"),
                ("transcode", "metadata") in services(trace_id, "send TRANSCODE", "process TRANSCODE"),
                ("metadata", "notify") in services(trace_id, "send METADATA", "process METADATA"),
            ]
        )

    assert await eventually(lambda: any(whole(each) for each in completed()), within=15)
