"""Which files may come in, by what is said of them before the first byte; the probe looks at the bytes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from meshkit.errors import FieldError, InvalidArgument, TooLarge, UnsupportedMedia

GIBIBYTE = 1 << 30
MAX_OBJECT = 5 << 40
"""What S3 allows in one object, in bytes."""
FORMATS = {
    # Format: the extensions of its names, the types that it is declared by.
    "mp4": ("mp4 m4v 3gp 3g2", "video/mp4 video/x-m4v video/3gpp video/3gpp2 application/mp4"),
    "mov": ("mov qt", "video/quicktime"),
    "mkv": ("mkv", "video/x-matroska video/matroska"),
    "avi": ("avi", "video/x-msvideo video/avi video/msvideo video/vnd.avi"),
    "wmv": ("wmv asf", "video/x-ms-wmv video/x-ms-asf"),
    "webm": ("webm", "video/webm audio/webm"),
    # What Linux desktops, and so their browsers, take the extension .ts for is a translation.
    "mpegts": ("ts mts m2ts m2t", "video/mp2t video/vnd.dlna.mpeg-tts text/vnd.trolltech.linguist"),
    "mpeg": ("mpg mpeg vob", "video/mpeg"),
    "flv": ("flv", "video/x-flv"),
    "ogv": ("ogv", "video/ogg"),
    "jpeg": ("jpg jpeg", "image/jpeg image/jpg image/pjpeg"),
    "png": ("png", "image/png"),
    "webp": ("webp", "image/webp"),
    "gif": ("gif", "image/gif"),
    "bmp": ("bmp", "image/bmp"),
    "tiff": ("tif tiff", "image/tiff"),
    "avif": ("avif", "image/avif"),
    "mp3": ("mp3", "audio/mpeg audio/mp3"),
    "m4a": ("m4a", "audio/mp4 audio/x-m4a audio/m4a"),
    "aac": ("aac", "audio/aac audio/x-aac"),
    "wav": ("wav", "audio/wav audio/x-wav audio/wave audio/vnd.wave"),
    "flac": ("flac", "audio/flac audio/x-flac"),
    "ogg": ("ogg oga opus", "audio/ogg audio/opus application/ogg"),
    "mka": ("mka", "audio/x-matroska audio/matroska"),
    "wma": ("wma", "audio/x-ms-wma"),
}
DEFAULT_FORMATS = frozenset(FORMATS) - {"mpeg", "flv", "ogv", "bmp", "tiff", "avif"}
_SAYS_NOTHING = frozenset({"", "application/octet-stream", "binary/octet-stream"})
_EXTENSION = re.compile(r"(?=[0-9]*[a-z])[a-z0-9]{1,10}", re.ASCII)
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories: controls, halves of surrogate pairs, line and paragraph separators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a tenant may upload; `max_size` in bytes."""

    max_size: int = 5 * GIBIBYTE
    formats: frozenset[str] = DEFAULT_FORMATS

    def __post_init__(self) -> None:
        if unknown := self.formats - set(FORMATS):
            raise ValueError(f"no such formats: {', '.join(sorted(unknown))}")
        if not 0 < self.max_size <= MAX_OBJECT:
            raise ValueError(f"max_size is not within 1 to {MAX_OBJECT}")

    def check_size(self, size: int) -> None:
        """Raises TooLarge."""
        if size > self.max_size:
            raise TooLarge("too_large", f"a file may have at most {self.max_size} bytes", limit=self.max_size)

    def check_type(self, file_name: str, content_type: str) -> None:
        """Raises UnsupportedMedia (`unsupported_type`) when name or type says that it is nothing we take.

        What says nothing, such as a name without an extension, passes.
        """
        extensions = {each for name in self.formats for each in FORMATS[name][0].split()}
        types = {each for name in self.formats for each in FORMATS[name][1].split()}
        claimed = content_type.partition(";")[0].strip().lower()
        if claimed not in types | _SAYS_NOTHING:
            raise self._refused("content_type", f"{claimed} is none of the formats that are taken")
        _, dot, extension = file_name.lower().rpartition(".")
        if dot and _EXTENSION.fullmatch(extension) and extension not in extensions:
            raise self._refused("file_name", f".{extension} is none of the formats that are taken")

    def _refused(self, field: str, message: str) -> UnsupportedMedia:
        formats = " ".join(sorted(self.formats))
        return UnsupportedMedia("unsupported_type", message, fields=(FieldError(field, message),), formats=formats)


def check_file_name(name: str) -> None:
    """Raises InvalidArgument for a name that is a path, or holds what cannot be shown."""
    if any(unicodedata.category(character) in _UNSHOWN for character in name) or set("/\\") & set(name):
        field = FieldError("file_name", "has a slash or a character that cannot be shown")
        raise InvalidArgument("invalid_file_name", field.message, fields=(field,))
