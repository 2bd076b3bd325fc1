"""Codec strings for playlists, read from an init segment.

RFC 6381; ISO/IEC 14496-15 for avcC and hvcC, 14496-1 for esds; the AV1 and VP9 bindings to ISOBMFF for av1C and vpcC.
"""

from services.transcode.media.boxes import Box, Buffer, children, find, uint
from services.transcode.media.errors import WrongOutput

# Bytes of fixed fields in a sample entry before its boxes, ISO/IEC 14496-12 sections 12.1.3 and 12.2.3.
_VISUAL_ENTRY, _AUDIO_ENTRY = 78, 28
_ES_DESCRIPTOR, _DECODER_CONFIG, _DECODER_SPECIFIC = 3, 4, 5


def codec_string(init: bytes) -> str:
    """Of the first track: "avc1.PPCCLL", "mp4a.40.N" and the like. Raises WrongOutput for a codec that is not ours."""
    try:
        return _codec(init)
    except (ValueError, IndexError) as error:
        raise WrongOutput(f"init segment: {error}") from error


def _codec(init: bytes) -> str:
    stsd = find(init, Box("", 0, 0, len(init)), "moov/trak/mdia/minf/stbl/stsd")
    if stsd is None:
        raise ValueError("no stsd")
    entry = next(children(init, stsd.body + 8, stsd.end))
    if entry.kind in _VISUAL:
        kind, text = _VISUAL[entry.kind]
        box = find(init, entry, kind, skip=_VISUAL_ENTRY)
        if box is not None:
            return f"{entry.kind}.{text(init[box.body : box.end])}"
    if entry.kind == "Opus":
        return "opus"
    if entry.kind == "mp4a":
        esds = find(init, entry, "esds", skip=_AUDIO_ENTRY)
        if esds is not None:
            return _mpeg4_audio(init, esds)
    raise ValueError(f"no codec string for {entry.kind}")


def _avc(config: bytes) -> str:
    return config[1:4].hex()


def _hevc(config: bytes) -> str:
    """Annex E.3: profile, compatibility flags with their bits reversed, tier and level, constraints without zeros."""
    space, tier, profile = config[1] >> 6, config[1] >> 5 & 1, config[1] & 31
    compatible = int(f"{uint(config, 2):032b}"[::-1], 2)
    constraints = "".join(f".{byte:x}" for byte in config[6:12].rstrip(b"\0"))
    return f"{['', 'A', 'B', 'C'][space]}{profile}.{compatible:x}.{'LH'[tier]}{config[12]}{constraints}"


def _av1(config: bytes) -> str:
    depth = 8 if not config[2] & 0x40 else 12 if config[2] & 0x20 else 10
    return f"{config[1] >> 5}.{config[1] & 31:02d}{'MH'[config[2] >> 7]}.{depth:02d}"


def _vp9(config: bytes) -> str:
    return f"{config[4]:02d}.{config[5]:02d}.{config[6] >> 4:02d}"


_VISUAL = {"avc1": ("avcC", _avc), "hvc1": ("hvcC", _hevc), "av01": ("av1C", _av1), "vp09": ("vpcC", _vp9)}


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
