"""Video encoders and how each is told the same thing: a quality, a cap on the rate, closed groups of pictures.

Only the software ones run where there is no special hardware, and only their output is judged by tests. The others are
named by a preset for machines that have the device.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Codec = Literal["h264", "hevc", "av1", "vp9"]
Encoder = Literal[
    "libx264", "h264_nvenc", "h264_qsv", "h264_vaapi", "h264_videotoolbox", "libx265", "libsvtav1", "libvpx-vp9"
]
# How many frames a picture is decoded before it is shown, at most.
REORDER = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What a codec is encoded with when its preset does not say; `cost` is CPU time, as a multiple of H.264's."""

    encoder: Encoder
    speed: str
    crf: int
    cost: float


CODECS: dict[Codec, Usual] = {
    "h264": Usual(encoder="libx264", speed="veryfast", crf=23, cost=1),
    "hevc": Usual(encoder="libx265", speed="veryfast", crf=26, cost=2),
    "av1": Usual(encoder="libsvtav1", speed="10", crf=35, cost=1.5),
    "vp9": Usual(encoder="libvpx-vp9", speed="5", crf=34, cost=4),
}

# Two in a row, and none that others lean on: no picture is then decoded earlier than REORDER allows.
_B_FRAMES = ("-bf", "2")
_HIGH = ("-profile:v", "high")


# Of what it knows nothing around, x264 thinks less: the first picture of a chunk comes out up to 2 dB worse than in one
# go, and the last ones half a dB, as nothing leans on them. With so many more bits they are as good.
_FIRST, _NEXT, _LAST = 1.3, 1.05, 1.05
_RUN = 10


@dataclass(frozen=True, slots=True)
class Zone:
    """Frames `first` to `last` of a chunk get `bits` times as many."""

    first: int
    last: int
    bits: float


def joins(frames: int, *, before: bool, after: bool) -> tuple[Zone, ...]:
    """Where a chunk of so many frames has neighbours, before and after it."""
    opening = (Zone(0, 0, _FIRST), Zone(1, _RUN - 1, _NEXT)) if before else ()
    return opening + ((Zone(max(frames - _RUN, 0), frames - 1, _LAST),) if after else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """`crf` as the encoder means it, where no `bit_rate` is aimed at; rates in bits per second, 0 for none, and
    `bufsize` in bits; `gop` in frames.
    """

    speed: str
    crf: int
    bit_rate: int = 0
    maxrate: int
    bufsize: int
    gop: int
    threads: int
    zones: tuple[Zone, ...] = ()

    @property
    def target(self) -> list[str]:
        return ["-b:v", str(self.bit_rate)] if self.bit_rate else ["-crf", str(self.crf)]


@dataclass(frozen=True, slots=True)
class _Kind:
    options: Callable[[Quality], list[str]]
    device: tuple[str, ...] = ()
    filters: str = ""


def video_codec(encoder: Encoder, wanted: Quality) -> list[str]:
    """The output options that choose the encoder and steer it."""
    cap = ["-maxrate", str(wanted.maxrate), "-bufsize", str(wanted.bufsize)] if wanted.maxrate else []
    if encoder == "libsvtav1" and wanted.bit_rate:
        # It caps a quality, not a rate.
        cap = []
    return ["-c:v", encoder, *_KINDS[encoder].options(wanted), *cap, "-g", str(wanted.gop)]


def device(encoder: Encoder) -> tuple[str, ...]:
    """The global options that open the device, if pictures have to be brought there by a filter."""
    return _KINDS[encoder].device


def last_filters(encoder: Encoder) -> str:
    """What brings yuv420p pictures into the form, and to the place, that the encoder takes them from; often nothing."""
    return _KINDS[encoder].filters


def _libx264(wanted: Quality) -> list[str]:
    zones = "/".join(f"{zone.first},{zone.last},b={zone.bits}" for zone in wanted.zones)
    return [
        *_HIGH,
        *["-preset", wanted.speed, "-threads", str(wanted.threads), *wanted.target],
        *["-keyint_min", str(wanted.gop), "-sc_threshold", "0", "-flags", "+cgop"],
        *(["-x264-params", f"zones={zones}"] if zones else []),
    ]


def _libx265(wanted: Quality) -> list[str]:
    threads = "pools=none:frame-threads=1" if wanted.threads == 1 else f"pools={wanted.threads}"
    gop = f"keyint={wanted.gop}:min-keyint={wanted.gop}:scenecut=0:open-gop=0"
    # Without `info`, which lists its settings in the stream: chunks shall have the same init segment.
    steering = f"{gop}:{threads}:info=0:log-level=warning"
    return ["-tag:v", "hvc1", "-preset", wanted.speed, *wanted.target, "-x265-params", steering]


def _libsvtav1(wanted: Quality) -> list[str]:
    steering = f"lp={wanted.threads}:scd=0"
    return ["-preset", wanted.speed, *wanted.target, "-svtav1-params", steering]


def _libvpx_vp9(wanted: Quality) -> list[str]:
    # Its cap beside a CRF is the rate itself.
    target = wanted.target if wanted.bit_rate else [*wanted.target, "-b:v", str(wanted.maxrate)]
    return [
        "-deadline",
        "good",
        "-cpu-used",
        wanted.speed,
        *target,
        "-threads",
        str(wanted.threads),
        "-keyint_min",
        str(wanted.gop),
    ]


def _nvenc(wanted: Quality) -> list[str]:
    quality = [*_HIGH, "-preset", "p4", "-rc", "vbr", "-cq", str(wanted.crf), "-b:v", "0"]
    return [
        *quality,
        *_B_FRAMES,
        "-b_ref_mode",
        "disabled",
        "-no-scenecut",
        "1",
        "-forced-idr",
        "1",
        "-strict_gop",
        "1",
    ]


def _qsv(wanted: Quality) -> list[str]:
    # A quality beside a rate makes it QVBR.
    quality = [*_HIGH, "-preset", "veryfast", "-global_quality", str(wanted.crf), "-b:v", str(wanted.maxrate)]
    return [*quality, *_B_FRAMES, "-b_strategy", "0", "-adaptive_i", "0", "-idr_interval", "0", "-flags", "+cgop"]


def _vaapi(wanted: Quality) -> list[str]:
    quality = [*_HIGH, "-rc_mode", "QVBR", "-global_quality", str(wanted.crf), "-b:v", str(wanted.maxrate)]
    return [*quality, *_B_FRAMES, "-b_depth", "1", "-idr_interval", "0"]


def _videotoolbox(wanted: Quality) -> list[str]:
    # It knows either a quality or a cap: the cap is what players count on.
    return [*_HIGH, "-b:v", str(wanted.maxrate), *_B_FRAMES, "-allow_sw", "0", "-flags", "+cgop"]


_KINDS: dict[Encoder, _Kind] = {
    "libx264": _Kind(_libx264),
    "libx265": _Kind(_libx265),
    "libsvtav1": _Kind(_libsvtav1),
    "libvpx-vp9": _Kind(_libvpx_vp9),
    "h264_nvenc": _Kind(_nvenc),
    "h264_qsv": _Kind(_qsv, filters="format=nv12"),
    "h264_vaapi": _Kind(_vaapi, device=("-vaapi_device", "/dev/dri/renderD128"), filters="format=nv12,hwupload"),
    "h264_videotoolbox": _Kind(_videotoolbox),
}
