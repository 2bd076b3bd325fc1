"""Posters and storyboards of real clips: of the right moment, in the right colours, at the right place."""

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from services.transcode.media.errors import BadMedia
from services.transcode.media.plan import plan
from services.transcode.media.stills import POSTER, SHEET, STORYBOARD, Stills
from services.transcode.worker.programs import answer_of
from tests.clips import Clips, read_number, real_clip
from tests.integration.transcode_media.stream import LIMITS, TINY, facts_of

_CUE = re.compile(r"(\d+):(\d+):(\d+\.\d+) --> (\d+):(\d+):(\d+\.\d+)\nstoryboard\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)")
_LONG_GOP = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "16", "-g", "30", "-pix_fmt", "yuv420p")


async def planned(path: Path, scratch: Path, **changes: object) -> Stills:
    made = plan(await facts_of(path, scratch), TINY).stills
    assert made is not None
    return replace(made, **changes)  # type: ignore[arg-type]  # whatever field a test names


async def taken(path: Path, wanted: Stills, scratch: Path) -> Path:
    """The folder with the three files."""
    folder = scratch / "made"
    folder.mkdir()
    spec = json.dumps(wanted.to_json())
    await answer_of("take_stills", [spec, str(folder)], source=path, scratch=folder, limits=LIMITS)
    return folder


def cues(folder: Path) -> list[tuple[float, float, tuple[int, ...]]]:
    """Start, end, and the area of the sheet."""
    text = (folder / STORYBOARD).read_text()
    assert text.startswith("WEBVTT\n\n")
    found = [tuple(map(float, each.groups())) for each in _CUE.finditer(text)]
    assert len(found) == text.count("-->")
    hours = (3600, 60, 1)
    return [
        (np.dot(each[:3], hours), np.dot(each[3:6], hours), tuple(int(number) for number in each[6:])) for each in found
    ]


def tiles(folder: Path) -> list[Image.Image]:
    sheet = picture(folder / SHEET)
    return [sheet.crop((x, y, x + width, y + height)) for _, _, (x, y, width, height) in cues(folder)]


