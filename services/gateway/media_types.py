"""As what a user's file is given out: media by its type, and anything else as mere bytes."""

from __future__ import annotations

OCTETS = "application/octet-stream"
_BY_ENDING = {
    "3gp": "video/3gpp",
    "aac": "audio/aac",
    "avi": "video/x-msvideo",
    "avif": "image/avif",
    "flac": "audio/flac",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "m2ts": "video/mp2t",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "mts": "video/mp2t",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "png": "image/png",
    "ts": "video/mp2t",
    "wav": "audio/wav",
    "webm": "video/webm",
    "webp": "image/webp",
    "wmv": "video/x-ms-wmv",
}
_SAFE = frozenset(_BY_ENDING.values()) | {"audio/webm", "audio/x-wav", "audio/wave", "audio/x-m4a", "audio/x-flac"}


def safe(content_type: str, file_name: str) -> str:
    """The declared type, or the one of the file's ending, where it is one that no browser runs."""
    declared = content_type.partition(";")[0].strip().lower()
    if declared in _SAFE:
        return declared
    return _BY_ENDING.get(file_name.rpartition(".")[2].lower(), OCTETS)
