"""ffmpeg's arguments for an analysis, as data, and what it wrote, read."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from services.transcode.media.analysis import EVERY, MODEL, TAIL, PictureCheck
from services.transcode.media.argv import conformed, input_of, sound_as_it_came, sound_input, start, window
from services.transcode.media.errors import WrongOutput
from services.transcode.media.findings import Cut, PicturePart, RungScores, Span, long_enough, pool
from services.transcode.media.ladder import Rung
from services.transcode.media.look import filters
from services.transcode.media.plain import Plain
from services.transcode.media.plan import VideoChunk
from services.transcode.media.sound import AudioTrack
from services.transcode.media.source import Source

# Below the scratch folder, which is where ffmpeg runs: what was found in each picture.
SEEN = "seen.txt"
# As ffmpeg's own filters have it: how much a scene differs from the one before, up to 100.
_CUT = 10
_FOUND = f"scdet,blackdetect=d=0,freezedetect=d=0,metadata=mode=print:file={SEEN}"
_LOUDNESS = "ebur128=peak=true:framelog=quiet"
_PLACE = re.compile(r"frame:(\d+)\s+pts:(-?\d+)\s")
_NOWHERE = ("-f", "null", "-")


def scores_name(place: int) -> str:
    """The file in the scratch folder with the scores of a chunk's rung."""
    return f"vmaf{place}.json"


def picture_argv(
    check: PictureCheck,
    *,
    ffmpeg: Path,
    source: Source,
    tracks: Sequence[Path],
    threads: int,
    image: Source | None = None,
) -> list[str]:
    """Look at a chunk's stretch of the source, and compare `tracks` with it: the chunk in each rung, as CMAF."""
    chunk = check.chunk
    inputs = [*window(chunk), *input_of(chunk.family, source, threads)]
    if chunk.look.mark and image:
        inputs += input_of(chunk.look.mark.family, image, threads)
    first = 2 if chunk.look.mark and image else 1
    for track in tracks:
        inputs += input_of("mp4", track, threads)
    graph = f"{_reference(check)},{_FOUND}"
    if tracks:
        names = "".join(f"[source{place}]" for place in range(len(tracks)))
        graph += f",split[seen][compared];[compared]trim=end_frame={chunk.frames},split={len(tracks)}{names}"
        for place, rung in enumerate(chunk.rungs):
            graph += f";{_rung(check, rung, first + place)}[rung{place}];{_compared(place, threads)}"
    else:
        graph += "[seen]"
    argv = [*start(ffmpeg, threads), "-copyts", *inputs, "-filter_complex", graph, "-map", "[seen]", *_NOWHERE]
    for place in range(len(tracks)):
        argv += ["-map", f"[scores{place}]", *_NOWHERE]
    return argv


def sound_argv(track: AudioTrack, *, ffmpeg: Path, sources: Sequence[Source], threads: int) -> list[str]:
    """Measure the sound as it came; the measure is ffmpeg's last words."""
    inputs = [word for each in zip(track.heard, sources, strict=True) for word in sound_input(*each, threads)]
    graph = f"{sound_as_it_came(track)},atrim=end_sample={track.samples},{_LOUDNESS}"
    return [*start(ffmpeg, threads, log="info"), "-copyts", *inputs, "-filter_complex", graph, "-vn", *_NOWHERE]


def made_sound_argv(made: Path, *, ffmpeg: Path, threads: int) -> list[str]:
    """Measure the sound as it was made, `made` in CMAF, likewise."""
    return [
        *start(ffmpeg, threads, log="info"),
        *input_of("mp4", made, threads),
        *["-filter_complex", f"[0:0]{_LOUDNESS}", *_NOWHERE],
    ]


def _reference(check: PictureCheck) -> str:
    """The pictures that the rungs were made of, and those of the tail, at their places in the chunk."""
    read = replace(check.chunk, frames=check.chunk.frames + check.tail)
    return f"{conformed(read)}{filters(read.look, *check.size)},{_made_alike(check)},setpts=PTS-{read.start_frame}"


def _rung(check: PictureCheck, rung: Rung, place: int) -> str:
    inner = f"crop={rung.picture[0]}:{rung.picture[1]}," if rung.picture else ""
    # Of the rung it is known that it has every frame.
    return f"[{place}:0]{inner}{_made_alike(check)},setpts=N"


def _made_alike(check: PictureCheck) -> str:
    rate = check.chunk.rate
    size = f"scale={check.size[0]}:{check.size[1]}:flags=bicubic,setsar=1,format=yuv420p"
    return f"{size},settb={rate.denominator}/{rate.numerator}"


