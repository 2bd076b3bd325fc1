"""Take a poster and a storyboard out of a video. Runs as a program in the sandbox, and prints JSON.

Usage: python -m services.transcode.worker.take_stills path-or-URL size stills-as-JSON folder
"""

import json
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageFilter, ImageStat

from services.transcode.media.errors import BadMedia
from services.transcode.media.families import FAMILIES
from services.transcode.media.stills import COLUMNS, POSTER, SHEET, STORYBOARD, Stills, storyboard
from services.transcode.worker.containers import demuxing, opened
from services.transcode.worker.tones import as_image, upright

if TYPE_CHECKING:
    from av.packet import Packet

# As pictures are judged: large enough to tell a sharp one.
_JUDGED_SIDE = 480
_DARK, _FLAT = 20, 6
"""Of a mean and a deviation of brightness, up to 255."""
_CLEARLY = 1.25
_EDGES = ImageFilter.Kernel((3, 3), (0, -1, 0, -1, 4, -1, 0, -1, 0), scale=1, offset=128)
_TILE_QUALITY, _POSTER_QUALITY = 75, 88
_SLACK = Fraction(1, 1000)


def main() -> None:
    source, size, spec, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
    try:
        with opened(source, size) as file:
            sheet = take(file, Stills.from_json(json.loads(spec)), folder)
            answer: dict[str, object] = {"sheet": sheet.size}
    except BadMedia as error:
        answer = {"reason": error.reason, "message": error.message}
    except av.error.FFmpegError as error:
        answer = {"reason": "corrupt", "message": f"the source cannot be read: {error.strerror}"}
    json.dump(answer, sys.stdout)


def take(file: BinaryIO, wanted: Stills, folder: Path) -> Image.Image:
    """Writes the three files into `folder`, and gives the sheet. Raises BadMedia."""
    with demuxing(file, wanted.family) as container:
        frames = Frames(container, wanted)
        chosen: VideoFrame | None = None
        best = 0.0
        starts: list[Fraction] = []
        tiles: list[Image.Image] = []
        for time, frame in frames.sampled():
            starts.append(wanted.before + max(time, Fraction(0)) if starts else Fraction(0))
            tiles.append(upright(frame, wanted, wanted.tile))
            if wanted.at is None and (worth := judged(frame) + _SLACK) > best * _CLEARLY:
                chosen, best = frame, float(worth)
        if wanted.at is not None:
            chosen = frames.shown_at(wanted.at)
        if chosen is None or not tiles:
            raise BadMedia("corrupt", "no picture of the video can be shown")
        upright(chosen, wanted, wanted.poster).save(folder / POSTER, quality=_POSTER_QUALITY, progressive=True)
    end = wanted.before + wanted.duration + wanted.after
    (folder / STORYBOARD).write_text(storyboard(starts, end, wanted.tile))
    sheet = _sheet(tiles)
    sheet.save(folder / SHEET, quality=_TILE_QUALITY)
    return sheet


def judged(frame: VideoFrame) -> float:
    """How much there is to see: the energy of its edges, and next to nothing for one that is black or of one colour."""
    scale = min(1.0, _JUDGED_SIDE / max(frame.width, frame.height))
    size = {"width": max(3, round(frame.width * scale)), "height": max(3, round(frame.height * scale))}
    gray = as_image(frame.reformat(**size, format="rgb24")).convert("L")
    light = ImageStat.Stat(gray)
    edges = ImageStat.Stat(gray.filter(_EDGES)).var[0]
    dull = light.mean[0] < _DARK or light.mean[0] > 255 - _DARK or light.stddev[0] < _FLAT
    return float(edges) / 1000 if dull else float(edges)


