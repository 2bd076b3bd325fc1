"""What an asset is, as far as its name and declared type can tell."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"


_EXTENSIONS = {
    Kind.VIDEO: "3gp avi flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv qt ts webm wmv",
    Kind.IMAGE: "avif bmp gif heic heif jpeg jpg png tif tiff webp",
    Kind.AUDIO: "aac aif aiff flac m4a mka mp3 oga ogg opus wav wma",
}
_KINDS = {extension: kind for kind, extensions in _EXTENSIONS.items() for extension in extensions.split()}


def guess_kind(content_type: str, file_name: str) -> Kind | None:
    """What the client says it is; None where it does not say. The probe knows better."""
    family = content_type.partition("/")[0].strip().lower()
    return Kind(family) if family in set(Kind) else _KINDS.get(file_name.rpartition(".")[2].lower())
