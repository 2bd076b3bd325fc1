"""What is done to pictures on their way from the source to the highest rung."""

from dataclasses import dataclass
from fractions import Fraction

from services.transcode.media.edits import Crop, Position, Watermark
from services.transcode.media.facts import Hdr, SourceFacts, VideoFacts

# Of the shorter side, between a watermark and the picture's edges.
_MARGIN = Fraction(1, 40)
# From this height on untagged pictures are taken to have the colours of HDTV.
_HD_HEIGHT = 720
# Brightness, in candela per square metre, that stays as it is; what is brighter is compressed.
_WHITE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A watermark in pixels of the highest rung; `family` and `stream` are the image file's."""

    x: int
    y: int
    width: int
    height: int
    opacity: Fraction
    family: str
    stream: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`square` is the size with square pixels, where a crop needs it. `inside` is the picture's size in a rung that it
    does not fill. `colours` is the matrix that pictures come in, where they are to be like those of other parts.
    """

    interlaced: bool = False
    hdr: Hdr = "none"
    square: tuple[int, ...] = ()
    crop: Crop | None = None
    inside: tuple[int, ...] = ()
    colours: str = ""
    mark: Mark | None = None


PLAIN_LOOK = Look()


def own_look(video: VideoFacts, crop: Crop | None, mark: Mark | None, *, joined: bool) -> Look:
    """Of the job's own source."""
    return Look(
        interlaced=video.interlaced,
        hdr=video.hdr,
        square=video.display_size if crop and video.sar != 1 else (),
        crop=crop,
        colours=_colours(video) if joined else "",
        mark=mark,
    )


def guest_look(video: VideoFacts, rung: tuple[int, int]) -> Look:
    """Of a part that is put before or after: as large as fits, in the middle."""
    inside = fitted(video.display_size, rung)
    return Look(
        interlaced=video.interlaced,
        hdr=video.hdr,
        inside=() if inside == rung else inside,
        colours=_colours(video),
    )


def fitted(size: tuple[int, int], room: tuple[int, int]) -> tuple[int, int]:
    """The largest even size of the same shape within an even one."""
    factor = min(Fraction(room[0], size[0]), Fraction(room[1], size[1]))
    width, height = (min(max(2, 2 * round(side * factor / 2)), most) for side, most in zip(size, room, strict=True))
    return width, height


def placed(wanted: Watermark, image: SourceFacts, rung: tuple[int, int]) -> Mark:
    """The watermark on a rung of that size. Even numbers: chroma has every other pixel only."""
    assert image.video is not None
    margin = max(2, 2 * round(min(rung) * _MARGIN / 2))
    room = max(2, rung[0] - 2 * margin), max(2, rung[1] - 2 * margin)
    width, height = fitted(
        image.video.display_size, (min(max(2, 2 * round(rung[0] * wanted.scale / 2)), room[0]), room[1])
    )
    x, y = _corner(wanted.position, (rung[0] - width, rung[1] - height), margin)
    return Mark(
        x=x,
        y=y,
        width=width,
        height=height,
        opacity=wanted.opacity,
        family=image.family,
        stream=image.video.stream,
    )


def _corner(position: Position, free: tuple[int, int], margin: int) -> tuple[int, int]:
    x = margin if "left" in position else free[0] - margin if "right" in position else free[0] // 2
    y = margin if "top" in position else free[1] - margin if "bottom" in position else free[1] // 2
    return x - x % 2, y - y % 2


def _colours(video: VideoFacts) -> str:
    if video.primaries or video.transfer:
        return "auto"
    return "bt709" if min(video.display_size) >= _HD_HEIGHT else "smpte170m"


def first_filters(look: Look) -> list[str]:
    """On every picture of the source, while they have its own times."""
    # Each picture from its own two fields, at the rate of pictures; those that are not interlaced pass.
    return ["bwdif=mode=send_frame:deint=interlaced"] if look.interlaced else []


def filters(look: Look, width: int, height: int) -> str:
    """From a picture of the grid to one of the highest rung's size, as filters to follow others; often nothing."""
    steps = []
    if look.square:
        steps.append(f"scale={look.square[0]}:{look.square[1]}:flags=bicubic,setsar=1")
    if crop := look.crop:
        steps.append(f"crop={crop.width}:{crop.height}:{crop.x}:{crop.y}:exact=1")
    if look.hdr != "none" or look.colours or look.inside:
        steps.append(_scaled(look, width, height))
    if look.mark:
        return "".join(f",{step}" for step in [*steps, *_marked(look.mark, width, height)])
    return "".join(f",{step}" for step in steps)


def _scaled(look: Look, width: int, height: int) -> str:
    size = look.inside or (width, height)
    scale = f"scale={size[0]}:{size[1]}:flags=bicubic"
    if look.hdr != "none":
        steps = [scale, *_tone_mapped(look.hdr), "format=yuv420p"]
    elif look.colours:
        steps = [f"{scale}:in_color_matrix={look.colours}:out_color_matrix=bt709:out_range=tv", "format=yuv420p"]
    else:
        steps = [scale]
    if look.inside:
        steps.append(f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2")
    if look.colours:
        # The encoder says this in the track's head, which all parts share.
        tags = "range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709:chroma_location=left:field_mode=prog"
        steps.append(f"setsar=1,setparams={tags}")
    return ",".join(steps)


def _tone_mapped(hdr: Hdr) -> list[str]:
    curve = {"pq": "smpte2084", "hlg": "arib-std-b67", "none": ""}[hdr]
    return [
        f"zscale=tin={curve}:pin=bt2020:min=bt2020nc:t=linear:npl={_WHITE}",
        "format=gbrpf32le",
        "zscale=p=bt709",
        "tonemap=hable:desat=0",
        "zscale=t=bt709:m=bt709:p=bt709:r=tv",
    ]


def _marked(mark: Mark, width: int, height: int) -> list[str]:
    size = f"scale={mark.width}:{mark.height}:flags=bicubic"
    image = f"[1:{mark.stream}]trim=end_frame=1,setpts=PTS-STARTPTS,format=rgba,{size}"
    clear = f"colorchannelmixer=aa={float(mark.opacity):.4f}"
    below = f"scale={width}:{height}:flags=bicubic,setsar=1,format=yuv420p[unmarked]"
    return [f"{below};{image},{clear}[mark];[unmarked][mark]overlay={mark.x}:{mark.y}"]
