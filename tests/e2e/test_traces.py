"""One trace from the HTTP request to the last playlist, into the event feed, and to the webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2

from meshkit.instruments import SPANS
from tests.e2e.journey import sent
from tests.eventually import eventually
from tests.receiver import receiving

if TYPE_CHECKING:
    from reelmesh_client import Client

    from local.mesh import RunningMesh
    from tests.clips import Clips
    from tests.e2e.spans import SpanCollector

UPLOAD = "reelmesh.upload.v1.UploadService/CompleteUpload"
COMPLETE = "reelmesh.transcode.v1.WorkerService/CompleteTask"


async def test_a_trace_goes_through_every_service(
    mesh: RunningMesh, client: Client, clips: Clips, spans: SpanCollector
) -> None:
    before = {span.trace_id for span in spans.spans}
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with receiving() as receiver, httpx2.AsyncClient(base_url=mesh.url, headers=headers) as http:
        made = await http.post("/v1/webhooks", json={"url": receiver.url, "events": ["asset.ready"]})
        made.raise_for_status()
        # Unlike any other clip: what was made of the same bytes would be copied.
        await sent(client, clips.barcoded("traced.mp4", frames=53))
        await eventually(lambda: receiver.calls, within=30)
        (await http.delete(f"/v1/webhooks/{made.json()['id']}")).raise_for_status()

    def completed() -> set[str]:
        """Traces of requests that completed an upload since: this test's, and maybe late ones of those before it."""
        return {s.trace_id for s in spans.spans if s.service == "upload" and UPLOAD in s.name} - before

    def services(trace_id: str, parent: str, child: str) -> set[tuple[str, str]]:
        """Edges whose ends have these words in them, as pairs of services."""
        return {(a.split(":")[0], b.split(":")[0]) for a, b in spans.edges(trace_id) if parent in a and child in b}

    def whole(trace_id: str) -> bool:
        return all(
            [
                ("gateway", "gateway") in services(trace_id, "POST /v1/uploads/{upload_id}/complete", UPLOAD),
                ("gateway", "upload") in services(trace_id, UPLOAD, UPLOAD),
                ("upload", "upload") in services(trace_id, UPLOAD, "send UPLOAD"),
                ("upload", "metadata") in services(trace_id, "send UPLOAD", "process UPLOAD"),
                ("metadata", "metadata") in services(trace_id, "process UPLOAD", "send METADATA"),
                ("metadata", "transcode") in services(trace_id, "send METADATA", "process METADATA"),
                ("transcode", "transcode") in services(trace_id, "process METADATA", "send TASKS"),
                ("transcode", "transcode-worker") in services(trace_id, "process METADATA", "process TASKS"),
                ("transcode", "transcode-worker") in services(trace_id, COMPLETE, "process TASKS"),
                ("transcode-worker", "transcode-worker") in services(trace_id, "process TASKS", "probe source"),
                ("transcode-worker", "transcode-worker") in services(trace_id, "process TASKS", "encode chunk"),
                ("transcode-worker", "transcode-worker") in services(trace_id, "process TASKS", "encode audio"),
                ("transcode-worker", "transcode-worker") in services(trace_id, "encode chunk", "ffmpeg"),
                ("transcode-worker", "transcode-worker") in services(trace_id, "encode audio", "ffmpeg"),
                ("transcode-worker", "transcode") in services(trace_id, COMPLETE, COMPLETE),
                ("transcode", "transcode") in services(trace_id, "send TRANSCODE", "process TRANSCODE"),
                ("transcode", "metadata") in services(trace_id, "send TRANSCODE", "process TRANSCODE"),
                ("metadata", "notify") in services(trace_id, "send METADATA", "process METADATA"),
                ("notify", "notify") in services(trace_id, "process METADATA", "process webhooks"),
            ]
        )

    assert await eventually(lambda: any(whole(each) for each in completed()), within=15)
    ours = [span for span in spans.spans if span.scope == "reelmesh"]
    assert not {_listed(span.name) for span in ours} - set(SPANS), "docs/telemetry.md does not know of these spans"
    assert not [span for span in ours if set(span.attributes) - set(SPANS[_listed(span.name)][0])]


def _listed(name: str) -> str:
    word = name.partition(" ")[0]
    return name if name in SPANS or word not in {"send", "process"} else f"{word} <stream>"
