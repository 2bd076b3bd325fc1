"""HLS and DASH say what is there, and nothing that is not there yet."""

from dataclasses import replace
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, fromstring

from hypothesis import given, settings
from hypothesis import strategies as st

from services.transcode.media.dash import manifest
from services.transcode.media.hls import master_playlist, media_playlist
from services.transcode.media.tracks import Segment, contiguous
from tests.unit.transcode_media.builders import a_track, an_audio_track

NS = {"d": "urn:mpeg:dash:schema:mpd:2011"}


def test_a_whole_track() -> None:
    assert media_playlist(a_track(), ended=True) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:4\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MAP:URI="init.mp4"\n'
        "#EXTINF:4.000000,\n0.m4s\n"
        "#EXTINF:4.000000,\n1.m4s\n"
        "#EXTINF:4.000000,\n2.m4s\n"
        "#EXT-X-ENDLIST\n"
    )


def test_while_chunks_land_only_what_can_be_played_through_is_listed() -> None:
    track = a_track()
    growing = media_playlist(replace(track, segments=(track.segments[2], track.segments[0])), ended=False)
    assert "EVENT" in growing
    assert "ENDLIST" not in growing
    assert [line for line in growing.splitlines() if line.endswith(".m4s")] == ["0.m4s"]


@settings(deadline=None)
@given(st.sets(st.integers(0, 12)))
def test_the_contiguous_part_never_has_a_gap(numbers: set[int]) -> None:
    segments = [Segment(number=n, uri=str(n), start=n, ticks=1, size=1) for n in numbers]
    listed = [segment.number for segment in contiguous(segments)]
    assert listed == list(range(len(listed)))
    assert len(listed) not in numbers


def test_bandwidth_is_measured() -> None:
    track = a_track(sizes=(1000, 3000, 500))
    assert (track.peak_bandwidth, track.average_bandwidth) == (6000, 3000)


def test_a_last_segment_of_one_frame_counts_with_its_neighbour() -> None:
    track = a_track()
    crumb = Segment(number=3, uri="3.m4s", start=12000, ticks=33, size=5000)
    assert replace(track, segments=(*track.segments, crumb)).peak_bandwidth == 12_894


def test_the_master_lists_variants_with_their_sound() -> None:
    low = a_track("v360", width=640, height=360, sizes=(100, 200, 100))
    assert master_playlist([a_track(), low], an_audio_track()) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,'
        'CHANNELS="2",URI="audio/index.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=5000,AVERAGE-BANDWIDTH=4000,CODECS="avc1.64001f,mp4a.40.2",'
        'RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio"\n'
        "v720/index.m3u8\n"
        '#EXT-X-STREAM-INF:BANDWIDTH=1400,AVERAGE-BANDWIDTH=1267,CODECS="avc1.64001f,mp4a.40.2",'
        'RESOLUTION=640x360,FRAME-RATE=29.970,AUDIO="audio"\n'
        "v360/index.m3u8\n"
    )


def test_sound_alone_is_its_own_variant() -> None:
    text = master_playlist([], an_audio_track())
    assert "EXT-X-MEDIA:" not in text
    assert '#EXT-X-STREAM-INF:BANDWIDTH=1000,AVERAGE-BANDWIDTH=1000,CODECS="mp4a.40.2"\naudio/index.m3u8\n' in text


def test_pictures_alone_name_no_sound() -> None:
    assert "AUDIO" not in master_playlist([a_track()], None)


def mpd(text: str) -> Element:
    return fromstring(text)


def test_the_manifest_lists_the_same_segments() -> None:
    root = mpd(manifest([a_track(), a_track("v360")], an_audio_track()))
    assert (root.get("type"), root.get("mediaPresentationDuration")) == ("static", "PT12.000S")
    video, audio = root.findall("d:Period/d:AdaptationSet", NS)
    assert [each.get("contentType") for each in (video, audio)] == ["video", "audio"]
    first = video.findall("d:Representation", NS)[0]
    assert (first.get("codecs"), first.get("frameRate"), first.get("width")) == ("avc1.64001f", "30000/1001", "1280")
    assert [url.get("media") for url in first.iterfind("d:SegmentList/d:SegmentURL", NS)] == [
        f"v720/{number}.m4s" for number in range(3)
    ]
    (run,) = first.findall("d:SegmentList/d:SegmentTimeline/d:S", NS)
    assert run.attrib == {"t": "0", "d": "4000", "r": "2"}


def test_players_switch_among_the_sizes_of_one_codec() -> None:
    video = [a_track("v720-av1", codecs="av01.0.05M.08"), a_track("v360-av1", codecs="av01.0.01M.08"), a_track("v720")]
    root = mpd(manifest(video, None))
    sets = root.findall("d:Period/d:AdaptationSet", NS)
    assert [[each.get("id") for each in one.findall("d:Representation", NS)] for one in sets] == [
        ["v720-av1", "v360-av1"],
        ["v720"],
    ]


def test_a_growing_manifest_is_dynamic() -> None:
    root = mpd(manifest([a_track()], None, growing_since=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    assert (root.get("type"), root.get("availabilityStartTime")) == ("dynamic", "2026-01-02T03:04:05Z")
    assert root.get("mediaPresentationDuration") is None
