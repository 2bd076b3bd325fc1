"""ffmpeg's arguments for a task, as data: nothing here runs anything."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from services.transcode.media.encoders import Quality, device, joins, last_filters, video_codec
from services.transcode.media.families import FAMILIES
from services.transcode.media.ladder import Rung, largest
from services.transcode.media.limits import MAX_ALLOC, MAX_PIXELS, MAX_STREAMS
from services.transcode.media.look import filters, first_filters
from services.transcode.media.mux import AUDIO_NAME, Mux
from services.transcode.media.plan import VideoChunk
from services.transcode.media.sound import AUDIO_RATE, AudioTrack, Stretch
from services.transcode.media.source import Source

# An AAC decoder gives this many samples before the first real one.
AAC_PRIMING = 1024
# The same of Opus, except that a decoder keeps these to itself.
OPUS_PRIMING = 312
_PRIMING = {"aac": AAC_PRIMING, "opus": OPUS_PRIMING}
_ENCODE = {"aac": ("-c:a", "aac", "-profile:a", "aac_low"), "opus": ("-c:a", "libopus")}

# A moov that is the same for every chunk, fragments at key frames, decode times taken from the frames' own times.
_VIDEO_FLAGS = "+cmaf+frag_keyframe+empty_moov+frag_discont+skip_trailer"
_AUDIO_FLAGS = "+cmaf+empty_moov+frag_discont+skip_trailer"
_REQUEST = 1 << 16
# A gap or overlap in the audio's time stamps above this, in seconds, is filled or cut; below it lies clock jitter.
_AUDIO_JITTER = "0.015"


def output_name(rung: Rung) -> str:
    """The file in the scratch folder that holds a rung of a chunk."""
    return f"{rung.name}.mp4"


def chunk_argv(
    chunk: VideoChunk, *, ffmpeg: Path, source: Source, scratch: Path, threads: int, image: Source | None = None
) -> list[str]:
    """Encode one chunk to every rung at once. Frame n of the grid has presentation time n / rate in the outputs.

    `image` is its watermark, if it has one.
    """
    argv = [
        *start(ffmpeg, threads),
        *device(chunk.rungs[0].encoder),
        "-copyts",
        *window(chunk),
        *input_of(chunk.family, source, threads),
    ]
    if chunk.look.mark and image:
        argv += input_of(chunk.look.mark.family, image, threads)
    argv += ["-filter_complex", _video_graph(chunk)]
    for rung in chunk.rungs:
        argv += [*_video_output(chunk, rung, threads), *_file(scratch / output_name(rung), _VIDEO_FLAGS)]
    return argv


def audio_argv(
    track: AudioTrack,
    *,
    ffmpeg: Path,
    sources: Sequence[Source],
    scratch: Path,
    threads: int,
    gains: Sequence[float] = (),
) -> list[str]:
    """Encode the whole audio in stereo, in time with the video in players that know no edit lists.

    `sources` are those of the stretches that are heard, and `gains` what each is made louder by, in dB.
    """
    inputs = [sound_input(*each, threads) for each in zip(track.heard, sources, strict=True)]
    return [
        *start(ffmpeg, threads),
        "-copyts",
        *(word for each in inputs for word in each),
        *["-filter_complex", _audio_graph(track, gains)],
        *["-map", f"[{AUDIO_NAME}]", "-map_metadata", "-1", "-map_chapters", "-1"],
        *[*_ENCODE[track.codec], "-b:a", str(track.bit_rate)],
        *["-frag_duration", str(track.segment_seconds * 1_000_000), "-use_editlist", "0"],
        *_file(scratch / f"{AUDIO_NAME}.mp4", _AUDIO_FLAGS),
    ]


def mux_argv(mux: Mux, *, ffmpeg: Path, tracks: Sequence[Path], out: Path) -> list[str]:
    """Copy `tracks`, CMAF that comes through pipes, into the file `out`: nothing is encoded anew."""
    argv = [*start(ffmpeg, 1), "-copyts"]
    for track in tracks:
        argv += ["-itsoffset", f"{-float(mux.delay):.6f}", "-protocol_whitelist", "file"]
        argv += ["-format_whitelist", "mov", "-f", "mov", "-i", f"file:{track}"]
    for place in range(len(tracks)):
        argv += ["-map", f"{place}:0"]
    return [*argv, "-map_metadata", "-1", "-c", "copy", *mux.format.options, "-f", mux.format.muxer, f"file:{out}"]


def loudness_argv(stretch: Stretch, *, ffmpeg: Path, source: Source, threads: int) -> list[str]:
    """Measure one stretch as it will be heard; the measure is ffmpeg's last words."""
    return [
        *start(ffmpeg, threads, log="info"),
        "-copyts",
        *sound_input(stretch, source, threads),
        *[
            "-filter_complex",
            f"{_heard(stretch, 0)},atrim=end_sample={stretch.samples},ebur128=peak=true:framelog=quiet",
        ],
        # Nothing is mapped: ffmpeg would take the pictures too, and decode all of them.
        *["-vn", "-f", "null", "-"],
    ]


