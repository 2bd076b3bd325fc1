"""Playlists over what has landed so far, and the job's success once everything has."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from meshkit.clock import utc_now
from services.transcode.media import dash, hls
from services.transcode.media.preset import Preset
from services.transcode.media.sound import AUDIO_RATE
from services.transcode.media.tracks import Segment as MediaSegment
from services.transcode.media.tracks import Track
from services.transcode.scheduler import analysing
from services.transcode.scheduler.output import Output
from services.transcode.scheduler.subtitling import text_tracks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from services.transcode.media.text_tracks import TextTrack
    from services.transcode.scheduler.collecting import Collecting
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.file import File
    from services.transcode.scheduler.ports import Playlists, Store, Transaction
    from services.transcode.scheduler.rendition import Rendition, Segment

MASTER = "master.m3u8"
MANIFEST = "manifest.mpd"
_STEREO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A job's tracks as its playlists show them."""

    video: list[Track]
    audio: Track | None
    texts: list[TextTrack] = field(default_factory=list)

    @property
    def tracks(self) -> list[Track]:
        return [*self.video, self.audio] if self.audio else self.video

    @property
    def playable(self) -> bool:
        """Every rung, and the audio, has its first segment."""
        return bool(self.tracks) and all(track.playable for track in self.tracks)


class Publishing:
    def __init__(
        self, store: Store, playlists: Playlists, collecting: Collecting, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._store = store
        self._playlists = playlists
        self._collecting = collecting
        self._now = now

    async def publish(self, job_id: str) -> None:
        """Write the job's playlists as of now, final with the last chunk; with the last task's result the job succeeds.

        It is ready before that, once only its analysis goes on.

        One at a time per job, and only what is new: a call that finds nothing more to show does nothing.
        """
        async with self._store.transaction() as tx:
            await tx.lock_playlists(job_id)
            job = await tx.job(job_id)
            if job is None or job.over or not job.worth_publishing:
                return
            stream = await self._shown(tx, job)
            if stream.playable:
                await self._write(job, stream, final=job.encoded)
            report = await analysing.written(tx, self._playlists, job) if job.finished else None
            await self._record(tx, job, stream, report)
        if job.finished:
            await self._collecting.collect(job_id)

    async def _shown(self, tx: Transaction, job: Job) -> Stream:
        """What there is to play of it that is not told; nothing, where the preset asks for files alone."""
        if job.ready_time or not Preset.from_json(dict(job.recipe)).stream:
            return Stream(video=[], audio=None)
        stream = _stream(job, await tx.renditions(job.id), await tx.segments(job.id))
        if job.encoded and stream.video:
            stream = replace(stream, texts=await text_tracks(tx, job, stream.video[0].duration))
        return stream

    async def _record(self, tx: Transaction, shown: Job, stream: Stream, report: File | None) -> None:
        job = await tx.job(shown.id, lock=True)
        if job is None or job.over:
            return
        now = self._now()
        published = replace(job, tasks_published=shown.tasks_done)
        if stream.playable and not published.playable:
            published = published.became_playable(now)
            published = published.made([*outputs(published, stream, "preparing"), *analysing.promised(shown)])
            await tx.say(published, "playable")
        if shown.presentable and not published.ready_time:
            published = published.became_ready(now)
            published = published.made([*outputs(published, stream, "ready"), *analysing.promised(shown)])
            if not shown.finished:
                await tx.say(published, "ready")
        if report:
            published = await analysing.tell(tx, published, report)
        if shown.finished:
            published = published.succeed(now)
            await tx.say(published, "succeeded")
        await tx.save_job(published)

    async def _write(self, job: Job, stream: Stream, *, final: bool) -> None:
        """Media playlists before the ones that name them: a player never follows a name to nothing."""
        seconds = Preset.from_json(dict(job.recipe)).gop_seconds
        for track in stream.tracks:
            text = hls.media_playlist(track, ended=final, target_seconds=seconds)
            await self._playlists.write(job.object_prefix + track.uri, text, final=final)
        for each in stream.texts:
            await self._playlists.write(job.object_prefix + each.uri, hls.text_playlist(each), final=final)
        growing_since = None if final else job.start_time
        manifest = dash.manifest(stream.video, stream.audio, stream.texts, growing_since=growing_since)
        await self._playlists.write(job.object_prefix + MANIFEST, manifest, final=final)
        master = hls.master_playlist(stream.video, stream.audio, stream.texts)
        await self._playlists.write(job.object_prefix + MASTER, master, final=final)


def outputs(job: Job, stream: Stream, state: str) -> tuple[Output, ...]:
    """The stream as HLS and as DASH; both are the same segments. Nothing, where there is no stream."""
    if not stream.tracks:
        return ()
    best = stream.tracks[0]
    described = {
        "state": state,
        "width": best.width,
        "height": best.height,
        "bit_rate": best.average_bandwidth + (stream.audio.average_bandwidth if stream.audio and stream.video else 0),
        "codec": ",".join(dict.fromkeys(track.codecs for track in (best, stream.audio or best))),
        "size": sum(segment.size for track in stream.tracks for segment in track.segments),
        "duration": float(best.duration),
    }
    return tuple(
        Output(
            # The same over the job's life: told first while it grows, then when it is whole.
            id=str(uuid.uuid5(uuid.UUID(job.id), kind)),
            kind=kind,
            name=name,
            object_key=job.object_prefix + name,
            **described,  # type: ignore[arg-type]  # one dict for fields of several types
        )
        for kind, name in (("hls", MASTER), ("dash", MANIFEST))
    )


def _stream(job: Job, renditions: Sequence[Rendition], segments: Sequence[Segment]) -> Stream:
    made: dict[str, list[Segment]] = {each.name: [] for each in renditions}
    for segment in segments:
        made[segment.rendition].append(segment)
    tracks = [_track(job, each, made[each.name]) for each in renditions]
    audio = [track for track in tracks if track.kind == "audio"]
    return Stream(video=[track for track in tracks if track.kind == "video"], audio=audio[0] if audio else None)


def _track(job: Job, rendition: Rendition, segments: Sequence[Segment]) -> Track:
    prefix = job.object_prefix
    audio = rendition.kind == "audio"
    return Track(
        name=rendition.name,
        kind="audio" if audio else "video",
        uri=f"{rendition.name}.m3u8",
        init_uri=rendition.init_key.removeprefix(prefix),
        timescale=rendition.timescale,
        codecs=rendition.codec,
        segments=tuple(
            MediaSegment(number, key.removeprefix(prefix), start, ticks, size)
            for _, number, key, size, start, ticks in segments
        ),
        width=rendition.width,
        height=rendition.height,
        frame_rate=Fraction(rendition.frame_rate or 0),
        channels=_STEREO if audio else 0,
        sample_rate=AUDIO_RATE if audio else 0,
    )
