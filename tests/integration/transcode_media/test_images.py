"""Sizes of real images: upright, in sRGB, without what their maker did not mean to show; and what is refused."""

import io
import json
import struct
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from services.transcode.media.errors import BadMedia
from services.transcode.media.pictures import Pictures, pictures
from services.transcode.media.preset import PresetImage, PresetSize
from services.transcode.worker.programs import answer_of
from tests.clips import Clips
from tests.integration.transcode_media.stream import LIMITS, facts_of

WITHIN = 6.0
"""Seconds: two, of a machine that others use too."""
_ORIENTATION, _GPS, _MAKE = 0x0112, 0x8825, 0x010F
SIZES = (PresetSize(name="thumb", side=64), PresetSize(name="medium", side=200), PresetSize(name="large", side=4000))
RECIPE = PresetImage(sizes=SIZES)


def corners(width: int = 400, height: int = 300) -> Image.Image:
    """Red, green, blue and white, clockwise from the upper left."""
    picture = Image.new("RGB", (width, height), "white")
    for colour, at in (("red", (0, 0)), ("lime", (width // 2, 0)), ("blue", (width // 2, height // 2))):
        picture.paste(colour, (*at, at[0] + width // 2, at[1] + height // 2))
    return picture


def stored(picture: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


async def planned(path: Path, scratch: Path, recipe: PresetImage = RECIPE) -> Pictures:
    return pictures(await facts_of(path, scratch), recipe)


async def made(path: Path, scratch: Path, recipe: PresetImage = RECIPE) -> dict[str, Image.Image]:
    """Each size by its name, loaded."""
    wanted = await planned(path, scratch, recipe)
    folder = scratch / "made"
    folder.mkdir()
    spec = json.dumps(wanted.to_json())
    said = await answer_of("resize_image", [spec, str(folder)], source=path, scratch=folder, limits=LIMITS)
    found: dict[str, Image.Image] = {}
    for name, size in zip(wanted.names, said["sizes"], strict=True):
        found[name.partition(".")[0]] = picture = Image.open(io.BytesIO((folder / name).read_bytes()))
        picture.load()
        assert picture.size == tuple(size)
    return found


def looks_like(picture: Image.Image, other: Image.Image) -> bool:
    one, two = (np.asarray(each.convert("RGB").resize((32, 32)), dtype=float) for each in (picture, other))
    return bool(np.abs(one - two).mean() < 8)


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.webp", "WEBP"), ("a.gif", "GIF"), ("a.bmp", "BMP"), ("a.tiff", "TIFF")],
)
async def test_each_size_is_there_and_none_is_larger_than_the_image(
    clips: Clips, scratch: Path, name: str, form: str
) -> None:
    sizes = await made(clips.written(name, stored(corners(), form)), scratch)
    assert {name: each.size for name, each in sizes.items()} == {
        "thumb": (64, 48),
        "medium": (200, 150),
        "large": (400, 300),
    }
    assert all(each.format == "WEBP" and looks_like(each, corners()) for each in sizes.values())


@pytest.mark.parametrize(("form", "kind"), [("jpeg", "JPEG"), ("avif", "AVIF")])
async def test_the_format_is_the_recipes(clips: Clips, scratch: Path, form: Any, kind: str) -> None:
    sizes = await made(clips.written("a.png", stored(corners(), "PNG")), scratch, replace(RECIPE, format=form))
    assert {each.format for each in sizes.values()} == {kind}
    assert all(looks_like(each, corners()) for each in sizes.values())


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_what_a_camera_turned_stands_upright(clips: Clips, scratch: Path, orientation: int) -> None:
    turns: dict[int, tuple[Image.Transpose, ...]] = {
        1: (),
        2: (Image.Transpose.FLIP_LEFT_RIGHT,),
        3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,),
        5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,),
        7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }
    lying = corners()
    for turn in turns[orientation]:
        lying = lying.transpose(turn)
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    sizes = await made(clips.written("a.jpg", stored(lying, "JPEG", exif=exif, quality=95)), scratch)
    assert sizes["large"].size == (400, 300)
    assert looks_like(sizes["large"], corners())


@pytest.mark.parametrize("form", ["webp", "jpeg", "avif"])
async def test_where_and_by_what_it_was_taken_is_not_told(clips: Clips, scratch: Path, form: Any) -> None:
    exif = Image.Exif()
    exif[_MAKE] = "SECRETCAM"
    exif.get_ifd(_GPS).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">SECRETPLACE</x:xmpmeta>'
    told = stored(corners(), "JPEG", exif=exif, xmp=xmp, comment=b"SECRETWORD")
    assert all(each in told for each in (b"SECRETCAM", b"SECRETPLACE", b"SECRETWORD"))
    path = clips.written("a.jpg", told)
    sizes = await made(path, scratch, replace(RECIPE, format=form))
    for picture in sizes.values():
        assert not dict(picture.getexif())
        assert not {"exif", "xmp", "comment", "icc_profile"} & {name for name, value in picture.info.items() if value}
    assert not any(b"SECRET" in each.read_bytes() for each in (scratch / "made").iterdir())


async def test_colours_are_what_the_profile_means(clips: Clips, scratch: Path) -> None:
    """A profile whose first two primaries are exchanged: what is stored as red means green."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"tXYZ", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"tXYZ", b"gXYZ", 1)
    path = clips.written("a.png", stored(Image.new("RGB", (64, 64), (230, 20, 20)), "PNG", icc_profile=swapped))
    red, green, _ = np.asarray((await made(path, scratch))["large"])[32, 32]
    assert (red < 90, green > 200) == (True, True)


async def test_a_profile_that_is_nonsense_does_no_harm(clips: Clips, scratch: Path) -> None:
    path = clips.written("a.png", stored(corners(), "PNG", icc_profile=b"nonsense" * 40))
    assert looks_like((await made(path, scratch))["large"], corners())


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16"])
async def test_whatever_way_pixels_are_stored(clips: Clips, scratch: Path, mode: str) -> None:
    gray = corners().convert("L")
    if mode == "I;16":
        stored_as = Image.fromarray(np.asarray(gray, dtype=np.uint16) * 257)
    else:
        stored_as = (gray if mode in ("L", "LA") else corners()).convert(mode)
    form, name = ("TIFF", "a.tiff") if mode == "CMYK" else ("PNG", "a.png")
    sizes = await made(clips.written(name, stored(stored_as, form)), scratch)
    expected = gray if mode in ("L", "LA", "I;16") else corners().convert("1") if mode == "1" else corners()
    assert looks_like(sizes["large"], expected)


async def test_holes_stay_holes_and_become_white_in_a_jpeg(clips: Clips, scratch: Path) -> None:
    path = clips.written("a.png", stored(Image.new("RGBA", (64, 64), (255, 0, 0, 0)), "PNG"))
    kept = (await made(path, scratch))["large"]
    assert (kept.mode, kept.getchannel("A").getextrema()) == ("RGBA", (0, 0))
    (scratch / "jpeg").mkdir()
    flat = (await made(path, scratch / "jpeg", replace(RECIPE, format="jpeg")))["large"]
    assert np.asarray(flat).min() > 250


def an_animation(frames: int = 5) -> bytes:
    colours = ["red", "lime", "blue", "yellow", "black"]
    pictures = [Image.new("RGB", (300, 200), colours[index % 5]) for index in range(frames)]
    return stored(
        pictures[0], "GIF", save_all=True, append_images=pictures[1:], duration=[100, 200, 300, 100, 70], loop=0
    )


async def test_an_animation_goes_on_moving(clips: Clips, scratch: Path) -> None:
    sizes = await made(clips.written("a.gif", an_animation()), scratch)
    for picture in sizes.values():
        assert (picture.format, getattr(picture, "n_frames", 1)) == ("WEBP", 5)
        times = []
        for index in range(5):
            picture.seek(index)
            picture.load()
            times.append(picture.info["duration"])
        assert times == [100, 200, 300, 100, 70]
        assert looks_like(picture, Image.new("RGB", (10, 10), "black"))


@pytest.mark.parametrize("recipe", [replace(RECIPE, animated=False), replace(RECIPE, format="jpeg")])
async def test_an_animation_is_its_first_picture_where_that_is_wanted(
    clips: Clips, scratch: Path, recipe: PresetImage
) -> None:
    picture = (await made(clips.written("a.gif", an_animation()), scratch, recipe))["medium"]
    assert getattr(picture, "n_frames", 1) == 1
    assert looks_like(picture, Image.new("RGB", (10, 10), "red"))


async def test_a_page_in_a_picture_does_not_come_along(clips: Clips, scratch: Path) -> None:
    page = b"<html><script>alert(1)</script></html>"
    body = stored(corners(), "JPEG", comment=page) + page + b"PK\x03\x04"
    sizes = await made(clips.written("a.jpg", body), scratch)
    assert looks_like(sizes["large"], corners())
    assert not any(b"script" in each.read_bytes() for each in (scratch / "made").iterdir())


def cut(form: str) -> bytes:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (300, 400, 3), dtype=np.uint8))
    whole = stored(noise, form)
    return whole[: len(whole) // 2]


@pytest.mark.parametrize(("name", "form"), [("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.webp", "WEBP")])
async def test_half_an_image_is_corrupt(clips: Clips, scratch: Path, name: str, form: str) -> None:
    with pytest.raises(BadMedia) as refused:
        await made(clips.written(name, cut(form)), scratch)
    assert refused.value.reason == "corrupt"


def jpeg_header(width: int, height: int) -> bytes:
    small = bytearray(stored(Image.new("L", (16, 16)), "JPEG"))
    at = small.index(b"\xff\xc0")
    struct.pack_into(">HH", small, at + 5, height, width)
    return bytes(small)


def gif_header(width: int, height: int) -> bytes:
    small = bytearray(stored(Image.new("P", (16, 16)), "GIF"))
    struct.pack_into("<HH", small, 6, width, height)
    at = small.index(b"\x2c\0\0\0\0")
    struct.pack_into("<HH", small, at + 5, width, height)
    return bytes(small)


def png_of_zeros(side: int) -> bytes:
    """Real, and all there: a thousandth of what it takes when decoded."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    row = bytes(1 + side)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


BOMBS = {
    "a.jpg": jpeg_header(65_000, 65_000),
    "a.gif": gif_header(65_000, 65_000),
    "a.png": png_of_zeros(12_000),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_is_refused_at_once(clips: Clips, scratch: Path, name: str) -> None:
    path = clips.written(name, BOMBS[name])
    started = time.monotonic()
    with pytest.raises(BadMedia) as refused:
        await facts_of(path, scratch)
    took = time.monotonic() - started
    assert (refused.value.reason, took < WITHIN) == ("too_large", True), (refused.value.message, took)


async def test_an_animation_of_too_many_pixels_is_refused(clips: Clips, scratch: Path) -> None:
    """Small in the file, as all its pictures are the same but for a corner."""
    first = Image.new("P", (4000, 4000))
    first.putpalette([0, 0, 0, 255, 255, 255])
    others = []
    for index in range(20):
        other = first.copy()
        other.putpixel((index, 0), 1)
        others.append(other)
    path = clips.written("a.gif", stored(first, "GIF", save_all=True, append_images=others, duration=20))
    wanted = Pictures(family="gif", pixels=16_000_000, recipe=RECIPE)
    with pytest.raises(BadMedia) as refused:
        await answer_of(
            "resize_image", [json.dumps(wanted.to_json()), str(scratch)], source=path, scratch=scratch, limits=LIMITS
        )
    assert refused.value.reason == "too_large"
