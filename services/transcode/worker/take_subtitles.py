"""Make WebVTT of packets of subtitles. Runs as a program in the sandbox, and prints JSON.

Usage: python -m services.transcode.worker.take_subtitles path size subtitle-as-JSON folder
"""

import json
import struct
import sys
from base64 import b64decode
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.subtitles.codeccontext import SubtitleCodecContext
from av.subtitles.subtitle import AssSubtitle

from services.transcode.media.errors import BadMedia
from services.transcode.media.limits import MAX_SUBTITLE_BYTES
from services.transcode.media.subtitles import SCRIPTS, TEXTS, Subtitle
from services.transcode.media.webvtt import Cue, cue_text, webvtt

# Of text that does not say how long it stays, until the next one.
_LONGEST_STAY = Fraction(5)
_SHORTEST = Fraction(1, 1000)
# Of a line that a decoder gives: ReadOrder, Layer, Style, Name, three margins, Effect, Text.
_FIELDS = 8
_BYTE_ORDER_MARKS = (b"\xfe\xff", b"\xff\xfe")

Timed = tuple[Fraction, Fraction, bytes]
"""When a packet is shown on the source's clock, for how many seconds (0 where it says nothing), and its bytes."""


def main() -> None:
    packets, spec, folder = Path(sys.argv[1]), sys.argv[3], Path(sys.argv[4])
    try:
        answer: dict[str, object] = {"cues": take(packets, Subtitle.from_json(json.loads(spec)), folder)}
    except BadMedia as error:
        answer = {"reason": error.reason, "message": error.message}
    json.dump(answer, sys.stdout)


def take(packets: Path, wanted: Subtitle, folder: Path) -> int:
    """Writes the file into `folder`; how many cues it has. Raises BadMedia."""
    kept = json.loads(packets.read_text())
    if not kept["whole"]:
        raise BadMedia("too_large", f"more than {MAX_SUBTITLE_BYTES} bytes of subtitles")
    cues = [each for cue in _cues(kept, wanted.codec) for each in _shown(cue, wanted)]
    text = webvtt(cues, delay=wanted.delay).encode()
    if len(text) > 2 * MAX_SUBTITLE_BYTES:
        raise BadMedia("too_large", f"{len(text)} bytes of WebVTT")
    (folder / wanted.name).write_bytes(text)
    return len(cues)


def _cues(kept: dict[str, Any], codec: str) -> Iterator[Cue]:
    """All of them, on the source's clock."""
    context = _decoder(codec, b64decode(kept["extradata"]))
    broken, timed = 0, _timed(kept)
    for start, stays, body in timed:
        try:
            decoded = context.decode2(_packet(_utf8(body) if codec == "mov_text" else body))
        except av.error.FFmpegError:
            broken += 1
            continue
        for line in decoded or ():
            text, top = cue_text(_said(line), script=codec in SCRIPTS) if isinstance(line, AssSubtitle) else ("", False)
            if text:
                yield Cue(start=start, end=start + stays, text=text, top=top)
    if broken and broken == len(timed):
        raise BadMedia("corrupt", f"none of {broken} subtitles can be decoded")


def _decoder(codec: str, extradata: bytes) -> SubtitleCodecContext:
    try:
        context = av.CodecContext.create(codec, "r") if codec in TEXTS else None
    except av.error.FFmpegError:
        context = None
    if not isinstance(context, SubtitleCodecContext):
        raise BadMedia("unsupported_codec", f"no decoder for subtitles in {codec}")
    context.extradata = extradata or None
    # Text that is not UTF-8 is still text.
    context.options = {"sub_charenc_mode": "ignore"}
    return context


def _timed(kept: dict[str, Any]) -> list[Timed]:
    base = Fraction(kept["time_base"])
    read = [(pts * base, duration * base, b64decode(body)) for pts, duration, body in kept["packets"]]
    read.sort(key=lambda each: each[0])
    ends = [*(after[0] for _, after in pairwise(read)), None]
    return [
        (start, stays or (_LONGEST_STAY if end is None else min(end - start, _LONGEST_STAY)), body)
        for (start, stays, body), end in zip(read, ends, strict=False)
    ]


def _packet(body: bytes) -> "av.Packet[Any]":
    packet = av.Packet(body)
    packet.pts, packet.time_base = 0, Fraction(1, 1000)
    return packet


def _utf8(body: bytes) -> bytes:
    """A sample of timed text, which may be UTF-16 (3GPP TS 26.245, section 5.17), as UTF-8 without its styles."""
    if body[2:4] not in _BYTE_ORDER_MARKS:
        return body
    text = body[2 : 2 + struct.unpack(">H", body[:2])[0]].decode("utf-16", "replace").encode()[: 2**16 - 1]
    return struct.pack(">H", len(text)) + text


def _said(line: AssSubtitle) -> str:
    """The last field, as UTF-8 or else as what people had before it."""
    said = line.ass.split(b",", _FIELDS)[-1]
    try:
        return said.decode()
    except UnicodeDecodeError:
        return said.decode("cp1252", "replace")


def _shown(cue: Cue, wanted: Subtitle) -> Iterator[Cue]:
    """What the stream shows of it, in its time."""
    start = max(cue.start - wanted.origin, Fraction(0))
    end = min(cue.end - wanted.origin, wanted.duration)
    if end - start >= _SHORTEST:
        yield Cue(start=wanted.before + start, end=wanted.before + end, text=cue.text, top=cue.top)


if __name__ == "__main__":
    main()