def start(ffmpeg: Path, threads: int, log: str = "warning") -> list[str]:
    return [
        *[str(ffmpeg), "-nostdin", "-hide_banner", "-nostats", "-loglevel", log, "-y"],
        *["-max_alloc", str(MAX_ALLOC), "-filter_complex_threads", str(threads)],
        *["-progress", "pipe:1", "-stats_period", "0.5"],
    ]


def window(chunk: VideoChunk) -> list[str]:
    """Read from `preroll` before the first frame, on the container's clock, until the graph has the last one."""
    begin = chunk.source_frame / chunk.rate - (chunk.preroll or 0)
    if chunk.preroll is None or not chunk.source_frame or begin <= 0:
        return []
    # All pictures from where ffmpeg lands go into the graph, which knows better which of them are wanted.
    return _seek(chunk.origin + begin)


def _seek(time: Fraction) -> list[str]:
    return ["-seek_timestamp", "1", "-noaccurate_seek", "-ss", _seconds(time)]


def sound_input(stretch: Stretch, source: Source, threads: int) -> list[str]:
    return [*(_seek(stretch.seek) if stretch.seek else []), *input_of(stretch.family, source, threads)]


def input_of(family: str, source: Source, threads: int) -> list[str]:
    demuxer = FAMILIES[family].demuxer
    # The format is forced and the list forbids any other: a playlist in disguise must not open its neighbours.
    return [
        *["-threads", str(threads), "-max_pixels", str(MAX_PIXELS), "-max_streams", str(MAX_STREAMS)],
        *["-format_whitelist", demuxer, "-f", demuxer],
        *_from(source),
    ]


def _from(source: Source) -> list[str]:
    if isinstance(source, Path):
        return ["-protocol_whitelist", "file", "-i", f"file:{source}"]
    return [
        *["-protocol_whitelist", "http,tcp", "-seekable", "1", "-multiple_requests", "1", "-icy", "0"],
        # In small requests: of one that runs to the end, the sockets would take in megabytes that nobody reads.
        *["-initial_request_size", str(_REQUEST), "-request_size", str(2 * _REQUEST)],
        *["-i", source.url],
    ]


def _video_graph(chunk: VideoChunk) -> str:
    top = largest(chunk.rungs)
    return f"{conformed(chunk)}{filters(chunk.look, *top.shown)}{_cascade(chunk.rungs)}"


def conformed(chunk: VideoChunk) -> str:
    """The chunk's frames on the grid, as they lie in the source."""
    # The last picture is shown at least once, however short ffmpeg guesses it to be.
    last = "" if chunk.end_frame is not None else ":eof_action=pass"
    hold = [f"tpad=stop={chunk.hold}:stop_mode=clone"] if chunk.hold else []
    rate = f"{chunk.rate.numerator}/{chunk.rate.denominator}"
    # The stream's first frame is held from its very start, even where the first decodable picture comes later.
    begin = "" if chunk.source_frame else ":start_time=0"
    frames = [
        *first_filters(chunk.look),
        "setpts=PTS-STARTPTS" if chunk.preroll is None else f"setpts=round(PTS-{_exact(chunk.origin)}/TB)",
        f"fps={rate}{begin}{last}",
        *hold,
        f"trim=start_pts={chunk.source_frame}:end_pts={chunk.source_frame + chunk.frames}",
        *([f"setpts=PTS{-chunk.skip:+d}"] if chunk.skip else []),
    ]
    return f"[0:{chunk.stream}]{','.join(frames)}"