def picture(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        return opened.convert("RGB")


def number_on(picture: Image.Image) -> int:
    return read_number(np.asarray(picture.convert("L")))


def source_frame(path: Path, number: int) -> Image.Image:
    with av.open(path) as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index == number:
                return Image.fromarray(frame.to_ndarray(format="rgb24"))
    raise AssertionError(number)


def psnr(one: Image.Image, other: Image.Image) -> float:
    first, second = (np.asarray(each.convert("RGB"), dtype=float) for each in (one, other))
    return float(10 * np.log10(255**2 / max(np.mean((first - second) ** 2), 1e-9)))


async def test_tiles_are_of_the_moment_that_the_cue_begins(clips: Clips, scratch: Path) -> None:
    clip = clips.barcoded("a.mp4", frames=250, rate="25", size=(640, 360))
    folder = await taken(clip, await planned(clip, scratch), scratch)
    told = cues(folder)
    assert [(start, end) for start, end, _ in told] == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
    assert {area[2:] for _, _, area in told} == {(160, 90)}
    assert [number_on(tile) for tile in tiles(folder)] == [0, 50, 100, 150, 200]


@pytest.mark.parametrize(("name", "walk"), [("a.mp4", "seek"), ("a.mkv", "seek"), ("a.mp4", "keys"), ("a.ts", "seek")])
async def test_of_a_long_film_only_key_frames_are_read(clips: Clips, scratch: Path, name: str, walk: str) -> None:
    clip = clips.barcoded(name, frames=300, size=(640, 360), video=_LONG_GOP)
    folder = await taken(clip, await planned(clip, scratch, walk=walk), scratch)
    told = cues(folder)
    assert told[0][0] == 0
    assert told[-1][1] == 10
    assert len(told) >= 5
    for place, ((start, end, _), tile) in enumerate(zip(told, tiles(folder), strict=True)):
        assert number_on(tile) % 30 == 0
        # The first cue begins with the film, whichever of its first pictures it shows.
        assert (start if place else 0) - 0.04 <= number_on(tile) / 30 < end


async def test_a_poster_is_the_source_at_the_chosen_second(clips: Clips, scratch: Path) -> None:
    clip = clips.barcoded("a.mp4", frames=250, rate="25", size=(640, 360))
    folder = await taken(clip, await planned(clip, scratch, at=Fraction("4.28")), scratch)
    poster = picture(folder / POSTER)
    assert poster.size == (640, 360)
    assert number_on(poster) == 107
    assert psnr(poster, source_frame(clip, 107)) > 32


async def test_a_second_after_the_end_gives_the_last_picture(clips: Clips, scratch: Path) -> None:
    clip = clips.barcoded("a.mp4", frames=60)
    folder = await taken(clip, await planned(clip, scratch, at=Fraction(90)), scratch)
    assert number_on(picture(folder / POSTER)) == 59


async def test_a_poster_of_a_real_video_is_one_of_its_pictures(scratch: Path) -> None:
    clip = real_clip("bigbuckbunny")
    wanted = await planned(clip, scratch)
    folder = await taken(clip, wanted, scratch)
    poster = picture(folder / POSTER)
    assert poster.size == (1280, 720)
    assert max(psnr(poster, source_frame(clip, round(time * 25))) for time in wanted.times) > 35


async def test_a_film_that_begins_black_and_blurred_has_a_clear_poster(clips: Clips, scratch: Path) -> None:
    blurred = "fade=t=in:st=2:d=2:alpha=0,gblur=sigma=12:enable='lt(t,6)'"
    lavfi = (
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=640x360:r=25:d=12",
        "-vf",
        f"{blurred},drawbox=c=black:t=fill:enable='lt(t,2)'",
    )
    clip = clips.made(
        "dark.mp4", *lavfi, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p"
    )
    folder = await taken(clip, await planned(clip, scratch), scratch)
    poster = picture(folder / POSTER)
    assert np.asarray(poster.convert("L")).mean() > 60
    assert max(psnr(poster, source_frame(clip, number)) for number in (150, 200, 250)) > 28


async def test_a_film_that_is_black_throughout_has_a_black_poster(clips: Clips, scratch: Path) -> None:
    clip = clips.made("black.mp4", "-f", "lavfi", "-i", "color=black:s=320x180:d=3", "-c:v", "libx264")
    folder = await taken(clip, await planned(clip, scratch), scratch)
    assert np.asarray(picture(folder / POSTER)).max() < 8


async def test_a_film_on_its_side_stands_upright(clips: Clips, scratch: Path) -> None:
    flat = clips.barcoded("flat.mp4", frames=60, size=(640, 360))
    turned = clips.made("turned.mp4", "-display_rotation", "90", "-i", str(flat), "-c", "copy")
    wanted = await planned(turned, scratch)
    assert wanted.poster == (360, 640)
    folder = await taken(turned, wanted, scratch)
    poster = picture(folder / POSTER)
    assert poster.size == (360, 640)
    assert {area[2:] for _, _, area in cues(folder)} == {(90, 160)}
    # As ffmpeg turns it, which is counter-clockwise for this sign.
    assert number_on(poster.transpose(Image.Transpose.ROTATE_270)) in (0, 59)


async def test_pixels_that_are_not_square_are_made_so(clips: Clips, scratch: Path) -> None:
    clip = clips.barcoded("wide.mp4", frames=60, size=(360, 288), filters="setsar=16/9")
    folder = await taken(clip, await planned(clip, scratch), scratch)
    assert picture(folder / POSTER).size == (640, 288)


async def test_a_picture_of_high_dynamic_range_is_neither_gray_nor_dark(clips: Clips, scratch: Path) -> None:
    told = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    hdr = (
        "-vf",
        "zscale=t=smpte2084:p=bt2020:m=bt2020nc:npl=203,format=yuv420p10le",
        "-c:v",
        "libx265",
        "-x265-params",
        told,
    )
    plain = (
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=320x180:r=10:d=2,format=gbrp,setparams=color_primaries=bt709:color_trc=bt709",
    )
    clip = clips.made("hdr.mp4", *plain, *hdr)
    wanted = await planned(clip, scratch)
    assert wanted.hdr == "pq"
    folder = await taken(clip, wanted, scratch)
    seen = np.asarray(picture(folder / POSTER).convert("HSV"), dtype=float)
    assert seen[..., 2].mean() > 110
    assert seen[..., 1].max() > 200


async def test_a_source_whose_middle_is_broken_still_has_a_poster(clips: Clips, scratch: Path) -> None:
    whole = clips.barcoded("a.ts", frames=300, size=(640, 360), video=_LONG_GOP).read_bytes()
    third = len(whole) // 3 // 188 * 188
    clip = clips.written("broken.ts", whole[:third] + bytes(188 * 60) + whole[third + 188 * 60 :])
    folder = await taken(clip, await planned(clip, scratch), scratch)
    assert len(tiles(folder)) >= 4


async def test_a_source_that_is_not_what_was_planned_is_refused(clips: Clips, scratch: Path) -> None:
    clip = clips.barcoded("a.mp4", frames=60)
    wanted = await planned(clip, scratch)
    other = clips.written("other.mp4", clip.read_bytes()[:2000] + bytes(100_000))
    with pytest.raises(BadMedia) as refused:
        await taken(other, wanted, scratch)
    assert refused.value.reason == "corrupt"
