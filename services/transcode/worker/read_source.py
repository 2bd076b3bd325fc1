"""Read a source from end to end and print its facts, or why it is refused, as JSON. Runs as a program in the sandbox.

Usage: python -m services.transcode.worker.read_source path-or-URL size file-name folder
"""

import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from services.transcode.media.errors import BadMedia
from services.transcode.media.facts import AudioFacts, SourceFacts, VideoFacts
from services.transcode.media.families import FAMILIES
from services.transcode.media.limits import MAX_PIXELS, MAX_SAMPLES, MAX_SECONDS, MAX_STREAMS
from services.transcode.worker.claims import check_claims
from services.transcode.worker.containers import demuxing, opened
from services.transcode.worker.first_frames import Decoder, FirstPicture, FirstSound, has_decoder
from services.transcode.worker.recovery import length_size, recovery_frames
from services.transcode.worker.sniff import HEAD_BYTES, sniff
from services.transcode.worker.texts import Texts
from services.transcode.worker.timeline import Timeline
from services.transcode.worker.whole import check_whole

if TYPE_CHECKING:
    from av.packet import Packet

_MICROSECOND = Fraction(1, 1_000_000)
# Begins a picture of MPEG-4 part 2 (ISO/IEC 14496-2, vop_start_code).
_PICTURE = b"\0\0\1\xb6"
_FIELDS_NEED = 2


def main() -> None:
    source, size, file_name, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    try:
        with opened(source, size) as file:
            answer: dict[str, object] = {"facts": read_source(file, size, file_name, folder).to_json()}
    except BadMedia as error:
        answer = {"reason": error.reason, "message": error.message}
    json.dump(answer, sys.stdout)


def read_source(file: BinaryIO, size: int, file_name: str, folder: Path) -> SourceFacts:
    """The facts of the file of `size` bytes, which was uploaded as `file_name`, but not its hash. Raises BadMedia.

    The packets of its subtitles are left in `folder`.
    """
    family = sniff(file.read(HEAD_BYTES), file_name)
    check_whole(file, size, family)
    check_claims(file, size, family)
    file.seek(0)
    try:
        with demuxing(file, family) as container:
            texts = Texts(container)
            video, audio = _read(container, family, texts)
            subtitles = texts.left_in(folder) if video else ()
    except av.error.MemoryError as error:
        raise BadMedia("too_large", f"the {family} container asks for more streams or memory than allowed") from error
    except av.error.FFmpegError as error:
        raise BadMedia("corrupt", f"the {family} container cannot be read: {error.strerror}") from error
    return replace(_facts(size, family, video, audio), subtitles=subtitles)


def _facts(size: int, family: str, video: VideoFacts | None, audio: AudioFacts | None) -> SourceFacts:
    duration = video.duration if video else audio.duration if audio else Fraction(0)
    if duration > MAX_SECONDS:
        raise BadMedia("too_long", f"{float(duration):.0f} s is longer than {MAX_SECONDS} s")
    return SourceFacts(
        sha256="",
        size=size,
        family=family,
        kind="image" if FAMILIES[family].image else "video" if video else "audio",
        duration=duration,
        video=video,
        audio=audio,
    )


def _read(container: InputContainer, family: str, texts: Texts) -> tuple[VideoFacts | None, AudioFacts | None]:
    video, audio = choose_video(container), choose_audio(container)
    if not len(container.streams):
        raise BadMedia("corrupt", f"the {family} container describes no stream")
    if len(container.streams) > MAX_STREAMS:
        raise BadMedia("too_large", f"more than {MAX_STREAMS} streams")
    if video is None and audio is None:
        raise BadMedia("not_media", "the file has neither video nor audio")
    picture = FirstPicture(video) if video else None
    sound = FirstSound(audio) if audio else None
    decoders: dict[int, Decoder] = {each.stream.index: each for each in (picture, sound) if each}
    shown_times = FAMILIES[family].shown_times
    timelines = {index: Timeline(each.time_base, shown_times) for index, each in decoders.items()}
    end = Fraction(0)
    for packet in container.demux():
        if packet.time_base and packet.pts is not None:
            end = max(end, (packet.pts + (packet.duration or 0)) * packet.time_base)
        texts.feed(packet)
        if packet.stream.index not in decoders:
            continue
        decoders[packet.stream.index].feed(packet)
        if packet.size and not packet.is_discard:
            timeline = timelines[packet.stream.index]
            timeline.add(packet.pts, packet.dts, packet.duration or 0, key=packet.is_keyframe)
            if picture and packet.stream.index == picture.stream.index:
                _look_into(packet, timeline, picture.stream)
            if len(timeline) > MAX_SAMPLES:
                raise BadMedia("too_long", f"more than {MAX_SAMPLES} frames")
    _check_duration(container, family, end)
    return (
        _video_facts(picture, timelines[picture.stream.index], image=FAMILIES[family].image) if picture else None,
        _audio_facts(sound, timelines[sound.stream.index]) if sound else None,
    )


