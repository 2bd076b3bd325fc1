"""What jobs made, fetched from where everybody can, without a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from local.demo_player import TIMEOUT, Variant, got, joined, media_playlist, text, variants

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """In one file; `duration` is what its playlist claims, in seconds."""

    path: Path
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """All tracks that there are; of sound alone `rungs` is empty."""

    rungs: list[tuple[Variant, Track]]
    audio: Track | None


class Anyone:
    """Has addresses, and nothing else."""

    def __init__(self) -> None:
        self._http = httpx2.Client(follow_redirects=True, timeout=TIMEOUT, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def stream(self, url: str, folder: Path) -> Stream:
        """Raises StreamError."""
        offered = variants(*text(self._http, url))
        rungs = [(each, self._track(each.url, folder / f"rung{at}.mp4")) for at, each in enumerate(offered)]
        if not offered[0].width:
            [(_, alone)] = rungs
            return Stream(rungs=[], audio=alone)
        [sound] = {each.audio_url for each in offered}
        return Stream(rungs=rungs, audio=self._track(sound, folder / "audio.mp4") if sound else None)

    def text(self, url: str) -> str:
        return text(self._http, url)[0]

    def file(self, url: str, path: Path) -> Path:
        with got(self._http, url) as answer:
            path.write_bytes(answer.read())
        return path

    def _track(self, url: str, path: Path) -> Track:
        playlist = media_playlist(*text(self._http, url))
        return Track(path=joined(self._http, playlist, path), duration=playlist.duration)
