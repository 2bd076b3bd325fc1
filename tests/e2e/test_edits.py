"""Edits over the whole mesh: a player gets the pictures and the sound that were asked for, and no others."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
import pytest_asyncio

from services.transcode.media.encoders import REORDER
from tests.clips import beeps, is_flash, samples, similarity
from tests.e2e.journey import sent
from tests.e2e.judging import TOGETHER, held

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from reelmesh_client import Client

    from tests.clips import Clips
    from tests.e2e.asking import Asking, Job
    from tests.e2e.fetched import Anyone

RATE = Fraction(15)
DELAY = REORDER / RATE
SIZE = (320, 180)
ALIKE = 0.95
"""SSIM of each picture with the one that it comes from."""
MARK = slice(180 - 4 - 40, 180 - 4), slice(320 - 4 - 80, 320 - 4)
"""Rows and columns of a mark of 80 by 40 in the lower right corner."""
NEAR = slice(MARK[0].start - 8, None), slice(MARK[1].start - 8, None)
"""What a mark can be seen in, as blocks are coded."""
TRIM, KEPT = {"start": 1, "end": 9.6}, slice(15, 144)
CROP = {"x": 40, "y": 20, "width": 240, "height": 140}


@dataclass(frozen=True, slots=True)
class Part:
    """Pictures in colour; whether there is sound to them; whether the mark is on them."""

    pictures: list[NDArray[Any]]
    sound: bool = True
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """Assets to edit with, and the pictures that are in them."""

    own: str
    ids: Mapping[str, str]
    pictures: Mapping[str, list[NDArray[Any]]]

    def stretch(self, kept: slice = slice(None), *, sound: bool = True, marked: bool = False) -> Part:
        return Part(self.pictures["own"][kept], sound, marked)

    @property
    def intro(self) -> Part:
        """Of another shape: with black beside it."""
        return Part([np.pad(each, ((0, 0), (40, 40), (0, 0))) for each in self.pictures["intro"]])

    @property
    def outro(self) -> Part:
        return Part(self.pictures["outro"], sound=False)

    @property
    def watermark(self) -> dict[str, Any]:
        return {"asset_id": self.ids["mark"], "position": "bottom-right", "scale": 0.25}


CASES: dict[str, tuple[Callable[[Cutting], dict[str, Any]], Callable[[Cutting], list[Part]]]] = {
    "trim": (lambda _: {"trim": TRIM}, lambda cutting: [cutting.stretch(KEPT)]),
    "intro": (
        lambda cutting: {"intro_asset_id": cutting.ids["intro"]},
        lambda cutting: [cutting.intro, cutting.stretch()],
    ),
    "outro": (
        lambda cutting: {"outro_asset_id": cutting.ids["outro"]},
        lambda cutting: [cutting.stretch(), cutting.outro],
    ),
    "watermark": (
        lambda cutting: {"watermark": cutting.watermark},
        lambda cutting: [cutting.stretch(marked=True)],
    ),
    "crop": (
        lambda _: {"crop": CROP},
        lambda cutting: [Part([each[20:160, 40:280] for each in cutting.pictures["own"]])],
    ),
    "mute": (lambda _: {"mute": True}, lambda cutting: [cutting.stretch(sound=False)]),
    "all together": (
        lambda cutting: {
            "trim": TRIM,
            "intro_asset_id": cutting.ids["intro"],
            "outro_asset_id": cutting.ids["outro"],
            "watermark": cutting.watermark,
        },
        lambda cutting: [cutting.intro, cutting.stretch(KEPT, marked=True), cutting.outro],
    ),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cutting(client: Client, clips: Clips) -> Cutting:
    rate = str(RATE)
    files = {
        "own": clips.barcoded("own.mp4", frames=150, rate=rate),
        "intro": clips.barcoded("intro.mkv", frames=30, rate=rate, size=(240, 180), audio=("-c:a", "ac3"), channels=6),
        "outro": clips.barcoded("outro.mp4", frames=20, rate=rate, audio=None),
        "mark": clips.made("mark.png", "-f", "lavfi", "-i", "color=red:s=80x40,format=rgba", "-frames:v", "1"),
    }
    assets = await asyncio.gather(*(sent(client, file) for file in files.values()))
    ids = {name: asset.id for name, asset in zip(files, assets, strict=True)}
    seen = {name: colours(file) for name, file in files.items() if name != "mark"}
    return Cutting(own=ids["own"], ids=ids, pictures=seen)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def jobs(cutting: Cutting, asking: Asking) -> dict[str, Job]:
    """All at once, and their ends."""
    asked = [asking.queued(cutting.own, preset="hls", edits=edits(cutting)) for edits, _ in CASES.values()]
    return dict(zip(CASES, await asking.ended(cutting.own, await asyncio.gather(*asked)), strict=True))


@pytest.mark.parametrize("case", CASES)
async def test_an_edited_video_plays_as_asked(
    case: str, cutting: Cutting, jobs: dict[str, Job], asking: Asking, anyone: Anyone, tmp_path: Path
) -> None:
    job = jobs[case]
    assert (job["state"], job["error"]) == ("succeeded", None)
    outputs = (await asking.outputs(cutting.own, [job]))[job["id"]]
    stream = await asyncio.to_thread(anyone.stream, outputs["master.m3u8"]["url"], tmp_path)
    parts = CASES[case][1](cutting)
    frames = sum(len(part.pictures) for part in parts)
    [(variant, track)] = stream.rungs
    height, width, _ = parts[-1].pictures[0].shape
    assert (held(track.path).codecs, held(track.path).size) == (("h264",), (width, height))
    assert (variant.width, variant.height) == (width, height)
    for told in (track.duration, outputs["master.m3u8"]["duration"]):
        assert abs(told - frames / RATE) <= 1 / RATE
    shown = await asyncio.to_thread(timed, track.path)
    assert [time for time, _ in shown] == [DELAY + Fraction(place) / RATE for place in range(frames)]
    pictures_are_right([picture for _, picture in shown], parts)
    if stream.audio is None:
        assert not any(part.sound for part in parts)
    else:
        sound_is_right(stream.audio.path, parts)


def pictures_are_right(shown: list[NDArray[Any]], parts: list[Part]) -> None:
    expected = [(each, part.marked) for part in parts for each in part.pictures]
    assert len(shown) == len(expected)
    worst = 1.0
    for picture, (own, marked) in zip(shown, expected, strict=True):
        assert_mark(picture, there=marked)
        mine, theirs = picture.mean(axis=2), own.mean(axis=2)
        if marked:
            mine[NEAR] = theirs[NEAR] = 0
        worst = min(worst, similarity(mine, theirs))
    assert worst >= ALIKE


def assert_mark(picture: NDArray[Any], *, there: bool) -> None:
    """All red, or nothing of it."""
    red, green, blue = (picture[MARK][2:-2, 2:-2, colour].astype(int) for colour in range(3))
    if there:
        assert red.min() > 200
        assert max(green.max(), blue.max()) < 60
    elif red.size:
        assert np.abs(red - green).mean() < 8


def sound_is_right(path: Path, parts: list[Part]) -> None:
    """It lasts as long as the pictures; with each flash of a part that has sound comes a beep, and none but those."""
    start, rate, wave = samples(path)
    frames = sum(len(part.pictures) for part in parts)
    assert abs(float(start - DELAY) + len(wave) / rate - frames / RATE) <= 1 / RATE
    flashes, place = [], 0
    for part in parts:
        # Away from the black beside an intro.
        flashing = [number for number, each in enumerate(part.pictures) if is_flash(each[:, 60:-60].mean(axis=2))]
        flashes += [float(DELAY + Fraction(place + number) / RATE) for number in flashing if part.sound]
        place += len(part.pictures)
    # The very first beep gives way, in part, to the decoder's priming.
    flashes, heard = ([time for time in times if time > DELAY + Fraction(1, 10)] for times in (flashes, beeps(path)))
    assert flashes
    assert len(flashes) == len(heard), (flashes, heard)
    apart = [abs(flash - beep) for flash, beep in zip(flashes, heard, strict=True)]
    assert max(apart) <= TOGETHER, (flashes, heard)


def colours(path: Path) -> list[NDArray[Any]]:
    return [picture for _, picture in timed(path)]


def timed(path: Path) -> list[tuple[Fraction, NDArray[Any]]]:
    with av.open(path) as container:
        frames = list(container.decode(video=0))
    return [((each.pts or 0) * (each.time_base or Fraction(0)), each.to_ndarray(format="rgb24")) for each in frames]
