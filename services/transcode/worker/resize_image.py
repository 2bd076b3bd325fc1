"""Make an image's sizes. Runs as a program in the sandbox, and prints JSON.

Usage: python -m services.transcode.worker.resize_image path-or-URL size pictures-as-JSON folder
"""

import io
import json
import struct
import sys
import warnings
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, ImageCms, ImageOps, ImageSequence

from services.transcode.media.errors import BadMedia
from services.transcode.media.limits import MAX_PIXELS
from services.transcode.media.pictures import MAX_ANIMATION, Pictures
from services.transcode.worker.containers import opened

_SRGB = ImageCms.createProfile("sRGB")
_SRGB_PROFILE = ImageCms.ImageCmsProfile(_SRGB)


def main() -> None:
    source, size, spec, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    wanted = Pictures.from_json(json.loads(spec))
    # A picture between the limit and twice the limit is only warned of.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        with opened(source, size) as file:
            answer: dict[str, object] = {"sizes": make(file, wanted, folder)}
    except BadMedia as error:
        answer = {"reason": error.reason, "message": error.message}
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        answer = {"reason": "too_large", "message": str(error)}
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:
        answer = {"reason": "corrupt", "message": f"the {wanted.family} cannot be read: {error}"}
    json.dump(answer, sys.stdout)


def make(file: BinaryIO, wanted: Pictures, folder: Path) -> list[tuple[int, int]]:
    """Writes each size into `folder`, and gives how large they became, in order."""
    recipe = wanted.recipe
    # Nothing else is tried on the bytes.
    with Image.open(file, formats=[wanted.family.upper()]) as image:
        count: int = getattr(image, "n_frames", 1) if recipe.animated and recipe.format != "jpeg" else 1
        moves = count > 1
        if moves and image.width * image.height * count > MAX_ANIMATION:
            raise BadMedia("too_large", f"{count} pictures of {image.width}x{image.height} pixels")
        frames, times = _animation(image) if moves else ([_plain(image)], [])
    made = []
    for name, size in zip(wanted.names, recipe.sizes, strict=True):
        pictures = [_within(frame, size.side) for frame in frames]
        options: dict[str, Any] = {"quality": recipe.quality}
        if recipe.format == "jpeg":
            options |= {"progressive": True, "optimize": True}
        if moves:
            options |= {"save_all": True, "append_images": pictures[1:], "duration": times, "loop": 0}
        first = _opaque(pictures[0]) if recipe.format == "jpeg" else pictures[0]
        first.save(folder / name, recipe.format.upper(), **options)
        made.append(first.size)
    return made


def _animation(image: Image.Image) -> tuple[list[Image.Image], list[int]]:
    """Its pictures, and how many milliseconds each stays."""
    frames, times = [], []
    for frame in ImageSequence.Iterator(image):
        times.append(max(int(frame.info.get("duration", 100)), 10))
        frames.append(_plain(frame))
    return frames, times


def _plain(image: Image.Image) -> Image.Image:
    """Upright, in sRGB, with eight bits a channel, and nothing else that the file said of it."""
    profile = image.info.get("icc_profile")
    upright = ImageOps.exif_transpose(image)
    # Large integers would be cut off at 255.
    deep = upright.mode.startswith("I") or upright.mode == "F"
    shown = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L") if deep else upright
    clear = "A" in shown.getbands() or "transparency" in shown.info
    if profile and not deep:
        shown = _in_srgb(shown, profile)
    plain = shown.convert("RGBA" if clear else "RGB")
    plain.info.clear()
    return plain


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """By the profile, or as it is where the profile is of no use."""
    alpha = image.convert("RGBA").getchannel("A") if image.mode in ("RGBA", "LA", "PA", "P") else None
    base = (
        image.convert("RGB")
        if image.mode in ("P", "RGBA", "PA")
        else image.convert("L")
        if image.mode == "LA"
        else image
    )
    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        made = ImageCms.profileToProfile(base, theirs, _SRGB_PROFILE, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return image
    if made is None:
        return image
    if alpha is not None:
        made.putalpha(alpha)
    return made


def _within(image: Image.Image, side: int) -> Image.Image:
    """No side longer than `side`, and never larger than it is."""
    smaller = image.copy()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return smaller


def _opaque(image: Image.Image) -> Image.Image:
    """On white, where it has holes."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


if __name__ == "__main__":
    main()
