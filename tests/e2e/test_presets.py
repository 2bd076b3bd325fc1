"""Every preset on every kind of file: what comes out has the source's frames, time and sound in what it promised."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image

from services.transcode.scheduler.shipped import shipped
from tests.clips import first_picture, framed, read_number
from tests.e2e.judging import delay, heard, held, seen, together
from tests.e2e.kinds import KINDS, Kind
from tests.e2e.matrix import Made, Matrix

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from reelmesh_client import Client

    from tests.clips import Clips
    from tests.e2e.asking import Asking
    from tests.e2e.fetched import Anyone

STAGE = (1280, 720)
PADDING = 2 * 1024 / 48_000
STILLS = {"poster.jpg": "poster", "storyboard.jpg": "sprite", "storyboard.vtt": "sprite"}
STREAM = {"master.m3u8": "hls", "manifest.mpd": "dash"}
IMAGES = {"thumb.webp": 320, "medium.webp": 1024, "large.webp": 2048}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """Codecs of the ladders of a `stream`; ending, format as ffmpeg calls it, and codecs of the `file`."""

    stream: tuple[str, ...] | None = None
    file: tuple[str, str, tuple[str, ...]] | None = None
    pictures: bool = True
    sound: bool = True

    def outputs(self, kind: Kind) -> dict[str, str]:
        """Kinds by name; nothing, where the job cannot make anything."""
        if kind.media == "image":
            return dict.fromkeys(IMAGES, "image")
        pictures = self.pictures and kind.media == "video"
        if not pictures and not (self.sound and kind.sound):
            return {}
        made = dict(STREAM) if self.stream is not None else {}
        if self.file:
            ending = self.file[0]
            made[f"{'video' if pictures else 'audio'}.{ending}"] = "audio" if ending == "m4a" else "file"
        return made | STILLS if pictures else made


MP4 = ("mp4", "mov,mp4", ("h264", "aac"))
PROMISES = {
    "hls": Promise(stream=("h264",)),
    "hls-hevc": Promise(stream=("hevc",)),
    "hls-av1": Promise(stream=("av1",)),
    "hls-multi": Promise(stream=("av1", "h264")),
    "mp4-720p": Promise(file=MP4),
    "webm-vp9": Promise(file=("webm", "webm", ("vp9", "opus"))),
    "stage-show": Promise(stream=("h264",), file=MP4),
    "audio": Promise(stream=(), file=("m4a", "mov,mp4", ("aac",)), pictures=False),
    "poster": Promise(sound=False),
    "image": Promise(pictures=False, sound=False),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def matrix(asking: Asking, client: Client, clips: Clips) -> AsyncIterator[Matrix]:
    made = Matrix(asking, client, clips, list(PROMISES))
    yield made
    await made.close()


def test_no_preset_is_left_out() -> None:
    assert {preset.name for preset in shipped()} == PROMISES.keys()


@pytest.mark.parametrize("preset", PROMISES)
@pytest.mark.parametrize("kind", KINDS)
async def test_every_preset_takes_every_kind_of_file(
    kind: str, preset: str, matrix: Matrix, anyone: Anyone, tmp_path: Path
) -> None:
    made = await matrix.made(kind, preset)
    source, promise = KINDS[kind], PROMISES[preset]
    expected = promise.outputs(source)
    assert {name: output["kind"] for name, output in made.outputs.items()} == expected
    if not expected:
        assert (made.job["state"], made.job["error"]["code"]) == ("failed", "unsupported_codec")
        return
    assert (made.job["state"], made.job["error"]) == ("succeeded", None)
    judge = Judge(kind=source, preset=preset, promise=promise, made=made, anyone=anyone, folder=tmp_path)
    await asyncio.to_thread(judge.all)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    kind: Kind
    preset: str
    promise: Promise
    made: Made
    anyone: Anyone
    folder: Path

    def all(self) -> None:
        if self.kind.media == "image":
            self.images()
            return
        if self.promise.stream is not None:
            self.stream(self.promise.stream if self.pictures else ())
        if self.promise.file:
            self.file(*self.promise.file)
        if self.preset == "poster":
            self.stills()

    @property
    def pictures(self) -> bool:
        return self.promise.pictures and self.kind.media == "video"

    @property
    def slack(self) -> float:
        """One frame, in seconds. Sound alone lasts as long as it did, with what its own encoder filled it up with."""
        return float(1 / self.kind.rate) + (0 if self.pictures else PADDING)

    @property
    def staged(self) -> bool:
        return self.preset == "stage-show"

    @property
    def within(self) -> tuple[int, int] | None:
        """What the picture fills of the stage."""
        if not self.staged:
            return None
        scale = min(stage / own for stage, own in zip(STAGE, self.kind.size, strict=True))
        return round(self.kind.size[0] * scale), round(self.kind.size[1] * scale)

    def stream(self, codecs: tuple[str, ...]) -> None:
        kind = self.kind
        stream = self.anyone.stream(self.made.outputs["master.m3u8"]["url"], self.folder)
        begin = delay(kind) if codecs else Fraction(0)
        beeping = self.sound(stream.audio.path, "aac", begin) if stream.audio else []
        assert bool(stream.audio) is kind.sound
        sizes = [STAGE] if self.staged else [kind.size, *kind.lower]
        wanted = [(codec, size) for codec in codecs for size in sizes]
        assert len(stream.rungs) == len(wanted)
        for (variant, track), (codec, size) in zip(stream.rungs, wanted, strict=True):
            assert (variant.width, variant.height) == size
            assert abs(track.duration - kind.seconds) <= self.slack
            assert held(track.path).codecs == (codec,)
            self.seen(track.path, size, begin, beeping)
        self.told("master.m3u8", sizes[0] if codecs else (None, None))
        manifest = self.anyone.text(self.made.outputs["manifest.mpd"]["url"])
        assert [f'width="{width}" height="{height}"' in manifest for _, (width, height) in wanted] == [True] * len(
            wanted
        )

    def file(self, ending: str, form: str, codecs: tuple[str, ...]) -> None:
        pictures = self.pictures
        name = f"{'video' if pictures else 'audio'}.{ending}"
        path = self.anyone.file(self.made.outputs[name]["url"], self.folder / name)
        has = held(path)
        assert form in has.format
        assert has.codecs == (codecs[0 if pictures else -1 :] if self.kind.sound else codecs[:1])
        assert abs(has.duration - self.kind.seconds) <= self.slack
        assert path.stat().st_size == self.made.outputs[name]["size"]
        beeping = self.sound(path, codecs[-1], Fraction(0)) if self.kind.sound else []
        size = STAGE if self.staged else self.kind.size
        if pictures:
            self.seen(path, size, Fraction(0), beeping)
        self.told(name, size if pictures else (None, None))

    def seen(self, path: Path, size: tuple[int, int], begin: Fraction, beeping: list[float]) -> None:
        assert held(path).size == size
        shown = seen(path, self.kind, begin, self.within)
        if self.kind.sound:
            together(shown, beeping, self.kind)
        if self.within:
            # Nothing but black around it.
            dark = framed(first_picture(path), *self.within)
            assert not dark.size or dark.max() < 24

    def sound(self, path: Path, codec: str, begin: Fraction) -> list[float]:
        assert held(path).codecs[-1] == codec
        beeping = heard(path, begin, self.kind.seconds, self.slack)
        # Without pictures to go by, it begins with its own first sample.
        assert min(abs(beep - float(begin) - 1 - self.kind.late) for beep in beeping) <= 0.05
        return beeping

    def told(self, name: str, size: tuple[int | None, int | None]) -> None:
        """What the API says of an output."""
        output = self.made.outputs[name]
        assert (output["width"], output["height"]) == size
        assert abs(output["duration"] - self.kind.seconds) <= self.slack

    def stills(self) -> None:
        poster = self.picture("poster.jpg")
        assert poster.format == "JPEG"
        assert all(abs(is_ - own) <= 1 for is_, own in zip(poster.size, self.kind.size, strict=True))
        assert read_number(np.rot90(np.asarray(poster.convert("L")), self.kind.turns)) in self.kind.numbers
        cues = self.anyone.text(self.made.outputs["storyboard.vtt"]["url"])
        width, height = self.picture("storyboard.jpg").size
        assert cues.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.")
        assert cues.endswith(f"storyboard.jpg#xywh=0,0,{width},{height}\n")

    def images(self) -> None:
        for name, side in IMAGES.items():
            image = self.picture(name)
            scale = min(1, side / max(self.kind.size))
            assert image.format == "WEBP"
            assert image.size == tuple(round(each * scale) for each in self.kind.size)

    def picture(self, name: str) -> Image.Image:
        path = self.anyone.file(self.made.outputs[name]["url"], self.folder / name)
        with Image.open(path) as image:
            image.load()
            return image