class Frames:
    """Pictures of the wanted stream, with their times in it."""

    def __init__(self, container: InputContainer, wanted: Stills) -> None:
        stream = container.streams[wanted.stream]
        assert isinstance(stream, VideoStream)
        stream.codec_context.thread_count = 1
        self._container, self._stream, self._wanted = container, stream, wanted

    def sampled(self) -> Iterator[tuple[Fraction, VideoFrame]]:
        """One for each of the times that has one of its own; the first picture is always among them."""
        if self._wanted.walk == "seek":
            return self._found()
        self._stream.codec_context.skip_frame = "NONKEY" if self._wanted.walk == "keys" else "DEFAULT"
        return self._passed()

    def shown_at(self, time: Fraction) -> VideoFrame | None:
        """The one that is on screen then; the last one where the video is over."""
        if self._wanted.seeks:
            self._seek(time)
        else:
            self._container.seek(0)
        self._stream.codec_context.skip_frame = "DEFAULT"
        shown = None
        for at, frame in self._decoded():
            if shown is not None and at > time + _SLACK:
                break
            shown = frame
        return shown

    def _passed(self) -> Iterator[tuple[Fraction, VideoFrame]]:
        """Of a walk through all pictures: what is on screen at each time; of key frames, the next one then."""
        exact = self._wanted.walk == "all"
        waiting = list(self._wanted.times)[::-1]
        before: tuple[Fraction, VideoFrame] | None = None
        for at, frame in self._decoded():
            while waiting and exact and before and at > waiting[-1] + _SLACK:
                yield waiting.pop(), before[1]
            if not exact and waiting and at >= waiting[-1] - _SLACK:
                yield at, frame
                while waiting and waiting[-1] <= at + _SLACK:
                    waiting.pop()
            before = at, frame
        while before and exact and waiting:
            yield waiting.pop(), before[1]

    def _found(self) -> Iterator[tuple[Fraction, VideoFrame]]:
        """The last key frame of each tile's time, once; where seeking finds no key frame, the first after its start."""
        last = Fraction(-1)
        blind = FAMILIES[self._wanted.family].seek == "time"
        for start, end in pairwise([*self._wanted.times, self._wanted.duration]):
            self._seek(start if blind else end - _SLACK)
            at, frame = self._key_frame() or (last, None)
            # It may lie after the end, and where there are few, be the last one again.
            if frame is not None and last < at < self._wanted.duration:
                last = at
                yield at, frame

    def _key_frame(self) -> tuple[Fraction, VideoFrame] | None:
        """The next one, decoded by itself: what comes after it need not be read."""
        for packet in self._container.demux(self._stream):
            if packet.is_keyframe:
                for part in (packet, None):
                    for found in self._pictures(part):
                        return found
        return None

    def _seek(self, time: Fraction) -> None:
        base = self._stream.time_base or Fraction(1)
        self._container.seek(int((self._wanted.origin + time) / base), stream=self._stream)

    def _decoded(self) -> Iterator[tuple[Fraction, VideoFrame]]:
        """Each picture from here on with its time, which is a guess where the container has none."""
        for packet in self._container.demux(self._stream):
            yield from self._pictures(packet)

    def _pictures(self, packet: "Packet[VideoStream] | None") -> Iterator[tuple[Fraction, VideoFrame]]:
        base = self._stream.time_base or Fraction(1)
        try:
            frames = self._stream.codec_context.decode(packet)
        except (av.error.InvalidDataError, av.error.EOFError):
            # One that is broken, or leans on what was not read.
            return
        for frame in frames:
            tick = frame.dts if frame.pts is None else frame.pts
            if tick is not None:
                yield tick * base - self._wanted.origin, frame


def _sheet(tiles: list[Image.Image]) -> Image.Image:
    width, height = tiles[0].size
    sheet = Image.new("RGB", (min(len(tiles), COLUMNS) * width, -(-len(tiles) // COLUMNS) * height))
    for place, tile in enumerate(tiles):
        row, column = divmod(place, COLUMNS)
        sheet.paste(tile, (column * width, row * height))
    return sheet


if __name__ == "__main__":
    main()
