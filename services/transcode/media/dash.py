"""A DASH manifest over the same CMAF segments (ISO/IEC 23009-1)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from posixpath import dirname, join
from xml.etree.ElementTree import Element, SubElement, indent, tostring
from xml.sax.saxutils import escape

from services.transcode.media.text_tracks import TextTrack
from services.transcode.media.tracks import Segment, Track

_PROFILE = "urn:mpeg:dash:profile:isoff-main:2011"
_CHANNELS = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"
_ROLES = "urn:mpeg:dash:role:2011"
_SEGMENT_SECONDS = 4
_DEPTH = 10 * " "
"""Before each SegmentURL."""


def manifest(
    video: Sequence[Track],
    audio: Track | None,
    texts: Sequence[TextTrack] = (),
    *,
    growing_since: datetime | None = None,
) -> str:
    """Static when everything is there; dynamic, on a clock that began at `growing_since`, while segments still land.

    A segment's URI is resolved against its track's `uri`, as its HLS media playlist would.
    """
    tracks = [*video, audio] if audio else list(video)
    mpd = Element("MPD", _presentation(tracks, growing_since))
    period = SubElement(mpd, "Period", id="0", start="PT0S")
    # Players switch within a set: one for each codec.
    for (kind, _), group in groupby(tracks, key=lambda track: (track.kind, track.codecs.partition(".")[0])):
        members = list(group)
        shared = {"contentType": kind, "mimeType": f"{kind}/mp4", "segmentAlignment": "true", "startWithSAP": "1"}
        adaptation = SubElement(period, "AdaptationSet", shared)
        for track in members:
            _representation(adaptation, track)
    for text in texts:
        _text(period, text)
    indent(mpd)
    written = tostring(mpd, encoding="unicode")
    for track in tracks:
        written = written.replace(_tag(track.name), f"\n{_DEPTH}".join(map(_tag, _media(track))))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{written}\n'


def _presentation(tracks: Sequence[Track], growing_since: datetime | None) -> dict[str, str]:
    attributes = {
        "xmlns": "urn:mpeg:dash:schema:mpd:2011",
        "profiles": _PROFILE,
        "minBufferTime": f"PT{_SEGMENT_SECONDS}S",
    }
    if growing_since is None:
        longest = max((track.duration for track in tracks), default=0)
        return {**attributes, "type": "static", "mediaPresentationDuration": f"PT{float(longest):.3f}S"}
    return {
        **attributes,
        "type": "dynamic",
        "availabilityStartTime": growing_since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "minimumUpdatePeriod": f"PT{_SEGMENT_SECONDS}S",
    }


def _representation(adaptation: Element, track: Track) -> None:
    attributes = {"id": track.name, "codecs": track.codecs, "bandwidth": str(track.peak_bandwidth)}
    if track.kind == "video":
        rate = track.frame_rate
        attributes |= {"width": str(track.width), "height": str(track.height), "sar": "1:1"}
        attributes |= {"frameRate": f"{rate.numerator}/{rate.denominator}"}
    else:
        attributes["audioSamplingRate"] = str(track.sample_rate)
    representation = SubElement(adaptation, "Representation", attributes)
    if track.kind == "audio":
        SubElement(
            representation, "AudioChannelConfiguration", {"schemeIdUri": _CHANNELS, "value": str(track.channels)}
        )
    _segments(representation, track)


def _text(period: Element, text: TextTrack) -> None:
    """One file: its cues are timed by the period."""
    offer = text.offer
    named = {"lang": offer.language} if offer.language else {}
    adaptation = SubElement(period, "AdaptationSet", {"contentType": "text", "mimeType": "text/vtt", **named})
    SubElement(adaptation, "Label").text = offer.label
    role = "forced-subtitle" if offer.forced else "caption" if offer.hearing_impaired else "subtitle"
    for each in [role, *(["main"] if offer.default else [])]:
        SubElement(adaptation, "Role", schemeIdUri=_ROLES, value=each)
    representation = SubElement(adaptation, "Representation", id=offer.name, bandwidth=str(text.bandwidth))
    SubElement(representation, "BaseURL").text = text.file_uri


def _segments(representation: Element, track: Track) -> None:
    folder = dirname(track.uri)
    # The first picture's time is the period's beginning, not its zero.
    begins = str(track.playable[0].start) if track.playable else "0"
    listed = SubElement(representation, "SegmentList", timescale=str(track.timescale), presentationTimeOffset=begins)
    SubElement(listed, "Initialization", sourceURL=join(folder, track.init_uri))
    timeline = SubElement(listed, "SegmentTimeline")
    for ticks, group in groupby(track.playable, key=lambda segment: segment.ticks):
        _run(timeline, ticks, list(group))
    if track.playable:
        # Stands for all of them: of a long video there are tens of thousands, and elements are slow.
        SubElement(listed, "SegmentURL", {"media": track.name})


def _media(track: Track) -> list[str]:
    """Where its segments are, escaped."""
    beneath = join(dirname(track.uri), "")
    return escape("\n".join(beneath + segment.uri for segment in track.playable), {'"': "&quot;"}).split("\n")


def _tag(media: str) -> str:
    return f'<SegmentURL media="{media}" />'


def _run(timeline: Element, ticks: int, segments: list[Segment]) -> None:
    """Equal durations in a row are one S element; @r counts the repeats after the first."""
    run = {"t": str(segments[0].start), "d": str(ticks)}
    if len(segments) > 1:
        run["r"] = str(len(segments) - 1)
    SubElement(timeline, "S", run)
