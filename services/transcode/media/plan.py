"""Cut a source into tasks that encode alone and join without a seam."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from services.transcode.media.edits import NO_MATERIALS, Edits, Materials, check_edits, check_materials
from services.transcode.media.encoders import REORDER
from services.transcode.media.facts import SourceFacts, VideoFacts
from services.transcode.media.grid import Grid
from services.transcode.media.ladder import Rung, ladder, largest
from services.transcode.media.look import PLAIN_LOOK, Look, guest_look, own_look, placed
from services.transcode.media.mux import AUDIO_NAME, Mux, best_for
from services.transcode.media.parts import OWN, Part, parts
from services.transcode.media.pictures import Pictures, pictures
from services.transcode.media.plain import Plain, from_plain, to_plain
from services.transcode.media.preset import Container, Preset
from services.transcode.media.seeking import can_seek, careful, preroll
from services.transcode.media.sound import AudioTrack, sound_alone, sound_of
from services.transcode.media.stills import Stills, stills
from services.transcode.media.subtitles import Subtitle
from services.transcode.media.text_tracks import subtitles

# How many frames a source may end before its announced end, in a stream of constant rate.
_END_SLACK = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoChunk:
    """One task: frames `start_frame` up to, not including, `end_frame` of the grid, in every rung.

    `end_frame` is None for the last chunk: it reads to the source's end, and may show the last picture for up to `hold`
    frames more to come to `frames`: how long a last picture stays is often a guess.
    `rate` and `origin` are the grid's; `gop` is frames between key frames. `preroll` is how many seconds before its
    first frame it asks to read; without one the chunk is the whole source and its frame 0 the first that decodes.
    `source_bytes` is its share of the source, were all frames alike. `source` says which; on the source's own grid its
    frames come `skip` later than in the stream. `segment` is the number of its first segment, where groups of pictures
    before it are not all whole.
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
    source: int = OWN
    skip: int = 0
    segment: int | None = None
    look: Look = PLAIN_LOOK

    @property
    def source_frame(self) -> int:
        """Its first frame on the source's own grid."""
        return self.start_frame + self.skip

    @property
    def first_segment(self) -> int:
        return self.start_frame // self.gop if self.segment is None else self.segment

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
class Plan:
    """Everything a job makes. Of an image that is `pictures` alone; audio alone has no grid and no chunks."""

    grid: Grid | None
    rungs: tuple[Rung, ...]
    chunks: tuple[VideoChunk, ...]
    audio: AudioTrack | None
    files: tuple[Mux, ...] = ()
    stills: Stills | None = None
    pictures: Pictures | None = None
    subtitles: tuple[Subtitle, ...] = ()

    def to_json(self) -> Plain:
        plain: Plain = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: Plain) -> "Plan":
        return from_plain(cls, data)


def plan(facts: SourceFacts, preset: Preset, materials: Materials = NO_MATERIALS) -> Plan:
    """The tasks that turn this source into the preset's stream. Raises BadEdit."""
    edits = preset.edits
    check_edits(edits, facts)
    check_materials(materials)
    if facts.kind == "image":
        return Plan(grid=None, rungs=(), chunks=(), audio=None, pictures=pictures(facts, preset.image))
    if facts.video is None and facts.audio is None:
        return Plan(grid=None, rungs=(), chunks=(), audio=None)
    at = preset.poster.second if preset.poster else None
    if facts.video and preset.poster and not preset.video:
        still = stills(facts, parts(facts, facts.video, edits, materials), at)
        return Plan(grid=None, rungs=(), chunks=(), audio=None, stills=still)
    if facts.video is None or not preset.video:
        audio = sound_alone(facts, materials, preset)
        return Plan(grid=None, rungs=(), chunks=(), audio=audio, files=_files(preset, None, (), audio))
    joined = parts(facts, facts.video, edits, materials, preset.frame_rate)
    grid = Grid(rate=joined[0].grid.rate, origin=joined[0].grid.origin, frames=sum(part.frames for part in joined))
    rungs = ladder(_seen(facts.video, edits), preset, grid.rate)
    looks = {part.source: _look(part, largest(rungs), edits, materials, joined=len(joined) > 1) for part in joined}
    audio = None if edits.mute else sound_of(joined, preset)
    return Plan(
        grid=grid,
        rungs=rungs,
        chunks=_chunks(joined, looks, rungs, preset),
        audio=audio,
        files=_files(preset, grid, rungs, audio),
        stills=stills(facts, joined, at),
        subtitles=subtitles(facts.subtitles, joined) if preset.stream else (),
    )


