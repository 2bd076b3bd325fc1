"""Take the packets of subtitles out of a source while all of it is read. For programs in the sandbox.

They are not decoded here: what a decoder thinks of them shall not be the end of their video.
"""

import json
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

from av.container import InputContainer
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream

from services.transcode.media.facts import SubtitleFacts
from services.transcode.media.limits import MAX_SUBTITLE_BYTES, MAX_SUBTITLES
from services.transcode.media.subtitles import TEXTS, packets_of
from services.transcode.worker.first_frames import has_decoder

if TYPE_CHECKING:
    from av.packet import Packet

# What keeping a packet costs beside its bytes.
_COST = 64
_LONGEST_LANGUAGE, _LONGEST_TITLE = 35, 200
# Between the texts of `mov_text` are empty ones.
_NOTHING = b"\0\0"


class Texts:
    def __init__(self, container: InputContainer) -> None:
        text = [each for each in container.streams.subtitles if has_decoder(each) and each.codec_context.name in TEXTS]
        self._streams = {each.index: _Text(each) for each in text[:MAX_SUBTITLES]}

    def feed(self, packet: "Packet[Stream]") -> None:
        if text := self._streams.get(packet.stream.index):
            text.feed(packet)

    def left_in(self, folder: Path) -> tuple[SubtitleFacts, ...]:
        """Facts of those that say anything, whose packets are now in `folder`."""
        spoken = [each for each in self._streams.values() if each.said]
        for each in spoken:
            (folder / packets_of(each.stream.index)).write_text(json.dumps(each.told()))
        return tuple(each.facts() for each in spoken)


class _Text:
    def __init__(self, stream: SubtitleStream) -> None:
        self.stream = stream
        self._packets: list[tuple[int, int, bytes]] = []
        self._room = MAX_SUBTITLE_BYTES

    @property
    def said(self) -> bool:
        return bool(self._packets) or self._room < 0

    def feed(self, packet: "Packet[Stream]") -> None:
        if packet.pts is None or packet.is_discard or not packet.size or self._room < 0:
            return
        self._room -= packet.size + _COST
        if self._room < 0:
            self._packets.clear()
        elif (body := bytes(packet)) != _NOTHING:
            self._packets.append((packet.pts, packet.duration or 0, body))

    def told(self) -> dict[str, object]:
        """Ticks are of `time_base`; it is `whole` unless it was too much to be kept."""
        return {
            "whole": self._room >= 0,
            "time_base": str(self.stream.time_base or 1),
            "extradata": _text(self.stream.codec_context.extradata or b""),
            "packets": [(pts, duration, _text(body)) for pts, duration, body in self._packets],
        }

    def facts(self) -> SubtitleFacts:
        stream, said = self.stream, self.stream.metadata
        return SubtitleFacts(
            stream=stream.index,
            codec=stream.codec_context.name,
            language=said.get("language", "")[:_LONGEST_LANGUAGE],
            # As Matroska and MP4 call it.
            title=(said.get("title") or said.get("name") or "")[:_LONGEST_TITLE],
            default=bool(stream.disposition & Disposition.default),
            forced=bool(stream.disposition & Disposition.forced),
            hearing_impaired=bool(stream.disposition & Disposition.hearing_impaired),
        )


def _text(body: bytes) -> str:
    return b64encode(body).decode()
