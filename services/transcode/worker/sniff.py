"""Tell a file's container family from its first bytes, not from its name."""

from services.transcode.media.errors import BadMedia
from services.transcode.media.families import FAMILIES, claimed_by

# Enough for a text's shape, an EBML header and three transport stream packets.
HEAD_BYTES = 4096

_MAGIC = (
    (b"RIFF????AVI ", "avi"),
    (b"RIFF????WAVE", "wav"),
    (b"RF64????WAVE", "wav"),
    (b"RIFF????WEBP", "webp"),
    (b"OggS", "ogg"),
    (b"fLaC", "flac"),
    (b"FLV\x01", "flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"\x00\x00\x01\xba", "mpegps"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"BM????\x00\x00\x00\x00", "bmp"),
)
# Said in the refusal, so that the sender sees at once what was sent.
_NOT_MEDIA = (
    (b"ffconcat", "an ffconcat script"),
    (b"#EXTM3U", "an HLS playlist"),
    (b"WEBVTT", "subtitles"),
    (b"[Script Info]", "subtitles"),
    (b"v=0", "an SDP description"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
)
# Boxes an ISO media or QuickTime file may begin with.
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_AVIF_BRANDS = (b"avif", b"avis")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")


def sniff(head: bytes, file_name: str) -> str:
    """The family name of a file that begins with `head`.

    Raises BadMedia: `empty_file`, `not_media`, or `type_mismatch` when the name's extension claims another family.
    """
    if not head:
        raise BadMedia("empty_file", "the file has no bytes")
    family = _family(head)
    if family is None:
        raise BadMedia("not_media", f"the file is {_looks_like(head)}")
    claimed = claimed_by(file_name)
    if claimed and claimed.group != FAMILIES[family].group:
        raise BadMedia("type_mismatch", f"the name says {claimed.name}, the content is {family}")
    return family


def _family(head: bytes) -> str | None:
    for pattern, family in _MAGIC:
        if _matches(head, pattern):
            return family
    if head[4:8] in _FIRST_BOXES:
        return _iso_media(head)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "webm" if b"\x42\x82\x84webm" in head[:128] else "matroska"
    if _is_transport_stream(head):
        return "mpegts"
    return _bare_audio(head)


def _matches(head: bytes, pattern: bytes) -> bool:
    # "?" stands for any byte.
    return len(head) >= len(pattern) and all(want in (b"?"[0], got) for want, got in zip(pattern, head, strict=False))


def _iso_media(head: bytes) -> str | None:
    brand = head[8:12]
    if head[4:8] != b"ftyp" or brand == b"qt  ":
        return "mov"
    if brand in _AVIF_BRANDS:
        return "avif"
    return None if brand in _HEIF_BRANDS else "mp4"


def _is_transport_stream(head: bytes) -> bool:
    # Packets of 188 bytes; Blu-ray puts a 4-byte time before each.
    return any(len(head) > 3 * size and set(head[at : at + 3 * size : size]) == {0x47} for at, size in _TS_LAYOUTS)


_TS_LAYOUTS = ((0, 188), (4, 192))


def _bare_audio(head: bytes) -> str | None:
    if head.startswith(b"ID3"):
        return "mp3"
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:
        return "aac" if head[1] & 0xF0 == 0xF0 else None
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    return "mp3" if version != 1 and bit_rate not in (0, 15) and sample_rate != 3 else None


def _looks_like(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, name in _NOT_MEDIA:
        if text.startswith(start):
            return name
    if text[:1] == b"<":
        return "HTML or XML"
    if b"-->" in text[:200]:
        return "subtitles"
    return "of no known media format" if b"\x00" in head else "text"
