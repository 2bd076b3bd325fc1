"""Playlists as a player reads them."""

import pytest

from local.demo_player import StreamError, Variant, best, media_playlist, variants

AT = "http://mesh/play/token/master.m3u8"
MASTER = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="a,b=c",DEFAULT=YES,CHANNELS="2",URI="audio/playlist.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=29.970,AUDIO="audio"
360p/playlist.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3000000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio"
http://cdn/720p.m3u8?x=1
"""
MEDIA = """#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI="init.mp4"
# a remark
#EXTINF:4.000000,
0/seg-1.m4s
#EXTINF:2.500000,
0/seg-2.m4s
#EXT-X-ENDLIST
"""


def test_the_master_offers_variants_with_their_sound() -> None:
    small, large = variants(MASTER, AT)

    assert small.url == "http://mesh/play/token/360p/playlist.m3u8"
    assert large == Variant(
        url="http://cdn/720p.m3u8?x=1",
        audio_url="http://mesh/play/token/audio/playlist.m3u8",
        bandwidth=3_000_000,
        width=1280,
        height=720,
        frame_rate=29.97,
    )
    assert best([small, large]) == large


def test_sound_alone_is_a_variant_of_its_own() -> None:
    master = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=128000,CODECS="mp4a.40.2"\naudio.m3u8\n'

    (only,) = variants(master, AT)

    assert (only.width, only.audio_url) == (0, "")


def test_the_segments_of_a_track() -> None:
    playlist = media_playlist(MEDIA, "http://mesh/play/token/720p/playlist.m3u8")

    assert playlist.init_url == "http://mesh/play/token/720p/init.mp4"
    assert [url.rpartition("720p/")[2] for url in playlist.segment_urls] == ["0/seg-1.m4s", "0/seg-2.m4s"]
    assert (playlist.duration, playlist.ended) == (6.5, True)
    assert not media_playlist(MEDIA.replace("#EXT-X-ENDLIST", ""), AT).ended


@pytest.mark.parametrize(
    ("playlist", "fault"),
    [("<html>", "no playlist"), ("", "no playlist"), ("#EXTM3U\n#EXT-X-ENDLIST\n", "no segments")],
)
def test_what_is_no_track(playlist: str, fault: str) -> None:
    with pytest.raises(StreamError, match=fault):
        media_playlist(playlist, AT)


def test_a_master_without_variants() -> None:
    with pytest.raises(StreamError, match="offers nothing"):
        best(variants("#EXTM3U\n", AT))
    with pytest.raises(StreamError, match="no address"):
        variants("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", AT)
