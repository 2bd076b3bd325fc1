"""One trace from the HTTP request to the last playlist, into the event feed, and to the webhook."""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING

import httpx2

from meshkit.ids import new_id
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
        told = await eventually(lambda: receiver.calls, within=30)
        (await http.delete(f"/v1/webhooks/{made.json()['id']}")).raise_for_status()

    def completed() -> set[str]:
        """Traces of requests that completed an upload since: this test's, and maybe late ones of those before it."""
        return {s.trace_id for s in spans.spans if s.service == "upload" and UPLOAD in s.name} - before

    def services(trace_id: str, parent: str, child: str) -> set[tuple[str, str]]:
        """Edges whose ends have these words in them, as pairs of services."""
        return {(a.split(":")[0], b.split(":")[0]) for a, b in spans.edges(trace_id) if parent in a and child in b}

    def posted(trace_id: str) -> list[list[str]]:
        return [[s.trace_id, s.span_id] for s in spans.spans if s.trace_id == trace_id and s.name == "POST"]

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
                ("notify", "notify") in services(trace_id, "process webhooks", "POST"),
                # The receiver may go on from the span of its request.
                any(call.headers["traceparent"].split("-")[1:3] in posted(trace_id) for call in told),
            ]
        )

    assert await eventually(lambda: any(whole(each) for each in completed()), within=15)
    ours = [span for span in spans.spans if span.scope == "reelmesh"]
    assert len(ours) == len(spans.spans)
    assert not {_listed(span.name) for span in ours} - set(SPANS), "docs/telemetry.md does not know of these spans"
    assert not [span for span in ours if set(span.attributes) - set(SPANS[_listed(span.name)][0])]


async def test_of_a_trace_that_is_not_sampled_only_the_id_goes_on(mesh: RunningMesh, spans: SpanCollector) -> None:
    dropped, kept = (token_hex(16) for _ in range(2))
    headers = {"Authorization": f"Bearer {mesh.api_key}"}
    async with httpx2.AsyncClient(base_url=mesh.url, headers=headers) as http:
        for trace_id, flags in ((dropped, "00"), (kept, "01")):
            traceparent = {"traceparent": f"00-{trace_id}-{token_hex(8)}-{flags}"}
            answer = await http.get(f"/v1/assets/{new_id()}", headers=traceparent)
            assert answer.json()["trace_id"] == trace_id

    def edges() -> set[tuple[str, str]]:
        return {(parent.split(":")[0], child.split(":")[0]) for parent, child in spans.edges(kept)}

    await eventually(lambda: {("gateway", "gateway"), ("gateway", "metadata")} <= edges(), within=15)
    assert dropped not in {span.trace_id for span in spans.spans}


def _listed(name: str) -> str:
    word, _, rest = name.partition(" ")
    if name in SPANS:
        return name
    if word in {"send", "process"}:
        return f"{word} <stream>"
    return "<method> <route>" if word.isupper() and (not rest or rest[0] == "/") else "<service>/<method>"
