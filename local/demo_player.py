"""A small HLS player (RFC 8216): it reads a stream through its public address, as any player would."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx2

ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",]*)')
TIMEOUT = httpx2.Timeout(60.0, connect=10.0)


class StreamError(Exception):
    """What a player would stumble over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One of the qualities on offer. `audio_url` is empty where the sound is in the same track, or nowhere."""

    url: str
    audio_url: str
    bandwidth: int
    width: int
    height: int
    frame_rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPlaylist:
    """`duration` is the sum of what the segments claim, in seconds."""

    init_url: str
    segment_urls: tuple[str, ...]
    duration: float
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came over the wire, one file per track."""

    variant: Variant
    video: Path
    audio: Path | None
    segments: int
    size: int
    duration: float


def play(url: str, folder: Path) -> Played:
    """The best variant and its sound, whole. Raises StreamError."""
    with httpx2.Client(follow_redirects=True, timeout=TIMEOUT, trust_env=False) as http:
        master, at = text(http, url)
        variant = best(variants(master, at))
        tracks = {"video": variant.url} | ({"audio": variant.audio_url} if variant.audio_url else {})
        playlists = {name: media_playlist(*text(http, track)) for name, track in tracks.items()}
        files = {name: joined(http, playlist, folder / f"{name}.mp4") for name, playlist in playlists.items()}
    return Played(
        variant=variant,
        video=files["video"],
        audio=files.get("audio"),
        segments=sum(len(playlist.segment_urls) for playlist in playlists.values()),
        size=sum(file.stat().st_size for file in files.values()),
        duration=playlists["video"].duration,
    )


def variants(master: str, at: str) -> list[Variant]:
    """In the order of the playlist; addresses are relative to where it was found."""
    lines = list(meaningful(master))
    sounds: dict[str, str] = {}
    for line in lines:
        if line.startswith("#EXT-X-MEDIA:") and (sound := attributes(line)).get("TYPE") == "AUDIO" and "URI" in sound:
            sounds.setdefault(sound.get("GROUP-ID", ""), urljoin(at, sound["URI"]))
    found = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("#EXT-X-STREAM-INF:"):
            if following.startswith("#") or not following:
                raise StreamError("a variant has no address")
            found.append(variant_of(attributes(line), urljoin(at, following), sounds))
    return found


def variant_of(described: dict[str, str], url: str, sounds: dict[str, str]) -> Variant:
    width, _, height = described.get("RESOLUTION", "0x0").partition("x")
    return Variant(
        url=url,
        audio_url=sounds.get(described.get("AUDIO", "-"), ""),
        bandwidth=int(described.get("BANDWIDTH", 0)),
        width=int(width),
        height=int(height),
        frame_rate=float(described.get("FRAME-RATE", 0)),
    )


def best(offered: list[Variant]) -> Variant:
    if not offered:
        raise StreamError("the master playlist offers nothing")
    return max(offered, key=lambda variant: (variant.width * variant.height, variant.bandwidth))


def media_playlist(playlist: str, at: str) -> MediaPlaylist:
    init, segments, duration, ended = "", [], 0.0, False
    for line in meaningful(playlist):
        if line.startswith("#EXT-X-MAP:"):
            init = urljoin(at, attributes(line)["URI"])
        elif line.startswith("#EXTINF:"):
            duration += float(line.removeprefix("#EXTINF:").partition(",")[0])
        elif line == "#EXT-X-ENDLIST":
            ended = True
        elif not line.startswith("#"):
            segments.append(urljoin(at, line))
    if not init or not segments:
        raise StreamError(f"{at} has no segments")
    return MediaPlaylist(init_url=init, segment_urls=tuple(segments), duration=duration, ended=ended)


def meaningful(playlist: str) -> Iterator[str]:
    lines = [line.strip() for line in playlist.splitlines()]
    if not lines or lines[0] != "#EXTM3U":
        raise StreamError("it is no playlist")
    return (line for line in lines if line and (not line.startswith("#") or line.startswith("#EXT")))


def attributes(line: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in ATTRIBUTE.findall(line.partition(":")[2])}


def joined(http: httpx2.Client, playlist: MediaPlaylist, path: Path) -> Path:
    """The init segment and all others, one after the other."""
    if not playlist.ended:
        raise StreamError("the playlist has no end")
    with path.open("wb") as file:
        for url in (playlist.init_url, *playlist.segment_urls):
            with got(http, url) as answer:
                for block in answer.iter_bytes():
                    file.write(block)
    return path


def text(http: httpx2.Client, url: str) -> tuple[str, str]:
    """The text, and where it was found in the end."""
    with got(http, url) as answer:
        return answer.read().decode(), str(answer.url)


@contextmanager
def got(http: httpx2.Client, url: str) -> Iterator[httpx2.Response]:
    try:
        with http.stream("GET", url) as answer:
            if not answer.is_success:
                raise StreamError(f"{answer.status_code} {answer.reason_phrase} from {url}")
            yield answer
    except httpx2.HTTPError as error:
        raise StreamError(f"{type(error).__name__} from {url}: {error}") from error
