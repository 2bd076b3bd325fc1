"""What the API takes and gives of presets, and of outputs that a job asks for one by one."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.gateway.analysis import AnalysisOptions
from services.gateway.body import Body
from services.gateway.edits import Edits
from services.gateway.schemas import Time

Codec = Literal["h264", "hevc", "av1", "vp9"]
BitRate = Annotated[int, Field(ge=10_000, le=200_000_000, description="Bits per second.")]
Side = Annotated[int, Field(ge=16, le=8192, description="Pixels.")]
Crf = Annotated[int, Field(ge=1, le=63, description="On the encoder's own scale; lower is better.")]
FrameRate = Annotated[float, Field(ge=1, le=60, description="Frames per second; 29.97 is 30000/1001.")]
Fit = Annotated[
    Literal["contain", "pad"], Field(description="The picture keeps its shape: fit into the box, or framed in black.")
]
Loudness = Annotated[float | None, Field(ge=-40, le=-5, description="In LUFS by EBU R128; null for the source's own.")]


class Box(Body):
    """A size of so many pixels on the shorter side, or a box to fit into, of which one side may be left out.

    Without any it is the source's own size.
    """

    short_side: Annotated[int | None, Field(ge=16, le=4320, multiple_of=2)] = None
    width: Side | None = None
    height: Side | None = None
    fit: Fit = "contain"
    upscale: bool = False
    bit_rate: BitRate | None = None
    crf: Crf | None = None


class Rung(Box):
    max_bit_rate: BitRate | None = None
    container: Literal["mp4", "webm"] | None = None


class Video(Body):
    codec: Codec
    encoder: Annotated[str | None, Field(max_length=32)] = None
    speed: Annotated[str | None, Field(max_length=16)] = None
    crf: Crf | None = None
    rungs: Annotated[list[Rung], Field(min_length=1, max_length=8)]


class Sound(Body):
    bit_rate: Annotated[int | None, Field(ge=16_000, le=512_000, description="Bits per second.")] = None
    loudness: Loudness = -23.0


class Audio(Sound):
    codec: Literal["aac", "opus"] = "aac"


class Size(Body):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    side: Annotated[int, Field(ge=16, le=8192, description="Pixels of the longer side, at most.")]


class Image(Body):
    """What becomes of an image."""

    format: Annotated[Literal["webp", "jpeg", "avif"] | None, Field(description="webp when not said.")] = None
    quality: Annotated[int | None, Field(ge=1, le=100, description="80 when not said.")] = None
    still: Annotated[bool, Field(description="The first picture of an animation alone.")] = False
    sizes: Annotated[list[Size], Field(max_length=8, description="thumb, medium and large when there are none.")] = []


class Poster(Body):
    second: Annotated[
        float | None, Field(ge=0, le=43_200, description="Into the video; a clear picture is chosen when not said.")
    ] = None


class OutputVideo(Box):
    codec: Annotated[Codec | None, Field(description="vp9 in webm, else h264.")] = None
    frame_rate: FrameRate | None = None


class OutputAudio(Sound):
    codec: Annotated[Literal["aac", "opus"] | None, Field(description="opus in webm, else aac.")] = None


class OutputRequest(Body):
    """One thing to make: a size of the stream (`hls` and `dash` are one), a `file` in one piece, or the `audio`."""

    kind: Annotated[
        Literal["hls", "dash", "file", "audio"] | None,
        Field(description="file with a container, hls without; audio without video."),
    ] = None
    container: Literal["mp4", "webm", "m4a"] | None = None
    video: OutputVideo | None = None
    audio: Annotated[OutputAudio | None, Field(description="Null for no sound; the usual when not said.")] = None


class PresetRequest(Body):
    """What is left out has its default."""

    description: Annotated[str, Field(max_length=255)] = ""
    video: Annotated[list[Video], Field(max_length=4, description="One for each codec.")] = []
    audio: Annotated[Audio | None, Field(description="Null for no sound.")] = None
    frame_rate: FrameRate | None = None
    stream: Annotated[bool, Field(description="HLS and DASH; where no file is named, they are made in any case.")] = (
        False
    )
    files: Annotated[list[Literal["mp4", "webm", "m4a"]], Field(max_length=3)] = []
    gop_seconds: Annotated[int | None, Field(ge=1, le=10)] = None
    chunk_seconds: Annotated[int | None, Field(ge=1, le=60)] = None
    early_chunks: Annotated[int | None, Field(ge=0, le=16)] = None
    image: Image | None = None
    poster: Annotated[Poster | None, Field(description="Of a video; alone it is all that is made of one.")] = None
    edits: Annotated[Edits | None, Field(description="What jobs do to a source where they say nothing else.")] = None
    analysis: Annotated[
        AnalysisOptions | bool | None, Field(description="Of what jobs make, where they do not say.")
    ] = None


class Preset(PresetRequest):
    name: str
    shipped: Annotated[bool, Field(description="It comes with the product and cannot be changed.")]
    create_time: Time | None
    update_time: Time | None


class PresetPage(BaseModel):
    items: list[Preset]
    next_page_token: str | None
