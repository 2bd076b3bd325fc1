"""Edited streams are as exact as others: the frames that were asked for, at every join, with their sound."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from services.transcode.media.edits import Crop, Edits, Trim, Watermark
from services.transcode.media.encoders import REORDER
from services.transcode.media.plan import plan
from services.transcode.scheduler.shipped import shipped
from tests.clips import Clips, beeps, first_picture, is_flash, pictures, read_number, samples, similarity
from tests.clips.library import X264
from tests.integration.transcode_media.stream import Stream, make_stream, steps

OPEN_GOP = (*X264, "-x264-params", "open-gop=1:scenecut=0")
DELAY = Fraction(REORDER, 30)


def trimmed(start: str, end: str | None = None) -> Edits:
    return Edits(trim=Trim(start=Fraction(start), end=Fraction(end) if end else None))


TRIMS = {
    "mp4": ("a.mp4", {}, trimmed("1.5", "4"), range(45, 120)),
    "mp4, open groups, to the end": ("a.mp4", {"video": OPEN_GOP}, trimmed("1.711"), range(51, 150)),
    "mkv": ("a.mkv", {}, trimmed("0.5", "4.9"), range(15, 147)),
    "transport stream": ("a.ts", {}, trimmed("1.5", "4"), range(45, 120)),
    "cannot be sought": (
        "a.ogv",
        {"video": ("-c:v", "libtheora", "-q:v", "9"), "audio": ("-c:a", "libvorbis")},
        trimmed("1.5", "4"),
        range(45, 120),
    ),
    "the start": ("a.mp4", {}, trimmed("0", "2.5"), range(75)),
}


@pytest.mark.parametrize("kind", TRIMS)
async def test_a_trimmed_stream_has_the_sources_own_frames(kind: str, clips: Clips, scratch: Path) -> None:
    name, made, edits, expected = TRIMS[kind]
    source = clips.barcoded(name, frames=150, **made)  # type: ignore[arg-type]
    stream = await make_stream(source, scratch, edits=edits)
    for path in stream.rungs.values():
        shown = pictures(path)
        assert [picture.number for picture in shown] == list(expected)
        assert shown[0].time == DELAY
        assert steps([picture.time for picture in shown]) == {Fraction(1, 30)}
    assert len(stream.plan.chunks) > 1 or name.endswith("ogv")
    assert_together(stream, at_least=len(expected) // 30 - 1)


async def test_a_trimmed_stream_looks_like_its_stretch_of_the_whole(
    clips: Clips, scratch: Path, tmp_path: Path
) -> None:
    source = clips.barcoded("a.mp4", frames=150, audio=None)
    whole = await make_stream(source, scratch)
    (tmp_path / "cut").mkdir()
    cut = await make_stream(source, tmp_path / "cut", edits=trimmed("1.5", "4"))
    stretch = zip(grays(cut.top), grays(whole.top)[45:120], strict=True)
    assert min(similarity(mine, theirs) for mine, theirs in stretch) >= 0.95


async def test_a_variable_rate_is_trimmed_on_its_grid(clips: Clips, scratch: Path) -> None:
    dropped = r"select=not(eq(mod(n\,7)\,3)),setpts=PTS"
    source = clips.barcoded("a.mkv", frames=150, filters=dropped, output=("-fps_mode", "vfr"))
    stream = await make_stream(source, scratch, edits=trimmed("1.5", "4"))
    assert [picture.number for picture in pictures(stream.top)] == [n if n % 7 != 3 else n - 1 for n in range(45, 120)]
    assert_together(stream, at_least=2)


async def test_sound_alone_is_trimmed(clips: Clips, scratch: Path) -> None:
    wave = r"aevalsrc='0.6*sin(2*PI*1000*t)*lt(mod(t\,1)\,0.04)':s=44100:d=5"
    source = clips.made("a.flac", "-f", "lavfi", "-i", wave)
    stream = await make_stream(source, scratch, edits=trimmed("1.5", "4"))
    assert stream.audio is not None
    assert [round(beep, 1) for beep in beeps(stream.audio)] == [0.5, 1.5]
    _, rate, heard = samples(stream.audio)
    assert abs(len(heard) / rate - 2.5) <= 1024 / 48000


async def test_a_muted_stream_has_no_sound(clips: Clips, scratch: Path) -> None:
    stream = await make_stream(clips.barcoded("a.mp4", frames=45), scratch, edits=Edits(mute=True))
    assert stream.audio is None
    assert len(pictures(stream.top)) == 45


async def test_a_crop_leaves_just_what_was_asked_for(clips: Clips, scratch: Path) -> None:
    """What lies left of the crop is black, what lies in it white."""
    halves = "drawbox=x=0:y=0:w=100:h=180:color=black:t=fill,drawbox=x=100:y=0:w=220:h=180:color=white:t=fill"
    source = clips.barcoded("a.mp4", frames=75, filters=halves, audio=None)
    stream = await make_stream(source, scratch, edits=Edits(crop=Crop(x=60, y=20, width=161, height=121)))
    assert [(rung.width, rung.height) for rung in stream.plan.rungs] == [(120, 90)]
    for picture in grays(stream.top):
        assert picture.shape == (90, 120)
        # 40 of 161 columns are the black ones.
        assert abs(int((picture.mean(axis=0) < 128).sum()) - 40 * 120 / 161) <= 1


async def test_a_crop_is_said_in_upright_square_pixels(clips: Clips, scratch: Path) -> None:
    straight = clips.barcoded("a.mp4", frames=10, size=(180, 144), filters="setsar=64/45", audio=None)
    turned = clips.made("turned.mp4", "-display_rotation", "90", "-i", str(straight), "-c", "copy")
    # 144 wide and 256 high, as a viewer sees it.
    stream = await make_stream(turned, scratch, edits=Edits(crop=Crop(x=0, y=128, width=144, height=128)))
    assert [(rung.width, rung.height) for rung in stream.plan.rungs] == [(102, 90)]
    assert first_picture(stream.top).shape == (90, 102)


@pytest.mark.parametrize(
    ("position", "opacity", "box"),
    [("top-right", "1", (188, 4)), ("bottom-left", "1/2", (4, 108)), ("center", "1", (96, 56))],
)
async def test_a_watermark_is_where_it_was_asked_for_and_nowhere_else(
    position: str, opacity: str, box: tuple[int, int], clips: Clips, scratch: Path, tmp_path: Path
) -> None:
    image = clips.made("mark.png", "-f", "lavfi", "-i", "color=red:s=80x40", "-frames:v", "1", "-pix_fmt", "rgba")
    source = clips.barcoded("a.mp4", frames=135, audio=None)
    mark = Watermark(asset_id="", position=position, scale=Fraction(1, 4), opacity=Fraction(opacity))  # type: ignore[arg-type]
    (tmp_path / "plain").mkdir()
    plain = colours((await make_stream(source, tmp_path / "plain")).top)
    stream = await make_stream(source, scratch, edits=Edits(watermark=mark), watermark=image)
    x, y = box
    inside = np.zeros((144, 256), bool)
    inside[y : y + 32, x : x + 64] = True
    marked = colours(stream.top)
    assert len(marked) == len(plain) == 135
    assert len(stream.plan.chunks) > 2
    for with_mark, without in zip(marked, plain, strict=True):
        red = with_mark[y + 6 : y + 26, x + 6 : x + 58].astype(int)
        if opacity == "1":
            assert red[..., 0].min() > 200
            assert red[..., 1:].max() < 60
        else:
            below = without[y + 6 : y + 26, x + 6 : x + 58].astype(int)
            assert np.abs(red - (below + np.array([254, 0, 0])) / 2).mean() < 8
        away = np.abs(with_mark.astype(int) - without)[~inside]
        # What is coded beside the mark differs by a little.
        assert away.mean() < 4


async def test_parts_of_another_size_rate_and_sound_are_joined(clips: Clips, scratch: Path) -> None:
    vp8 = ("-c:v", "libvpx", "-deadline", "realtime", "-b:v", "2M")
    intro = clips.barcoded("in.webm", frames=52, rate="25", size=(160, 120), video=vp8, audio=("-c:a", "libvorbis"))
    source = clips.barcoded("a.mp4", frames=100)
    outro = clips.barcoded("out.ts", frames=40, rate="24", size=(120, 160), audio=("-c:a", "ac3"), channels=6)
    edits = Edits(trim=Trim(start=Fraction(1), end=Fraction(3)), intro_asset_id="1", outro_asset_id="2")
    stream = await make_stream(source, scratch, edits=edits, intro=intro, outro=outro)
    before, own, after = 62, 60, 50
    shown = grays(stream.top)
    assert len(shown) == before + own + after
    times = [picture.time for picture in pictures(stream.top)]
    assert times[0] == DELAY
    assert steps(times) == {Fraction(1, 30)}
    # Inside the picture that fits: 192 and 108 of 256 columns.
    first = [read_number(picture[:, 32:224]) for picture in shown[:before]]
    assert all(abs(number - place * 25 / 30) <= 0.75 for place, number in enumerate(first))
    assert [read_number(picture) for picture in shown[before : before + own]] == list(range(30, 90))
    last = [read_number(picture[:, 74:182]) for picture in shown[before + own :]]
    assert all(abs(number - place * 24 / 30) <= 0.75 for place, number in enumerate(last))
    assert all(picture[:, :28].max() < 24 for picture in shown[:before])
    boxes = [slice(32, 224)] * before + [slice(None)] * own + [slice(74, 182)] * after
    flashes = [
        float(times[place])
        for place, (picture, box) in enumerate(zip(shown, boxes, strict=True))
        if is_flash(picture[:, box]) and times[place] > 0.1
    ]
    assert stream.audio is not None
    heard = beeps(stream.audio)
    # 24 in a second are shown at 30: one that flashes may come twice.
    assert len(flashes) >= 5
    assert all(min(abs(flash - beep) for beep in heard) <= 0.02 for flash in starts(flashes)), (flashes, heard)


async def test_what_has_no_sound_is_silent_between_what_has(clips: Clips, scratch: Path) -> None:
    intro = clips.barcoded("in.mp4", frames=45, audio=None)
    source = clips.barcoded("a.mp4", frames=60)
    edits = Edits(intro_asset_id="1", outro_asset_id="2")
    stream = await make_stream(source, scratch, edits=edits, intro=intro, outro=intro)
    numbers = [picture.number for picture in pictures(stream.top)]
    assert numbers == [*range(45), *range(60), *range(45)]
    assert stream.audio is not None
    assert [round(beep - float(DELAY), 2) for beep in beeps(stream.audio)] == [1.5, 2.5]
    _, rate, wave = samples(stream.audio)
    assert abs(len(wave) / rate - 5) <= 1024 / 48000


async def test_the_stage_show_is_half_a_minute_framed_between_intro_and_outro(clips: Clips, scratch: Path) -> None:
    (show,) = (preset for preset in shipped() if preset.name == "stage-show")
    source = clips.barcoded("long.mp4", frames=155, rate="5", size=(160, 120))
    clip = clips.barcoded("clip.mp4", frames=15, rate="5", size=(160, 120), audio=None)
    red = clips.made("mark.png", "-f", "lavfi", "-i", "color=red:s=80x40", "-frames:v", "1", "-pix_fmt", "rgba")
    wanted = Edits(intro_asset_id="1", outro_asset_id="2", watermark=Watermark(asset_id="3"))
    stream = await make_stream(source, scratch, show, edits=wanted, intro=clip, outro=clip, watermark=red)
    shown = colours(stream.top)
    assert {picture.shape for picture in shown} == {(720, 1280, 3)}
    # The picture is 960 wide, in the middle.
    numbers = [read_number(picture[:, 160:1120].mean(axis=2)) for picture in shown]
    assert numbers == [*range(15), *range(150), *range(15)]
    assert all(picture[:, :150].max() < 24 for picture in shown)
    marked = [bool(int(picture[670, 1060, 0]) > int(picture[670, 1060, 1]) + 150) for picture in shown]
    assert marked == [False] * 15 + [True] * 150 + [False] * 15
    assert stream.audio is not None
    muted = replace(show, edits=Edits(mute=True).over(show.edits))
    assert plan(stream.facts, muted).audio is None


def starts(times: list[float]) -> list[float]:
    return [time for place, time in enumerate(times) if place == 0 or time - times[place - 1] > 0.1]


def grays(path: Path) -> list[NDArray[Any]]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def colours(path: Path) -> list[NDArray[Any]]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def assert_together(stream: Stream, at_least: int) -> None:
    """Flash and beep within 20 ms. A first beep gives way to the decoder's priming."""
    assert stream.audio is not None
    flashes = [float(picture.time) for picture in pictures(stream.top) if picture.flash and picture.time > 0.1]
    heard = beeps(stream.audio)
    assert len(flashes) >= at_least
    assert all(min(abs(flash - beep) for beep in heard) <= 0.02 for flash in flashes), (flashes, heard)
