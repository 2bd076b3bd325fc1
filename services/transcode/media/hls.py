"""HLS playlists over CMAF segments (RFC 8216)."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

from services.transcode.media.text_tracks import TextTrack
from services.transcode.media.tracks import Track

# Fragmented MP4 with EXT-X-MAP outside I-frame playlists asks for 6; 7 is what its tools expect with CMAF.
_VERSION = 7
_AUDIO_GROUP = "audio"
_TEXT_GROUP = "subtitles"
# Of subtitles that also tell what is heard beside the words (RFC 8216, section 4.3.4.1).
_FOR_THE_DEAF = "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound"


def media_playlist(track: Track, *, ended: bool, target_seconds: int = 4) -> str:
    """EVENT while segments still land, VOD when `ended`. `target_seconds` must not change while it grows."""
    # Nearly all last equally long.
    seconds = {ticks: Fraction(ticks, track.timescale) for ticks in {segment.ticks for segment in track.playable}}
    extinf = {ticks: f"#EXTINF:{float(each):.6f}," for ticks, each in seconds.items()}
    longest = max(map(round, seconds.values()), default=0)
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
        lines += [extinf[segment.ticks], segment.uri]
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def text_playlist(track: TextTrack) -> str:
    """One segment: subtitles are small, and their target duration may differ from that of the variants (6.2.4)."""
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{_VERSION}",
        f"#EXT-X-TARGETDURATION:{max(1, ceil(track.duration))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        *[f"#EXTINF:{float(track.duration):.6f},", track.file_uri],
        "#EXT-X-ENDLIST",
    ]
    return "\n".join(lines) + "\n"


def master_playlist(video: Sequence[Track], audio: Track | None, texts: Sequence[TextTrack] = ()) -> str:
    """The variants, best first as given, each with the audio beside it; audio alone is its own variant."""
    lines = ["#EXTM3U", f"#EXT-X-VERSION:{_VERSION}", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if audio and video:
        lines.append(_audio_rendition(audio))
    lines += [_text_rendition(each) for each in texts]
    for track in video:
        lines += [f"#EXT-X-STREAM-INF:{_variant(track, audio)}{_with(texts)}", track.uri]
    if audio and not video:
        lines += [f"#EXT-X-STREAM-INF:{_variant(audio, None)}", audio.uri]
    return "\n".join(lines) + "\n"


def _audio_rendition(audio: Track) -> str:
    return (
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{_AUDIO_GROUP}",NAME="{audio.name}",DEFAULT=YES,AUTOSELECT=YES,'
        f'CHANNELS="{audio.channels}",URI="{audio.uri}"'
    )


def _text_rendition(text: TextTrack) -> str:
    offer = text.offer
    attributes = [f'TYPE=SUBTITLES,GROUP-ID="{_TEXT_GROUP}",NAME="{offer.label}"']
    if offer.language:
        attributes.append(f'LANGUAGE="{offer.language}"')
    # A player may take it by itself where its language is the viewer's, and must be able to where it is the default.
    attributes.append(f"DEFAULT={_yes(offer.default)},AUTOSELECT={_yes(offer.default or bool(offer.language))}")
    attributes.append(f"FORCED={_yes(offer.forced)}")
    if offer.hearing_impaired:
        attributes.append(f'CHARACTERISTICS="{_FOR_THE_DEAF}"')
    return f'#EXT-X-MEDIA:{",".join(attributes)},URI="{text.uri}"'


def _with(texts: Sequence[TextTrack]) -> str:
    return f',SUBTITLES="{_TEXT_GROUP}"' if texts else ""


def _yes(value: bool) -> str:
    return "YES" if value else "NO"


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
