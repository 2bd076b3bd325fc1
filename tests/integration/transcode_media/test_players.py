"""A player that is given only the playlists finds every frame, in time with the sound."""

import asyncio
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import pytest

from services.transcode.media.boxes import Box, find
from services.transcode.media.dash import manifest
from services.transcode.media.facts import SubtitleFacts
from services.transcode.media.hls import master_playlist, media_playlist, text_playlist
from services.transcode.media.plan import plan
from services.transcode.media.text_tracks import TextTrack, offers
from services.transcode.media.tracks import Segment, Track
from services.transcode.media.webvtt import Cue, webvtt
from services.transcode.worker.encode import EncodedTrack
from services.transcode.worker.ffmpeg import find_ffmpeg
from tests.clips import Clips, beeps, pictures
from tests.integration.transcode_media.stream import TINY, Kept, encoded, encoded_audio, facts_of

FRAMES = 150


async def published(
    source: Path, scratch: Path, folder: Path, texts: Sequence[TextTrack] = ()
) -> tuple[list[Track], Track]:
    """Everything a finished job leaves in its bucket, as files in `folder`."""
    planned = plan(await facts_of(source, scratch), TINY)
    kept = Kept()
    parts: dict[str, list[EncodedTrack]] = {}
    for chunk in planned.chunks:
        for part in await encoded(chunk, source, scratch, kept):
            parts.setdefault(part.name, []).append(part)
    assert planned.audio is not None
    sound = await encoded_audio(planned.audio, [source], scratch, kept)
    video = []
    for rung in planned.rungs:
        shape = {"width": rung.width, "height": rung.height, "frame_rate": rung.frame_rate}
        video.append(store(kept, parts[rung.name], folder, kind="video", **shape))
    audio = store(kept, [sound], folder, kind="audio", channels=2, sample_rate=48_000)
    (folder / "master.m3u8").write_text(master_playlist(video, audio, texts))
    (folder / "manifest.mpd").write_text(manifest(video, audio, texts))
    for each in texts:
        (folder / each.uri).write_text(text_playlist(each))
    return video, audio


def store(kept: Kept, parts: list[EncodedTrack], folder: Path, **about: object) -> Track:
    first = parts[0]
    home = folder / first.name
    home.mkdir(parents=True)
    (home / "init.mp4").write_bytes(first.init)
    segments = []
    for part in parts:
        for each in part.segments:
            (home / f"{each.number}.m4s").write_bytes(kept.bodies[part.name, each.number])
            segments.append(
                Segment(
                    number=each.number, uri=f"{each.number}.m4s", start=each.start, ticks=each.ticks, size=each.size
                )
            )
    track = Track(
        name=first.name,
        uri=f"{first.name}/index.m3u8",
        init_uri="init.mp4",
        timescale=first.timescale,
        codecs=first.codecs,
        segments=tuple(segments),
        **about,  # type: ignore[arg-type]
    )
    (home / "index.m3u8").write_text(media_playlist(track, ended=True, target_seconds=TINY.gop_seconds))
    return track


@pytest.mark.parametrize("entry", ["master.m3u8", "manifest.mpd"])
async def test_the_playlists_lead_to_every_frame_and_beep(
    entry: str, clips: Clips, scratch: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "bucket"
    video, audio = await published(clips.barcoded("a.mp4", frames=FRAMES), scratch, folder)
    assert len(video) == 2
    assert [len(track.playable) for track in (*video, audio)] == [5, 5, 5]
    copied = tmp_path / "played.mkv"
    # All variants at once: a player that drops one in the middle complains of the half it has read.
    command = [str(find_ffmpeg()), "-v", "error", "-i", str(folder / entry), "-map", "0", "-c", "copy", str(copied)]
    player = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, complaints = await player.communicate()
    assert (player.returncode, complaints) == (0, b"")
    shown = pictures(copied)
    assert [picture.number for picture in shown] == list(range(FRAMES))
    heard = beeps(copied)
    flashes = [float(picture.time) for picture in shown if picture.flash][1:]
    assert len(flashes) == 4
    assert all(min(abs(flash - beep) for beep in heard) <= 0.02 for flash in flashes)


@pytest.mark.parametrize("entry", ["master.m3u8", "manifest.mpd"])
async def test_subtitles_disturb_no_player(entry: str, clips: Clips, scratch: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bucket"
    (offer,) = offers([SubtitleFacts(stream=2, codec="srt", language="eng")])
    text = TextTrack(offer=offer, file_uri=offer.file, duration=Fraction(5), size=100)
    await published(clips.barcoded("a.mp4", frames=FRAMES), scratch, folder, [text])
    cue = Cue(start=Fraction(1), end=Fraction(2), text="One")
    (folder / offer.file).write_text(webvtt([cue], delay=Fraction(2, 30)))
    copied = tmp_path / "played.mkv"
    # By itself ffmpeg opens nothing in a manifest whose name ends in `.vtt`; it passes over X-TIMESTAMP-MAP.
    allowed = ["-allowed_extensions", "ALL"] if entry == "manifest.mpd" else []
    read = ["-i", str(folder / entry), "-map", "0", "-c", "copy", str(copied)]
    command = [str(find_ffmpeg()), "-v", "error", *allowed, *read]
    player = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, complaints = await player.communicate()
    assert (player.returncode, complaints) == (0, b"")
    assert [picture.number for picture in pictures(copied)] == list(range(FRAMES))
    with av.open(copied) as played:
        (said,) = (packet for packet in played.demux() if packet.stream.type == "subtitle" and packet.size)
    assert bytes(said) == b"One"
    assert said.pts == pytest.approx(1000, abs=70)


async def test_nothing_relies_on_an_edit_list(clips: Clips, scratch: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bucket"
    await published(clips.barcoded("a.mp4", frames=45), scratch, folder)
    for init in folder.glob("*/init.mp4"):
        data = init.read_bytes()
        assert find(data, Box("", 0, 0, len(data)), "moov/trak/edts") is None