def _compared(place: int, threads: int) -> str:
    log = f"log_fmt=json:log_path={scores_name(place)}"
    how = f"model=version={MODEL}:n_subsample={EVERY}:n_threads={threads}:shortest=1"
    return f"[rung{place}][source{place}]libvmaf={how}:{log}[scores{place}]"


def picture_part(check: PictureCheck, seen: str, scores: Sequence[str]) -> PicturePart:
    """What ffmpeg wrote of a chunk, by frames of the stream. Raises WrongOutput."""
    chunk = check.chunk
    found = _Found()
    for frame, said in _said(seen):
        found.take(frame, said, float(chunk.rate))
    if not chunk.frames <= found.frames <= chunk.frames + check.tail:
        raise WrongOutput(f"{found.frames} frames were looked at, {chunk.frames} and {check.tail} were to be")
    found.end()
    first = chunk.start_frame
    known = TAIL if check.follows else 0
    return PicturePart(
        first=first,
        frames=chunk.frames,
        follows=check.follows,
        rate=chunk.rate,
        size=check.size,
        cuts=tuple(Cut(frame=first + cut.frame, score=cut.score) for cut in found.cuts if cut.frame >= known),
        black=_placed(found.black, chunk),
        frozen=_placed(found.frozen, chunk),
        rungs=tuple(
            made
            for rung, text in zip(chunk.rungs, scores, strict=False)
            if (made := _scored(check, rung, json.loads(text)))
        ),
    )


def _placed(spans: Sequence[Span], chunk: VideoChunk) -> tuple[Span, ...]:
    """In the stream; without those that are short, and do not go on in another chunk."""
    told = (each for each in spans if not each.start or each.end >= chunk.frames or long_enough(each, chunk.rate))
    return tuple(Span(start=chunk.start_frame + each.start, end=chunk.start_frame + each.end) for each in told)


class _Found:
    """Of a chunk, by its own frames."""

    def __init__(self) -> None:
        self.frames = 0
        self.cuts: list[Cut] = []
        self.black: list[Span] = []
        self.frozen: list[Span] = []
        self._dark: int | None = None
        self._still: int | None = None

    def take(self, frame: int, said: dict[str, float], rate: float) -> None:
        self.frames = frame + 1
        if (score := said.get("scd.score", 0.0)) >= _CUT:
            self.cuts.append(Cut(frame=frame, score=score))
        if "black_start" in said:
            self._dark = frame
        if "freezedetect.freeze_start" in said:
            self._still = round(said["freezedetect.freeze_start"] * rate)
        if "black_end" in said:
            self._bright(frame)
        if "freezedetect.freeze_end" in said:
            self._moves(frame)

    def end(self) -> None:
        self._bright(self.frames)
        self._moves(self.frames)

    def _bright(self, frame: int) -> None:
        if self._dark is not None:
            self.black.append(Span(start=self._dark, end=frame))
        self._dark = None

    def _moves(self, frame: int) -> None:
        # A picture alone does not stand still.
        if self._still is not None and frame - self._still > 1:
            self.frozen.append(Span(start=self._still, end=frame))
        self._still = None


def _said(seen: str) -> Iterator[tuple[int, dict[str, float]]]:
    """Of each frame what the filters found, as `metadata` prints it. Raises WrongOutput where one is missing."""
    frame, said = -1, dict[str, float]()
    for line in seen.splitlines():
        if place := _PLACE.match(line):
            if frame >= 0:
                yield frame, said
            frame, said = int(place[1]), {}
            if frame != int(place[2]):
                raise WrongOutput(f"frame {frame} of the chunk is missing")
        else:
            name, _, value = line.partition("=")
            said[name.removeprefix("lavfi.")] = float(value)
    if frame >= 0:
        yield frame, said


def _scored(check: PictureCheck, rung: Rung, log: Plain) -> RungScores | None:
    """None for a chunk that is too short. Raises WrongOutput."""
    scores = {int(each["frameNum"]): float(each["metrics"]["vmaf"]) for each in log["frames"]}
    expected = range(0, check.chunk.frames, EVERY)
    if sorted(scores) != list(expected):
        raise WrongOutput(f"{len(scores)} frames of {rung.name} were compared, {len(expected)} were to be")
    # How much the first one moves is not known, unless nothing is before it.
    if check.follows:
        del scores[0]
    if not scores:
        return None
    return RungScores(
        name=rung.name, width=rung.width, height=rung.height, codec=rung.codec, pool=pool(list(scores.values()))
    )
