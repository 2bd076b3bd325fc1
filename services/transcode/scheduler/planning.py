"""A plan's chunks and audio as tasks and renditions of a job."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from meshkit.ids import new_id
from services.transcode.media import stills
from services.transcode.media.encoders import CODECS
from services.transcode.media.parts import OWN, WATERMARK
from services.transcode.scheduler.filing import EXPECTED
from services.transcode.scheduler.rendition import Rendition
from services.transcode.scheduler.task import ENCODES, Task, TaskKind, TaskState, due

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from services.transcode.media.mux import Mux
    from services.transcode.media.plan import Plan, VideoChunk
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.source import Source

AUDIO = "audio"
_AUDIO_COST = 0.01
"""Of encoding the video of the same length; measured on a 1080p ladder."""
_MUX_COST = 0.01
"""Of the same: nothing is encoded anew."""
_ALONE = 1.0


def probe(job: Job, now: datetime) -> Task:
    """Looking at the source, which everything else waits for."""
    return task(job, now, kind=TaskKind.PROBE, due_time=due(now, job.priority, urgent=True), weight=0.0)


def tasks(job: Job, plan: Plan, now: datetime, others: Mapping[int, Source]) -> list[Task]:
    """Lowest latency first: the first chunk, the audio, then the other chunks by number; and the plain files.

    `others` are the sources beside the job's own, by what they are to the plan.
    """
    encodes = _encodes(job, plan, now, others)
    return [*encodes, *_files(job, plan, now, sum(each.weight for each in encodes))]


def _encodes(job: Job, plan: Plan, now: datetime, others: Mapping[int, Source]) -> list[Task]:
    first = due(now, job.priority, urgent=True)
    video = [
        task(
            job,
            now,
            kind=TaskKind.ENCODE_VIDEO,
            index=chunk.index,
            due_time=due(now, job.priority, into=begins(chunk)) if chunk.index else first,
            weight=megapixels(chunk),
            spec=chunk.to_json() | inputs(job, others, places(chunk)),
        )
        for chunk in plan.chunks
    ]
    if plan.audio is None:
        return video
    weight = _AUDIO_COST * sum(each.weight for each in video) or _ALONE
    spec = plan.audio.to_json() | inputs(job, others, [each.source for each in plan.audio.heard])
    audio = task(job, now, kind=TaskKind.ENCODE_AUDIO, due_time=first, weight=weight, spec=spec)
    return [*video[:1], audio, *video[1:]]


def _mux(job: Job, mux: Mux, encoding: float, now: datetime) -> Task:
    return task(
        job,
        now,
        kind=TaskKind.MUX,
        state=TaskState.HELD,
        due_time=due(now, job.priority),
        weight=_MUX_COST * encoding,
        spec=mux.to_json(),
    )


def _files(job: Job, plan: Plan, now: datetime, encoding: float) -> list[Task]:
    """`encoding` is what it costs to encode the stream. What plays comes first, and then what it looks like."""
    soon = due(now, job.priority)
    made = [_mux(job, mux, encoding, now) for mux in plan.files]
    if plan.pictures:
        spec = plan.pictures.to_json()
        made.append(task(job, now, kind=TaskKind.IMAGE, due_time=soon, weight=plan.pictures.weight, spec=spec))
    if plan.stills:
        spec = {"stills": plan.stills.to_json(), EXPECTED: stills.FILES}
        weight = stills.COST * encoding or _ALONE
        made.append(task(job, now, kind=TaskKind.STILLS, due_time=soon, weight=weight, spec=spec))
    for index, each in enumerate(plan.subtitles):
        spec = {"subtitle": each.to_json(), EXPECTED: [("file", each.name)]}
        made.append(task(job, now, kind=TaskKind.SUBTITLES, index=index, due_time=soon, weight=_ALONE, spec=spec))
    return made


def places(chunk: VideoChunk) -> list[int]:
    """What a chunk reads, by what it is to the plan."""
    return [chunk.source, *([WATERMARK] if chunk.look.mark else [])]


def inputs(job: Job, others: Mapping[int, Source], wanted: Sequence[int]) -> dict[str, Any]:
    """What a task reads, in order, where that is not just the job's own source."""
    if list(wanted) == [OWN]:
        return {}
    own = {"key": job.source_key, "size": job.source_size}
    named = {place: {"key": each.object_key, "size": each.size} for place, each in others.items()}
    return {"inputs": [own if place == OWN else named[place] for place in wanted]}


def beside(tasks: Iterable[Task]) -> dict[str, int]:
    """How many there are of each kind that encodes no part of the stream."""
    return dict(Counter(str(each.kind) for each in tasks if each.kind not in ENCODES))


def task(job: Job, now: datetime, *, index: int = 0, **fields: Any) -> Task:
    return Task(id=new_id(), job_id=job.id, tenant_id=job.tenant_id, index=index, queue_time=now, **fields)


def begins(chunk: VideoChunk) -> timedelta:
    return timedelta(seconds=float(chunk.start_frame / chunk.rate))


def megapixels(chunk: VideoChunk) -> float:
    """As many as would cost that much in H.264."""
    return chunk.frames * sum(CODECS[rung.codec].cost * rung.width * rung.height for rung in chunk.rungs) / 1e6


def renditions(job: Job, plan: Plan) -> list[Rendition]:
    """The rungs from the highest down, then the audio."""
    video = [
        Rendition(
            job_id=job.id,
            name=rung.name,
            kind="video",
            place=place,
            width=rung.width,
            height=rung.height,
            frame_rate=str(rung.frame_rate),
        )
        for place, rung in enumerate(plan.rungs)
    ]
    audio = [Rendition(job_id=job.id, name=AUDIO, kind="audio", place=len(video))] if plan.audio else []
    return [*video, *audio]
