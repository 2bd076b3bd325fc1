"""Container families: how each is named to ffmpeg, which file names claim it, and how far its seeking is trusted."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["video", "audio", "image"]
Seek = Literal["keyframe", "time", "scan", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """`demuxer` is ffmpeg's name for the format. `group` joins families that share file name extensions.

    `seek` says where ffmpeg lands when asked for a time: at the key frame before it (an index says where), at
    any packet before it (the reader must go back a whole GOP by itself), at a key frame that it finds by reading all
    before it, or nowhere to be trusted. `shown_times` is False where the format only counts frames as they are decoded,
    and ffmpeg guesses when they are shown.
    """

    name: str
    demuxer: str
    group: str
    extensions: tuple[str, ...] = ()
    seek: Seek = "none"
    image: bool = False
    shown_times: bool = True


def _image(name: str, demuxer: str, *extensions: str) -> Family:
    return Family(name=name, demuxer=demuxer, group=name, extensions=extensions, image=True)


_ALL = (
    Family(name="mp4", demuxer="mov", group="isobmff", extensions=("mp4", "m4v", "m4a", "f4v"), seek="keyframe"),
    Family(name="mov", demuxer="mov", group="isobmff", extensions=("mov", "qt", "3gp", "3g2"), seek="keyframe"),
    Family(name="matroska", demuxer="matroska", group="matroska", extensions=("mkv", "mka"), seek="keyframe"),
    Family(name="webm", demuxer="matroska", group="matroska", extensions=("webm",), seek="keyframe"),
    Family(name="avi", demuxer="avi", group="avi", extensions=("avi", "divx"), shown_times=False, seek="keyframe"),
    Family(name="mpegts", demuxer="mpegts", group="mpeg", extensions=("ts", "mts", "m2ts", "m2t"), seek="time"),
    Family(name="mpegps", demuxer="mpeg", group="mpeg", extensions=("mpg", "mpeg", "vob")),
    Family(name="asf", demuxer="asf", group="asf", extensions=("asf", "wmv", "wma")),
    Family(name="flv", demuxer="flv", group="flv", extensions=("flv",), seek="scan"),
    Family(name="ogg", demuxer="ogg", group="ogg", extensions=("ogg", "ogv", "oga", "opus")),
    Family(name="mp3", demuxer="mp3", group="mp3", extensions=("mp3",)),
    Family(name="wav", demuxer="wav", group="wav", extensions=("wav",)),
    Family(name="flac", demuxer="flac", group="flac", extensions=("flac",)),
    Family(name="aac", demuxer="aac", group="aac", extensions=("aac",)),
    _image("png", "png_pipe", "png"),
    _image("jpeg", "jpeg_pipe", "jpg", "jpeg"),
    _image("gif", "gif", "gif"),
    _image("webp", "webp_pipe", "webp"),
    _image("bmp", "bmp_pipe", "bmp"),
    _image("tiff", "tiff_pipe", "tif", "tiff"),
    _image("avif", "mov", "avif"),
)

FAMILIES = {family.name: family for family in _ALL}
_BY_EXTENSION = {extension: family for family in _ALL for extension in family.extensions}


def claimed_by(file_name: str) -> Family | None:
    """The family a file name claims by its extension, or None when the extension says nothing."""
    _, dot, extension = file_name.rpartition(".")
    return _BY_EXTENSION.get(extension.lower()) if dot else None
