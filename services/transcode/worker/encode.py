"""Encode one task of a plan and check the result before anyone counts on it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from meshkit.concurrent import all_of
from services.transcode.media.argv import audio_argv, chunk_argv, loudness_argv, output_name
from services.transcode.media.cmaf import Cmaf, Fragment, check_chunk, check_continuous
from services.transcode.media.codecs import codec_string
from services.transcode.media.errors import WrongOutput
from services.transcode.media.loudness import gain, read_loudness
from services.transcode.media.mux import AUDIO_NAME
from services.transcode.media.plan import VideoChunk
from services.transcode.media.sound import AUDIO_RATE, AudioTrack
from services.transcode.media.source import Source
from services.transcode.media.timing import decoded_later, shown_later
from services.transcode.worker.ffmpeg import Progress, run_ffmpeg
from services.transcode.worker.fragments import Pipe, pipes
from services.transcode.worker.sandbox import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedSegment:
    """`size` in bytes. `number` counts through the whole track; `start` is when it is shown, in the timescale."""

    number: int
    size: int
    start: int
    ticks: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedTrack:
    """One rung of a chunk, or the audio."""

    name: str
    init: bytes
    timescale: int
    codecs: str
    segments: tuple[EncodedSegment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """`first` is the first segment's number; `move` moves a segment by `delay` seconds in ticks."""

    first: int
    delay: Fraction
    move: Callable[[bytes, int], bytes]


Keep = Callable[[str, EncodedSegment, bytes], Awaitable[None]]
"""Gets each segment of a track, by the track's name, as soon as it is whole; ffmpeg waits for it."""
Land = Callable[[EncodedTrack], Awaitable[None]]
"""Gets a track as far as it was kept, after the first segment and whenever there are twice as many; ffmpeg waits."""


async def encode_chunk(
    chunk: VideoChunk,
    source: Source,
    scratch: Path,
    on_progress: Callable[[Progress], None],
    keep: Keep,
    *,
    ffmpeg: Path,
    limits: Limits,
    threads: int = 1,
    image: Source | None = None,
) -> list[EncodedTrack]:
    """All rungs of one chunk in the order of the ladder, exact to the frame. `scratch` must be an empty folder.

    `image` is its watermark, if it has one.
    What `keep` got counts for nothing before this returns. Raises BadMedia when the source cannot be decoded,
    EncodeFailed when trying again may help.
    """
    argv = chunk_argv(chunk, ffmpeg=ffmpeg, source=source, scratch=scratch, threads=threads, image=image)
    names = {rung.name: scratch / output_name(rung) for rung in chunk.rungs}
    sources = [source, image] if image else [source]

    async def run() -> None:
        await run_ffmpeg(argv, sources=sources, scratch=scratch, limits=limits, on_progress=on_progress)

    made = await _run(
        run, names, keep, Timing(first=chunk.first_segment, delay=chunk.delay / chunk.rate, move=shown_later)
    )
    for track, _ in made:
        check_chunk(track, start_frame=chunk.start_frame, frames=chunk.frames, rate=chunk.rate, gop=chunk.gop)
    return [_track(name, *each) for name, each in zip(names, made, strict=True)]


async def encode_audio(
    track: AudioTrack,
    sources: Sequence[Source],
    scratch: Path,
    on_progress: Callable[[Progress], None],
    keep: Keep,
    land: Land,
    *,
    ffmpeg: Path,
    limits: Limits,
    threads: int = 1,
) -> EncodedTrack:
    """The whole audio in stereo at 48 kHz, starting at the video's zero. Otherwise as `encode_chunk`.

    `sources` are those of its stretches that are heard. What `land` got is good, whatever becomes of the rest.
    """
    gains = await _gains(track, sources, scratch, ffmpeg, limits, threads)
    argv = audio_argv(track, ffmpeg=ffmpeg, sources=sources, scratch=scratch, threads=threads, gains=gains)

    async def run() -> None:
        await run_ffmpeg(argv, sources=sources, scratch=scratch, limits=limits, on_progress=on_progress)

    def checked(made: Cmaf, segments: list[EncodedSegment]) -> EncodedTrack:
        check_continuous(made, start=0)
        if made.timescale != AUDIO_RATE:
            raise WrongOutput(f"audio timescale {made.timescale}")
        return _track(AUDIO_NAME, made, segments)

    async def grown(made: Cmaf, fragments: list[Fragment], segments: list[EncodedSegment]) -> None:
        if len(segments).bit_count() == 1:
            await land(checked(replace(made, fragments=tuple(fragments)), segments))

    timing = Timing(first=0, delay=track.delay, move=decoded_later)
    (made,) = await _run(run, {AUDIO_NAME: scratch / f"{AUDIO_NAME}.mp4"}, keep, timing, grown)
    return checked(*made)


async def _gains(
    track: AudioTrack, sources: Sequence[Source], scratch: Path, ffmpeg: Path, limits: Limits, threads: int
) -> list[float]:
    """What makes each source that is heard as loud as the track shall be, in dB."""
    if track.loudness is None:
        return []
    gains = []
    for stretch, source in zip(track.heard, sources, strict=True):
        argv = loudness_argv(stretch, ffmpeg=ffmpeg, source=source, threads=threads)
        log = await run_ffmpeg(argv, sources=[source], scratch=scratch, limits=limits, on_progress=lambda _: None)
        gains.append(gain(read_loudness(log), float(track.loudness)))
    return gains


async def _run(
    ffmpeg: Callable[[], Awaitable[None]],
    outputs: dict[str, Path],
    keep: Keep,
    timing: Timing,
    grown: Callable[[Cmaf, list[Fragment], list[EncodedSegment]], Awaitable[None]] | None = None,
) -> list[tuple[Cmaf, list[EncodedSegment]]]:
    """What ffmpeg writes into each of `outputs`, all of them read while it does; `grown` gets what was kept so far."""
    with pipes(outputs.values()) as open_pipes:

        async def run() -> None:
            try:
                await ffmpeg()
            finally:
                for pipe in open_pipes:
                    pipe.end()

        async def read(name: str, pipe: Pipe) -> tuple[Cmaf, list[EncodedSegment]]:
            segments: list[EncodedSegment] = []
            fragments: list[Fragment] = []

            async def take(track: Cmaf, body: bytes) -> None:
                (fragment,) = track.fragments
                delay = round(timing.delay * track.timescale)
                moved = timing.move(body, delay)
                segment = EncodedSegment(
                    number=timing.first + len(segments),
                    size=len(moved),
                    start=fragment.decode_time + delay,
                    ticks=fragment.ticks,
                    frames=fragment.samples,
                )
                segments.append(segment)
                fragments.append(fragment)
                await keep(name, segment, moved)
                if grown:
                    await grown(track, fragments, segments)

            return await pipe.take_apart(take), segments

        _, *made = await all_of(run(), *(read(name, pipe) for name, pipe in zip(outputs, open_pipes, strict=True)))
        return [track for track in made if track is not None]


def _track(name: str, cmaf: Cmaf, segments: list[EncodedSegment]) -> EncodedTrack:
    return EncodedTrack(
        name=name,
        init=cmaf.init,
        timescale=cmaf.timescale,
        codecs=codec_string(cmaf.init),
        segments=tuple(segments),
    )