def _look_into(packet: "Packet[Stream]", timeline: Timeline, video: VideoStream) -> None:
    """For what a packet's times do not tell."""
    codec = video.codec_context
    if not timeline.shown_times:
        timeline.packed |= bytes(packet).count(_PICTURE) > 1
    if packet.is_keyframe and codec.name == "h264":
        timeline.healing = max(timeline.healing, recovery_frames(bytes(packet), length_size(codec.extradata)))


def choose_video(container: InputContainer) -> VideoStream | None:
    """One that can be decoded, then the default one, the largest, the first. Cover art is not video."""
    streams = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    return max(streams, key=lambda each: (*_merit(each), _area(each), -each.index), default=None)


def choose_audio(container: InputContainer) -> AudioStream | None:
    """One that can be decoded, then the default one, the first."""
    return max(container.streams.audio, key=lambda each: (*_merit(each), -each.index), default=None)


def _merit(stream: Stream) -> tuple[bool, bool]:
    return has_decoder(stream), bool(stream.disposition & Disposition.default)


def _area(video: VideoStream) -> int:
    return video.width * video.height if has_decoder(video) else 0


def _check_duration(container: InputContainer, family: str, end: Fraction) -> None:
    if family not in ("matroska", "webm") or container.duration is None:
        return
    start = (container.start_time or 0) * _MICROSECOND
    # Some writers count the duration from zero, whenever the first picture comes.
    missing = container.duration * _MICROSECOND - max(end, end - start)
    if missing > max(Fraction(1), container.duration * _MICROSECOND / 50):
        raise BadMedia("corrupt", f"cut short: {float(missing):.1f} s of the announced duration are missing")


def _video_facts(first: FirstPicture, timeline: Timeline, *, image: bool) -> VideoFacts:
    picture = first.require()
    shown = timeline.since(picture.pts)
    if not shown.frames:
        raise BadMedia("corrupt", "no picture of the video can be shown")
    declared = Fraction(first.stream.average_rate or first.stream.guessed_rate or 25)
    rate = declared if shown.decode_only else shown.constant_rate(declared)
    frames = len(shown.frames)
    duration = Fraction(0) if image else frames / rate if rate else shown.duration
    facts = VideoFacts(
        stream=first.stream.index,
        codec=first.stream.codec_context.name,
        width=picture.width,
        height=picture.height,
        sar=picture.sar,
        rotation=picture.rotation,
        start=(shown.ticks[0] if picture.pts is None else picture.pts) * first.time_base,
        sync_start=shown.ticks[0] * first.time_base,
        duration=duration,
        frame_rate=rate or frames / shown.duration,
        nominal_rate=rate or shown.nominal_rate,
        constant_rate=rate is not None,
        frames=frames,
        longest_frame=shown.longest_frame,
        keyframe_gap=shown.keyframe_gap,
        keyframe_period=shown.keyframe_every / rate if rate and shown.keyframe_every else None,
        packed=timeline.packed,
        # Fields are made into pictures with a look at the pictures before.
        healing=max(timeline.healing, _FIELDS_NEED) if picture.interlaced else timeline.healing,
        key_delay=shown.key_delays[1],
        key_delay_spread=shown.key_delays[1] - shown.key_delays[0],
        pix_fmt=picture.pix_fmt,
        transfer=picture.transfer,
        primaries=picture.primaries,
        hdr=picture.hdr,
        interlaced=picture.interlaced,
        bit_rate=first.stream.codec_context.bit_rate or None,
    )
    if max(picture.width * picture.height, facts.display_size[0] * facts.display_size[1]) > MAX_PIXELS:
        raise BadMedia("too_large", f"{picture.width}x{picture.height} pixels are more than {MAX_PIXELS}")
    return facts


def _audio_facts(first: FirstSound, timeline: Timeline) -> AudioFacts | None:
    if not len(timeline):
        return None
    sound = first.require()
    shown = timeline.since(sound.pts)
    if not shown.frames:
        raise BadMedia("corrupt", "no sound of the audio can be heard")
    context = first.stream.codec_context
    return AudioFacts(
        stream=first.stream.index,
        codec=context.name,
        channels=sound.channels,
        sample_rate=sound.sample_rate,
        start=(shown.ticks[0] if sound.pts is None else sound.pts) * first.time_base,
        duration=shown.duration,
        bit_rate=context.bit_rate or None,
    )


if __name__ == "__main__":
    main()
