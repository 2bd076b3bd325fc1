"""Sources that are not a plain rectangle of evenly timed pictures starting at zero."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from services.transcode.media.encoders import REORDER
from services.transcode.media.facts import VideoFacts
from services.transcode.media.plan import plan
from tests.clips import Clips, beeps, first_picture, pictures, real_clip, samples
from tests.clips.library import AAC, X264
from tests.integration.transcode_media.stream import TINY, Stream, facts_of, make_stream, steps
from tests.unit.transcode_media.builders import HLS

OPEN_GOP = (*X264, "-x264-params", "open-gop=1:scenecut=0")
LOSSLESS = ("-c:v", "ffv1")
DELAY = Fraction(REORDER, 30)
"""Seconds by which streams of 30 frames a second begin after zero."""


def video_of(stream: Stream) -> VideoFacts:
    assert stream.facts.video is not None
    return stream.facts.video


def sizes(stream: Stream) -> list[tuple[int, int]]:
    planned = [(rung.width, rung.height) for rung in stream.plan.rungs]
    decoded = [first_picture(path).shape[::-1] for path in stream.rungs.values()]
    assert decoded == planned
    return planned


async def test_odd_sizes_become_even(clips: Clips, scratch: Path) -> None:
    source = clips.barcoded("a.mkv", frames=30, size=(161, 91), video=LOSSLESS, audio=None)
    stream = await make_stream(source, scratch)
    assert sizes(stream) == [(160, 90)]
    assert [picture.number for picture in pictures(stream.top)] == list(range(30))


async def test_a_source_below_the_lowest_rung_keeps_its_own_size(clips: Clips, scratch: Path) -> None:
    source = clips.barcoded("a.mkv", frames=30, size=(101, 57), video=LOSSLESS, audio=None)
    stream = await make_stream(source, scratch)
    assert sizes(stream) == [(100, 56)]
    assert "own" in stream.plan.rungs[0].why


async def test_pixels_become_square(clips: Clips, scratch: Path) -> None:
    source = clips.barcoded("a.mp4", frames=30, size=(180, 144), filters="setsar=64/45", audio=None)
    stream = await make_stream(source, scratch)
    assert video_of(stream).sar == Fraction(64, 45)
    assert sizes(stream) == [(256, 144), (160, 90)]


@pytest.mark.parametrize(("angle", "clockwise"), [(90, 270), (180, 180), (270, 90)])
async def test_rotation_is_baked_in(angle: int, clockwise: int, clips: Clips, scratch: Path) -> None:
    straight = clips.barcoded("a.mp4", frames=45, audio=None)
    source = clips.made("turned.mp4", "-display_rotation", str(angle), "-i", str(straight), "-c", "copy")
    stream = await make_stream(source, scratch)
    assert video_of(stream).rotation == clockwise
    # A phone's upright video: the short side counts.
    assert sizes(stream)[0] == ((256, 144) if angle == 180 else (144, 256))
    # FFmpeg's angle is counter-clockwise; turning the picture back makes its number readable.
    shown = pictures(stream.top, quarter_turns=-angle // 90)
    assert [picture.number for picture in shown] == list(range(45))


async def test_dropped_frames_are_held(clips: Clips, scratch: Path) -> None:
    gaps = "select='not(between(mod(n,50),20,40))'"
    source = clips.barcoded("a.mkv", frames=200, filters=gaps, output=("-fps_mode", "passthrough"))
    stream = await make_stream(source, scratch)
    assert not video_of(stream).constant_rate
    assert stream.plan.grid is not None
    assert stream.plan.grid.rate == 30
    shown = pictures(stream.top)
    assert [picture.number for picture in shown] == [
        n if n % 50 < 20 or n % 50 > 40 else n - n % 50 + 19 for n in range(200)
    ]
    assert steps([picture.time for picture in shown]) == {Fraction(1, 30)}


async def test_a_picture_that_stays_longer_than_a_chunk_is_held(clips: Clips, scratch: Path) -> None:
    slides = "select='lt(n,10)+eq(n,160)+gt(n,200)'"
    source = clips.barcoded("a.mp4", frames=210, filters=slides, output=("-fps_mode", "passthrough"))
    stream = await make_stream(source, scratch)
    numbers = [picture.number for picture in pictures(stream.top)]
    assert numbers == [*range(10), *[9] * 150, *[160] * 41, *range(201, 210)]


@pytest.mark.parametrize("name", ["slides.mkv", "slides.mp4", "slides.webm"])
async def test_the_last_slide_stays_as_long_as_announced(name: str, clips: Clips, scratch: Path) -> None:
    codec = ("-c:v", "libvpx", "-deadline", "realtime") if name.endswith("webm") else X264
    slow = "setpts='(N*2+mod(N,2)*0.3)/TB'"
    source = clips.barcoded(name, frames=4, filters=slow, video=codec, audio=None, output=("-fps_mode", "passthrough"))
    stream = await make_stream(source, scratch)
    grid = stream.plan.grid
    assert grid is not None
    numbers = [picture.number for picture in pictures(stream.top)]
    assert len(numbers) == grid.frames
    assert numbers == sorted(numbers)
    assert set(numbers) == {0, 1, 2, 3}


async def test_jittering_times_are_conformed(clips: Clips, scratch: Path) -> None:
    jitter = "setpts='(N+0.45*sin(N*1.7))/30/TB'"
    source = clips.barcoded("a.mkv", frames=150, filters=jitter, output=("-fps_mode", "passthrough"), audio=None)
    stream = await make_stream(source, scratch)
    shown = pictures(stream.top)
    assert not video_of(stream).constant_rate
    assert len(steps([picture.time for picture in shown])) == 1
    numbers = [picture.number for picture in shown]
    assert numbers == sorted(numbers)
    assert abs(float(shown[-1].time - shown[0].time) - 149 / 30) < 0.05


async def test_above_60_frames_per_second_every_other_is_kept(clips: Clips, scratch: Path) -> None:
    stream = await make_stream(clips.barcoded("a.mp4", frames=480, rate="120", audio=None), scratch)
    assert stream.plan.rungs[0].frame_rate == 60
    numbers = [picture.number for picture in pictures(stream.top)]
    assert numbers in (list(range(0, 480, 2)), [0, *range(1, 479, 2)])


async def test_an_edit_list_cuts_where_it_says(clips: Clips, scratch: Path) -> None:
    whole = clips.barcoded("a.mp4", frames=200)
    source = clips.made("cut.mp4", "-ss", "1.5", "-i", str(whole), "-c", "copy")
    stream = await make_stream(source, scratch)
    numbers = [picture.number for picture in pictures(stream.top)]
    assert numbers == list(range(45, 200))
    assert len(numbers) == video_of(stream).frames
    assert_in_sync(stream)


async def test_a_stream_cut_out_of_a_broadcast_begins_at_its_first_whole_picture(clips: Clips, scratch: Path) -> None:
    whole = clips.barcoded("a.ts", frames=200, video=OPEN_GOP).read_bytes()
    source = clips.written("cut.ts", whole[len(whole) // 3 // 188 * 188 :])
    stream = await make_stream(source, scratch)
    numbers = [picture.number for picture in pictures(stream.top)]
    assert numbers == list(range(numbers[0], 200))
    assert 40 <= numbers[0] <= 120
    assert len(stream.plan.chunks) > 1
    assert_in_sync(stream)


@pytest.mark.parametrize("offset", ["0.5", "-0.3"])
async def test_sound_that_starts_off_the_pictures_stays_in_time(offset: str, clips: Clips, scratch: Path) -> None:
    plain = clips.barcoded("a.mp4", frames=150)
    inputs = ("-i", str(plain), "-itsoffset", offset, "-i", str(plain), "-map", "0:v", "-map", "1:a", "-c", "copy")
    stream = await make_stream(clips.made("shifted.mkv", *inputs), scratch)
    heard = [beep - float(DELAY) for beep in beeps(stream.audio or Path())]
    shift = float(offset) % 1
    assert heard
    assert all(abs(beep - shift - round(beep - shift)) <= 0.02 for beep in heard if beep > 0.1)


async def test_sound_shorter_than_the_pictures_ends_where_it_does(clips: Clips, scratch: Path) -> None:
    plain = clips.barcoded("a.mp4", frames=150)
    inputs = ("-i", str(plain), "-t", "2.5", "-i", str(plain), "-map", "0:v", "-map", "1:a", "-c", "copy")
    stream = await make_stream(clips.made("shorter.mp4", *inputs), scratch)
    assert [picture.number for picture in pictures(stream.top)] == list(range(150))
    start, rate, wave = samples(stream.audio or Path())
    assert abs(float(start) + len(wave) / rate - float(DELAY) - 2.5) <= 1.5 * 1024 / rate
    heard = [beep - float(DELAY) for beep in beeps(stream.audio or Path())]
    # The very first gives way to the decoder's priming.
    assert [round(beep) for beep in heard if beep > 0.1] == [1, 2]
    assert all(abs(beep - round(beep)) <= 0.02 for beep in heard if beep > 0.1)


async def test_sound_longer_than_the_pictures_is_cut(clips: Clips, scratch: Path) -> None:
    plain = clips.barcoded("a.mp4", frames=150)
    longer = clips.made(
        "longer.mkv", "-t", "3", "-i", str(plain), "-i", str(plain), "-map", "0:v", "-map", "1:a", "-c", "copy"
    )
    stream = await make_stream(longer, scratch)
    start, rate, wave = samples(stream.audio or Path())
    assert start == DELAY
    assert abs(len(wave) / rate - float(video_of(stream).duration)) <= 1024 / 48000


async def test_a_hole_in_the_sound_does_not_move_the_rest(clips: Clips, scratch: Path) -> None:
    source = clips.barcoded("a.mkv", frames=150, audio=("-af", "aselect='not(between(t,1.3,1.8))'", *AAC))
    assert_in_sync(await make_stream(source, scratch))


def assert_in_sync(stream: Stream) -> None:
    assert stream.audio is not None
    heard = beeps(stream.audio)
    flashes = [float(picture.time) for picture in pictures(stream.top) if picture.flash and picture.time > 0.1]
    assert len(flashes) >= 3
    assert all(min(abs(flash - beep) for beep in heard) <= 0.02 for flash in flashes), (flashes, heard)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp3", "mp3"), ("a.flac", "flac"), ("a.wav", "pcm_s16le"), ("a.m4a", "aac"), ("a.ogg", "vorbis")],
)
async def test_sound_alone_is_a_source(name: str, codec: str, clips: Clips, scratch: Path) -> None:
    wave = "aevalsrc='0.6*sin(2*PI*1000*t)*lt(mod(t\\,1)\\,0.04)':s=44100:d=5"
    stream = await make_stream(clips.made(name, "-f", "lavfi", "-i", wave), scratch)
    assert (stream.facts.kind, stream.facts.video) == ("audio", None)
    assert stream.facts.audio is not None
    assert stream.facts.audio.codec.startswith(codec)
    assert stream.plan.chunks == ()
    assert stream.audio is not None
    assert len([beep for beep in beeps(stream.audio) if abs(beep - round(beep)) <= 0.03]) >= 4


async def test_cover_art_is_not_video(clips: Clips, scratch: Path) -> None:
    cover = clips.made("cover.png", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1")
    tone = ("-f", "lavfi", "-i", "sine=d=2", "-i", str(cover), "-map", "0", "-map", "1")
    song = clips.made("song.m4a", *tone, "-c:v", "copy", "-disposition:v", "attached_pic")
    assert (await facts_of(song, scratch)).kind == "audio"


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.bmp", "a.tiff"])
async def test_images_are_told_and_need_no_tasks(name: str, clips: Clips, scratch: Path) -> None:
    picture = clips.made(name, "-f", "lavfi", "-i", "testsrc=s=64x48", "-frames:v", "1", "-update", "1")
    stream = await make_stream(picture, scratch)
    assert stream.facts.kind == "image"
    assert stream.facts.duration == 0
    assert video_of(stream).display_size == (64, 48)
    assert stream.plan.chunks == ()


@pytest.mark.parametrize(
    ("name", "frames", "rate"),
    [
        ("bikes", 250, "25"),
        ("bigbuckbunny", 132, "25"),
        ("carphone_pristine", 120, "30000/1001"),
        ("carphone_distorted", 120, "30000/1001"),
    ],
)
async def test_real_clips_come_out_whole(name: str, frames: int, rate: str, scratch: Path) -> None:
    stream = await make_stream(real_clip(name), scratch)
    shown = pictures(stream.top)
    assert len(shown) == frames == video_of(stream).frames
    assert steps([picture.time for picture in shown]) == {1 / Fraction(rate)}


async def test_hdr_is_told(clips: Clips, scratch: Path) -> None:
    tags = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    source = clips.barcoded(
        "a.mkv", frames=10, filters="setparams=color_trc=smpte2084", video=(*X264, *tags), audio=None
    )
    video = (await facts_of(source, scratch)).video
    assert video is not None
    assert (video.hdr, video.transfer) == ("pq", "smpte2084")


async def test_the_shipped_preset_encodes_a_real_clip(scratch: Path) -> None:
    stream = await make_stream(real_clip("carphone_pristine"), scratch, HLS)
    assert len(pictures(stream.top)) == 120
    assert [track.codecs[:5] for track in stream.tracks["v144"]] == ["avc1."]


async def test_several_pictures_in_one_packet_are_not_counted_on(clips: Clips, scratch: Path, tmp_path: Path) -> None:
    """As DivX wrote them: a picture and the one that is shown before it, then a packet that says nothing new."""
    asp = ("-c:v", "mpeg4", "-q:v", "2", "-bf", "1", "-b_strategy", "0", "-g", "30")
    plain = clips.barcoded("a.avi", frames=150, video=asp, audio=None)
    packed = tmp_path / "packed.avi"
    with av.open(plain) as source, av.open(packed, "w") as file:
        stream = file.add_stream_from_template(source.streams.video[0])
        ahead: bytes = b""
        for packet in source.demux(video=0):
            body = bytes(packet)
            if not packet.size:
                continue
            between = body[body.index(b"\0\0\1\xb6") + 4] >> 6 == 2
            together = av.Packet(ahead + body if between else body)
            together.dts, together.pts, together.time_base = packet.dts, packet.pts, packet.time_base
            together.is_keyframe, together.stream = packet.is_keyframe, stream
            file.mux(together)
            ahead = b"" if between else body
    facts = await facts_of(packed, scratch)
    assert facts.video is not None
    assert facts.video.packed
    assert len(plan(facts, TINY).chunks) == 1
