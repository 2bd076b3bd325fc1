"""Subtitles over the whole mesh: a player that chooses them reads each with the pictures that it belongs to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import httpx2

from local.demo_player import attributes, meaningful, play
from tests.clips import pictures
from tests.clips.captions import cues_of, srt, subtitled
from tests.e2e.journey import sent

if TYPE_CHECKING:
    from pathlib import Path

    from reelmesh_client import Client

    from tests.clips import Clips
    from tests.clips.captions import Said
    from tests.e2e.asking import Asking

RATE = 30
ENGLISH: list[Said] = [(0.5, 1.25, "One"), (1.4, 2.8, "Two <i>lines</i>\nof text"), (3.1, 4.6, "Three")]
GERMAN: list[Said] = [(0.5, 4.6, "Grüß Gott")]


@dataclass(frozen=True)
class Choice:
    """What a player offers, as the master playlist has it, and what it shows then: `cues` in the time of pictures."""

    offered: dict[str, str]
    cues: list[Said]


def choices(url: str) -> list[Choice]:
    with httpx2.Client(follow_redirects=True, timeout=30, trust_env=False) as player:
        lines = list(meaningful(player.get(url).text))
        offered = [attributes(line) for line in lines if "TYPE=SUBTITLES" in line]
        groups = {attributes(line).get("SUBTITLES") for line in lines if line.startswith("#EXT-X-STREAM-INF:")}
        assert groups == {each["GROUP-ID"] for each in offered} == {"subtitles"}
        return [Choice(each, _read(player, urljoin(url, each["URI"]))) for each in offered]


def _read(player: httpx2.Client, url: str) -> list[Said]:
    lines = list(meaningful(player.get(url).text))
    assert "#EXT-X-ENDLIST" in lines
    [uri] = [line for line in lines if not line.startswith("#")]
    answer = player.get(urljoin(url, uri), headers={"Origin": "https://player.example"})
    assert answer.headers["content-type"].partition(";")[0] == "text/vtt"
    assert answer.headers["access-control-allow-origin"] == "*"
    delay, cues = cues_of(answer.text)
    return [(start + delay, end + delay, text) for start, end, text in cues]


async def test_subtitles_come_with_their_pictures(asking: Asking, client: Client, clips: Clips, tmp_path: Path) -> None:
    said = ["-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=ger"]
    said += ["-disposition:s:0", "0", "-disposition:s:1", "default"]
    film = clips.barcoded("spoken.mp4", frames=150)
    texts = [srt(*each).encode() for each in (ENGLISH, GERMAN)]
    asset = await sent(client, subtitled(clips, "spoken.mkv", film, *texts, told=said))
    assert asset.state == "ready", asset.error
    trimmed = await asking.queued(asset.id, edits={"trim": {"start": 1, "end": 4}})
    jobs = await asking.ended(asset.id, [await asking.own_job(asset.id), trimmed])
    whole, cut = (await asking.outputs(asset.id, jobs)).values()
    await _is_in_time(whole["master.m3u8"]["url"], tmp_path, ENGLISH, GERMAN)
    file = await asking.http.get(whole["subtitles-en.vtt"]["url"])
    assert (whole["subtitles-en.vtt"]["kind"], "Three" in file.text) == ("file", True)
    english = [(max(start, 1.0), min(end, 4.0), text) for start, end, text in ENGLISH]
    await _is_in_time(cut["master.m3u8"]["url"], tmp_path, english, [(1.0, 4.0, "Grüß Gott")])


async def _is_in_time(url: str, folder: Path, *texts: list[Said]) -> None:
    """Each cue is shown with the very pictures with which the source shows it."""
    shown = pictures((await asyncio.to_thread(play, url, folder)).video)
    numbers = {picture.number: float(picture.time) for picture in shown}
    numbers[shown[-1].number + 1] = float(shown[-1].time) + 1 / RATE
    english, german = await asyncio.to_thread(choices, url)
    assert (english.offered["LANGUAGE"], english.offered["DEFAULT"]) == ("en", "NO")
    assert (german.offered["LANGUAGE"], german.offered["DEFAULT"], german.offered["NAME"]) == ("de", "YES", "Deutsch")
    for choice, expected in zip((english, german), texts, strict=True):
        assert [cue[2] for cue in choice.cues] == [cue[2] for cue in expected]
        for cue, source in zip(choice.cues, expected, strict=True):
            for mine, theirs in zip(cue[:2], source[:2], strict=True):
                assert abs(mine - numbers[round(theirs * RATE)]) <= 1 / RATE, (cue, source)
