"""Cut a source into tasks that encode alone and join without a seam."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from services.transcode.media.encoders import REORDER
from services.transcode.media.facts import SourceFacts, VideoFacts
from services.transcode.media.grid import Grid, grid_for
from services.transcode.media.ladder import Rung, ladder
from services.transcode.media.mux import AUDIO_NAME, Mux, best_for
from services.transcode.media.plain import Plain, from_plain, to_plain
from services.transcode.media.preset import AudioCodec, Preset
from services.transcode.media.seeking import can_seek, careful, preroll
from services.transcode.media.stills import Stills, stills

# How many frames a source may end before its announced end, in a stream of constant rate.
_END_SLACK = 2
# Sound that is over by then would be lost in the encoder's priming.
_SHORTEST_SOUND = Fraction(1, 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoChunk:
    """One task: frames `start_frame` up to, not including, `end_frame` of the grid, in every rung.

    `end_frame` is None for the last chunk: it reads to the source's end, and may show the last picture for up to `hold`
    frames more to come to `frames`: how long a last picture stays is often a guess.
    `rate` and `origin` are the grid's; `gop` is frames between key frames. `preroll` is how many seconds before its
    first frame it asks to read; without one the chunk is the whole source and its frame 0 the first that decodes.
    `source_bytes` is its share of the source, were all frames alike.
    """

    index: int
    start_frame: int
    end_frame: int | None
    frames: int
    hold: int
    rate: Fraction
    origin: Fraction
    gop: int
    family: str
    stream: int
    preroll: Fraction | None
    rungs: tuple[Rung, ...]
    delay: int
    source_bytes: int = 0

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "VideoChunk":
        return from_plain(cls, data)

    def again(self) -> "VideoChunk":
        """The same frames, read from further back: where an attempt failed, its seeking may be why."""
        return self if self.preroll is None else replace(self, preroll=careful(self.preroll))


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTrack:
    """One task: the whole audio, heard `delay` seconds after its times, as the pictures are seen.

    `origin` is the source time of the stream's zero, `duration` where it must end."""

    family: str
    stream: int
    origin: Fraction
    duration: Fraction
    bit_rate: int
    segment_seconds: int
    delay: Fraction
    codec: AudioCodec = "aac"

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "AudioTrack":
        return from_plain(cls, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a job makes. An image has no tasks; audio alone has no grid and no chunks."""

    grid: Grid | None
    rungs: tuple[Rung, ...]
    chunks: tuple[VideoChunk, ...]
    audio: AudioTrack | None
    files: tuple[Mux, ...] = ()
    stills: Stills | None = None

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "Plan":
        return from_plain(cls, data)


def plan(facts: SourceFacts, preset: Preset) -> Plan:
    """The tasks that turn this source into the preset's stream."""
    if facts.kind == "image" or (facts.video is None and facts.audio is None):
        return Plan(grid=None, rungs=(), chunks=(), audio=None)
    if facts.video is None or not preset.video:
        audio = _audio(facts, None, preset)
        return Plan(grid=None, rungs=(), chunks=(), audio=audio, files=_files(preset, None, (), audio))
    grid = grid_for(facts.video)
    rungs = ladder(facts.video, preset, grid.rate)
    audio = _audio(facts, grid, preset)
    return Plan(
        grid=grid,
        rungs=rungs,
        chunks=_chunks(facts, grid, rungs, preset),
        audio=audio,
        files=_files(preset, grid, rungs, audio),
        stills=stills(facts, grid),
    )


def boundaries(frames: int, gop: int, gops_per_chunk: int, early_chunks: int) -> tuple[int, ...]:
    """First frames of the chunks: a few of one GOP so that playback starts early, then longer ones, then shorter again.

    None of the later ones is more than half of what is left, so that the workers of a video end together (guided
    self-scheduling: Polychronopoulos and Kuck, 1987). A rest shorter than a GOP stays with the chunk before it.
    """
    starts = [0]
    while True:
        left = (frames - starts[-1]) // gop
        gops = 1 if len(starts) <= early_chunks else min(gops_per_chunk, ceil(left / 2))
        if left - gops < 1:
            return tuple(starts)
        starts.append(starts[-1] + gops * gop)


def _chunks(facts: SourceFacts, grid: Grid, rungs: tuple[Rung, ...], preset: Preset) -> tuple[VideoChunk, ...]:
    assert facts.video is not None
    gop = max(1, round(preset.gop_seconds * grid.rate))
    seeks = can_seek(facts, facts.video)
    starts: tuple[int, ...] = (0,)
    if seeks:
        starts = boundaries(grid.frames, gop, preset.chunk_seconds // preset.gop_seconds, preset.early_chunks)
    ends = (*starts[1:], None)
    return tuple(
        VideoChunk(
            index=index,
            start_frame=start,
            end_frame=end,
            frames=(grid.frames if end is None else end) - start,
            hold=_hold(facts.video, grid) if end is None else 0,
            rate=grid.rate,
            origin=grid.origin,
            gop=gop,
            family=facts.family,
            stream=facts.video.stream,
            preroll=preroll(facts, facts.video, start / grid.rate) if seeks else None,
            rungs=rungs,
            delay=REORDER,
            source_bytes=facts.size * ((grid.frames if end is None else end) - start) // grid.frames,
        )
        for index, (start, end) in enumerate(zip(starts, ends, strict=True))
    )


def _hold(video: VideoFacts, grid: Grid) -> int:
    return _END_SLACK if video.constant_rate else ceil(video.longest_frame * grid.rate) + _END_SLACK


def _audio(facts: SourceFacts, grid: Grid | None, preset: Preset) -> AudioTrack | None:
    if facts.audio is None or preset.audio is None:
        return None
    origin = facts.video.sync_start if grid and facts.video else facts.audio.start
    if facts.audio.start + facts.audio.duration <= origin + _SHORTEST_SOUND:
        return None
    return AudioTrack(
        family=facts.family,
        stream=facts.audio.stream,
        origin=origin,
        duration=grid.duration if grid else facts.audio.duration,
        bit_rate=preset.audio.bit_rate,
        codec=preset.audio.codec,
        segment_seconds=preset.gop_seconds,
        delay=Fraction(0) if grid is None else REORDER / grid.rate,
    )


def _files(preset: Preset, grid: Grid | None, rungs: tuple[Rung, ...], audio: AudioTrack | None) -> tuple[Mux, ...]:
    """Each of those that the preset names for which there is something to hold."""
    made = []
    for container in preset.files:
        best = best_for(container, rungs)
        tracks = [*([best.name] if best else []), *([AUDIO_NAME] if audio else [])]
        if not tracks:
            continue
        whole = best and grid
        made.append(
            Mux(
                name=f"{'video' if best else 'audio'}.{container}",
                container=container,
                tracks=tuple(tracks),
                frames=whole.frames if whole else 0,
                duration=whole.duration if whole else audio.duration if audio else Fraction(0),
                delay=REORDER / grid.rate if grid else Fraction(0),
                width=best.width if best else 0,
                height=best.height if best else 0,
            )
        )
    return tuple(made)