def _seen(video: VideoFacts, edits: Edits) -> VideoFacts:
    """What of the picture is left."""
    crop = edits.crop
    return replace(video, width=crop.width, height=crop.height, sar=Fraction(1), rotation=0) if crop else video


def _look(part: Part, top: Rung, edits: Edits, materials: Materials, *, joined: bool) -> Look:
    size = top.shown
    if part.source != OWN:
        return guest_look(part.video, size)
    mark = placed(edits.watermark, materials.watermark, size) if edits.watermark and materials.watermark else None
    return own_look(part.video, edits.crop, mark, joined=joined)


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


def _chunks(
    joined: tuple[Part, ...], looks: dict[int, Look], rungs: tuple[Rung, ...], preset: Preset
) -> tuple[VideoChunk, ...]:
    made: list[VideoChunk] = []
    start = segment = 0
    gop = max(1, round(preset.gop_seconds * joined[0].grid.rate))
    for part in joined:
        for first, frames in _cuts(part, gop, preset, early=start == 0):
            made.append(
                VideoChunk(
                    index=len(made),
                    start_frame=start + first,
                    end_frame=None if _reaches_end(part, first + frames) else start + first + frames,
                    frames=frames,
                    hold=_hold(part) if _reaches_end(part, first + frames) else 0,
                    rate=part.grid.rate,
                    origin=part.grid.origin,
                    gop=gop,
                    family=part.facts.family,
                    stream=part.video.stream,
                    preroll=_preroll(part, (part.skip + first) / part.grid.rate),
                    rungs=rungs,
                    delay=REORDER,
                    source_bytes=part.facts.size * frames // part.grid.frames,
                    source=part.source,
                    skip=part.skip - start,
                    segment=segment,
                    look=looks[part.source],
                )
            )
            segment += ceil(frames / gop)
        start += part.frames
    return tuple(made)


def _cuts(part: Part, gop: int, preset: Preset, *, early: bool) -> list[tuple[int, int]]:
    """First frames and lengths of a part's chunks. Only what is shown first needs to be there early."""
    starts: tuple[int, ...] = (0,)
    if can_seek(part.facts, part.video):
        gops = preset.chunk_seconds // preset.gop_seconds
        starts = boundaries(part.frames, gop, gops, preset.early_chunks if early else 0)
    return [(start, end - start) for start, end in zip(starts, (*starts[1:], part.frames), strict=True)]


def _preroll(part: Part, start: Fraction) -> Fraction | None:
    if not can_seek(part.facts, part.video):
        return None
    # At another rate the picture that is shown at `start` may be the one before.
    other_rate = part.conformed and (part.source != OWN or part.video.constant_rate)
    earlier = min(1 / part.video.frame_rate, start) if other_rate else Fraction(0)
    return preroll(part.facts, part.video, start - earlier) + earlier


def _reaches_end(part: Part, end: int) -> bool:
    """Whether the source may be over before it has shown what it announced of this last chunk."""
    return end == part.frames and part.skip + end + _hold(part) >= part.grid.frames


def _hold(part: Part) -> int:
    return ceil(part.video.longest_frame * part.grid.rate) + _END_SLACK if part.conformed else _END_SLACK


def _files(preset: Preset, grid: Grid | None, rungs: tuple[Rung, ...], audio: AudioTrack | None) -> tuple[Mux, ...]:
    """Those of single rungs, then the best that each container may hold; where there is something to hold."""
    asked: list[tuple[str, Container, Rung | None]] = [
        (f"{rung.name}.{rung.container}", rung.container, rung) for rung in rungs if rung.container
    ]
    for container in preset.files:
        best = best_for(container, rungs)
        asked.append((f"{'video' if best else 'audio'}.{container}", container, best))
    return tuple(_file(*each, grid, audio) for each in asked if each[2] is not None or audio)


def _file(name: str, container: Container, rung: Rung | None, grid: Grid | None, audio: AudioTrack | None) -> Mux:
    heard = audio.duration if audio else Fraction(0)
    return Mux(
        name=name,
        container=container,
        tracks=(*([rung.name] if rung else []), *([AUDIO_NAME] if audio else [])),
        frames=grid.frames if rung and grid else 0,
        duration=grid.duration if rung and grid else heard,
        delay=REORDER / grid.rate if grid else Fraction(0),
        width=rung.width if rung else 0,
        height=rung.height if rung else 0,
    )