def _cascade(rungs: Sequence[Rung]) -> str:
    """Each rung is scaled from the one above it: a fifth cheaper than scaling all of them from the source."""
    graph = ""
    moved = ""
    # Of several codecs, those of one size are made of the same pictures.
    for index, rung in enumerate(sorted(rungs, key=lambda rung: -rung.shown[0] * rung.shown[1])):
        filters = ",".join(each for each in (_frame(rung), last_filters(rung.encoder)) if each)
        width, height = rung.shown
        scale = f"scale={width}:{height}:flags=bicubic,setsar=1,format=yuv420p"
        link = f"[below{index - 1}]" if index else ","
        made = f"made{index}" if filters else rung.name
        moved += f";[{made}]{filters}[{rung.name}]" if filters else ""
        last = index == len(rungs) - 1
        graph += f"{link}{scale}[{made}]" if last else f"{link}{scale},split[{made}][below{index}];"
    return graph + moved


def _frame(rung: Rung) -> str:
    """Black around a picture that does not fill its size."""
    return f"pad={rung.width}:{rung.height}:-1:-1" if rung.picture else ""


def _video_output(chunk: VideoChunk, rung: Rung, threads: int) -> list[str]:
    quality = Quality(
        speed=rung.speed,
        crf=rung.crf,
        bit_rate=rung.bit_rate,
        maxrate=rung.maxrate,
        bufsize=rung.bufsize,
        gop=chunk.gop,
        threads=threads,
        zones=joins(chunk.frames, before=chunk.start_frame > 0, after=chunk.end_frame is not None),
    )
    return [
        *["-map", f"[{rung.name}]", "-map_metadata", "-1", "-map_chapters", "-1", "-fps_mode", "passthrough"],
        *video_codec(rung.encoder, quality),
    ]


def _audio_graph(track: AudioTrack, gains: Sequence[float]) -> str:
    """The first samples make room for the decoder's priming, so that nothing after them shifts."""
    priming = _PRIMING[track.codec]
    end = max(priming + 1, track.samples)
    return f"{sound_graph(track, gains)},atrim=start_pts={priming}:end_pts={end}[{AUDIO_NAME}]"


def sound_graph(track: AudioTrack, gains: Sequence[float] = ()) -> str:
    """All that is heard, part after part."""
    louder = [f",volume={gain:.2f}dB" if gain else "" for gain in gains] or [""] * len(track.heard)
    if not track.joined:
        return f"{_heard(track.stretches[0], 0)}{louder[0]}"
    graph, taken = "", 0
    for place, stretch in enumerate(track.joined):
        exact = f"atrim=end_sample={stretch.samples}[part{place}];"
        if stretch.stream is None:
            graph += f"anullsrc=r={AUDIO_RATE}:cl=stereo,aformat=sample_fmts=fltp,{exact}"
            continue
        graph += f"{_heard(stretch, taken)}{louder[taken]},apad=whole_len={stretch.samples},{exact}"
        taken += 1
    names = "".join(f"[part{place}]" for place in range(len(track.joined)))
    # Counted anew: the joint's own times are in microseconds.
    return f"{graph}{names}concat=n={len(track.joined)}:v=0:a=1,asettb=1/{AUDIO_RATE},asetpts=N"


def sound_as_it_came(track: AudioTrack) -> str:
    """All that is heard, in the channels of its source, unless there are several."""
    return sound_graph(track) if track.joined else _heard(track.stretches[0], 0, channels="")


def _heard(stretch: Stretch, place: int, *, channels: str = "ochl=stereo:") -> str:
    """The sound of an input in our form; zero is the stretch's `origin`."""
    form = f"osr={AUDIO_RATE}:{channels}osf=fltp:async=1:min_hard_comp={_AUDIO_JITTER}:first_pts=0"
    return f"[{place}:{stretch.stream}]asetpts=PTS-{_exact(stretch.origin)}/TB,aresample={form}"


def _file(path: Path, flags: str) -> list[str]:
    return ["-movflags", flags, "-f", "mp4", f"file:{path}"]


def _seconds(time: Fraction) -> str:
    return f"{float(time):.6f}"


def _exact(time: Fraction) -> str:
    return f"({time.numerator}/{time.denominator})"
