"""HLS playlists over CMAF segments (RFC 8216)."""

from collections.abc import Sequence

from services.transcode.media.tracks import Track

# Fragmented MP4 with EXT-X-MAP outside I-frame playlists asks for 6; 7 is what its tools expect with CMAF.
_VERSION = 7
_AUDIO_GROUP = "audio"


def media_playlist(track: Track, *, ended: bool, target_seconds: int = 4) -> str:
    """EVENT while segments still land, VOD when `ended`. `target_seconds` must not change while it grows."""
    longest = max((round(track.seconds(segment)) for segment in track.playable), default=0)
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{max(1, target_seconds, longest)}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if ended else 'EVENT'}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{track.init_uri}"',
    ]
    for segment in track.playable:
        lines += [f"#EXTINF:{float(track.seconds(segment)):.6f},", segment.uri]
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def master_playlist(video: Sequence[Track], audio: Track | None) -> str:
    """The variants, best first as given, each with the audio beside it; audio alone is its own variant."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if audio and video:
        lines.append(_audio_rendition(audio))
    for track in video:
        lines += [f"#EXT-X-STREAM-INF:{_variant(track, audio)}", track.uri]
    if audio and not video:
        lines += [f"#EXT-X-STREAM-INF:{_variant(audio, None)}", audio.uri]
    return "\n".join(lines) + "\n"


def _audio_rendition(audio: Track) -> str:
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{_AUDIO_GROUP}",NAME="{audio.name}",DEFAULT=YES,AUTOSELECT=YES,'
        f'CHANNELS="{audio.channels}",URI="{audio.uri}"'
    )


def _variant(track: Track, audio: Track | None) -> str:
    together = [track, audio] if audio else [track]
    attributes = [
        f"BANDWIDTH={sum(each.peak_bandwidth for each in together)}",
        f"AVERAGE-BANDWIDTH={sum(each.average_bandwidth for each in together)}",
        f'CODECS="{",".join(each.codecs for each in together)}"',
    ]
    if track.kind == "video":
        attributes += [f"RESOLUTION={track.width}x{track.height}", f"FRAME-RATE={float(track.frame_rate):.3f}"]
    if audio:
        attributes.append(f'AUDIO="{_AUDIO_GROUP}"')
    return ",".join(attributes)
