"""Codec strings for playlists, read from an init segment (RFC 6381; ISO/IEC 14496-15 for avcC, 14496-1 for esds)."""

from services.transcode.media.boxes import Box, Buffer, children, find, uint
from services.transcode.media.errors import WrongOutput

# Bytes of fixed fields in a sample entry before its boxes, ISO/IEC 14496-12 sections 12.1.3 and 12.2.3.
_VISUAL_ENTRY, _AUDIO_ENTRY = 78, 28
_ES_DESCRIPTOR, _DECODER_CONFIG, _DECODER_SPECIFIC = 3, 4, 5


def codec_string(init: bytes) -> str:
    """Of the first track: "avc1.PPCCLL" or "mp4a.40.N". Raises WrongOutput for any other codec."""
    try:
        return _codec(init)
    except (ValueError, IndexError) as error:
        raise WrongOutput(f"init segment: {error}") from error


def _codec(init: bytes) -> str:
    stsd = find(init, Box("", 0, 0, len(init)), "moov/trak/mdia/minf/stbl/stsd")
    if stsd is None:
        raise ValueError("no stsd")
    entry = next(children(init, stsd.body + 8, stsd.end))
    if entry.kind == "avc1":
        avcc = find(init, entry, "avcC", skip=_VISUAL_ENTRY)
        if avcc is not None:
            return f"avc1.{init[avcc.body + 1 : avcc.body + 4].hex()}"
    if entry.kind == "mp4a":
        esds = find(init, entry, "esds", skip=_AUDIO_ENTRY)
        if esds is not None:
            return _mpeg4_audio(init, esds)
    raise ValueError(f"no codec string for {entry.kind}")


def _mpeg4_audio(init: bytes, esds: Box) -> str:
    body, end = _descriptor(init, esds.body + 4, esds.end, _ES_DESCRIPTOR)
    body, end = _descriptor(init, body + 3, end, _DECODER_CONFIG)
    object_type = init[body]
    specific, _ = _descriptor(init, body + 13, end, _DECODER_SPECIFIC)
    return f"mp4a.{object_type:x}.{init[specific] >> 3}"


def _descriptor(data: Buffer, start: int, end: int, tag: int) -> tuple[int, int]:
    """Body and end of the descriptor that must start here. Its size is in groups of seven bits."""
    if start >= end or data[start] != tag:
        raise ValueError(f"no descriptor {tag}")
    start += 1
    size = 0
    while True:
        byte = uint(data, start, 1)
        size = size << 7 | byte & 0x7F
        start += 1
        if not byte & 0x80:
            return start, start + size
