"""Subtitles beside a stream: what they are called, what they say and when, and how playlists name them."""

from dataclasses import replace
from fractions import Fraction
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transcode.media.dash import manifest
from services.transcode.media.edits import NO_EDITS, Edits, Materials, Trim
from services.transcode.media.facts import SourceFacts, SubtitleFacts
from services.transcode.media.hls import master_playlist, text_playlist
from services.transcode.media.plan import Plan, plan
from services.transcode.media.text_tracks import Offer, TextTrack, offers, tag
from services.transcode.media.webvtt import Cue, cue_text, webvtt
from tests.unit.transcode_media.builders import HLS, SHIPPED, a_source, a_track, a_video, an_audio_track

NS = {"d": "urn:mpeg:dash:schema:mpd:2011"}
ENGLISH = SubtitleFacts(stream=2, codec="srt", language="eng", kept="0" * 16)


def text(**changes: object) -> TextTrack:
    offer = Offer(
        name="subtitles-en", label="English", language="en", default=False, forced=False, hearing_impaired=False
    )
    return TextTrack(
        offer=replace(offer, **changes),  # type: ignore[arg-type]  # whatever field a test names
        file_uri="files/1-1/subtitles-en.vtt",
        duration=Fraction(25, 2),
        size=1000,
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("eng", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("pt-br", "pt-BR"),
        ("zh_hans", "zh-Hans"),
        ("fil", "fil"),
        ("iw", "he"),
        ("und", ""),
        ("", ""),
        ("English", ""),
        ("xx", ""),
        ('e"n', ""),
    ],
)
def test_languages_are_told_by_their_shortest_tag(said: str, told: str) -> None:
    assert tag(said) == told


@given(st.text(max_size=35))
def test_no_language_is_more_than_a_tag(said: str) -> None:
    assert all(each.isascii() and (each.isalnum() or each == "-") for each in tag(said))


def test_each_has_a_name_and_a_label_of_its_own() -> None:
    found = [
        ENGLISH,
        replace(ENGLISH, hearing_impaired=True),
        replace(ENGLISH, title="English"),
        replace(ENGLISH, language="ger", title='"Für\r\nKinder"\ufffe', default=True),
        replace(ENGLISH, language="", default=True),
    ]
    told = [(each.name, each.label, each.language, each.default) for each in offers(found)]
    assert told == [
        ("subtitles-en", "English", "en", False),
        ("subtitles-en-2", "English 2", "en", False),
        ("subtitles-en-3", "English 3", "en", False),
        ("subtitles-de", "FürKinder", "de", True),
        ("subtitles-und", "Subtitles", "", False),
    ]


def test_forced_ones_are_no_default() -> None:
    (offer,) = offers([replace(ENGLISH, forced=True, default=True)])
    assert (offer.forced, offer.default) == (True, False)


def planned(edits: Edits = NO_EDITS) -> Plan:
    video = a_video(start=Fraction(3, 2), sync_start=Fraction(3, 2))
    source = a_source(video=video, subtitles=(ENGLISH,))
    return plan(source, replace(HLS, edits=edits), Materials(intro=a_source() if edits.intro_asset_id else None))


def test_cues_are_of_the_time_that_the_stream_shows() -> None:
    (subtitle,) = planned().subtitles
    assert (subtitle.name, subtitle.kept) == ("subtitles-en.vtt", ENGLISH.kept)
    assert [subtitle.origin, subtitle.duration, subtitle.length] == [1.5, 20, 20]
    assert subtitle.delay == Fraction(2, 30)


def test_they_follow_the_pictures_through_edits() -> None:
    (subtitle,) = planned(Edits(trim=Trim(start=Fraction(5), end=Fraction(9)), intro_asset_id="x")).subtitles
    assert [subtitle.origin, subtitle.duration] == [6.5, 4]
    assert [subtitle.before, subtitle.after, subtitle.length] == [20, 0, 24]


@pytest.mark.parametrize("name", ["mp4-720p", "webm-vp9", "audio", "poster"])
def test_only_a_stream_of_pictures_has_them(name: str) -> None:
    assert plan(a_source(subtitles=(ENGLISH,)), SHIPPED[name]).subtitles == ()


def test_facts_and_plans_survive_storage() -> None:
    source = a_source(subtitles=(ENGLISH, replace(ENGLISH, forced=True)))
    assert SourceFacts.from_json(source.to_json()) == source
    made = plan(source, HLS)
    assert Plan.from_json(made.to_json()) == made


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (r"Hello {\i1}you{\i0}!", "Hello <i>you</i>!"),
        (r"{\b1}{\i1}a{\r}b", "<b><i>a</i></b>b"),
        (r"{\b700\u1}a\Nb", "<b><u>a</u></b>\n<b><u>b</u></b>"),
        (r"{\pos(1,2)\bord2\iclip(0,0,1,1)\fad(1,2)}a", "a"),
        (r"a{\p1}m 0 0 l 10 10{\p0}b", "ab"),
        (r"{\p1}m 0 0 l 10 10", ""),
        (r"{a comment}a\hb", "a\N{NO-BREAK SPACE}b"),
        ("a\r\n\r\n \n b", "a\nb"),
        (r"\N\N", ""),
        ("<script>alert(1)</script> & -->", "&lt;script&gt;alert(1)&lt;/script&gt; &amp; --&gt;"),
        (r"\{a\} {", "{a} {"),
        ("a\x00\x1b\x07b", "ab"),
    ],
)
def test_a_script_becomes_text(said: str, shown: str) -> None:
    assert cue_text(said, script=True) == (shown, False)


def test_braces_in_what_was_no_script_are_text() -> None:
    assert cue_text(r"{\an8}{laughs}{}", script=False) == ("{laughs}", True)


@given(st.text(alphabet=r"ab{}\Nipr01<>&-" + "\n\r", max_size=60), st.booleans())
def test_nothing_in_a_cue_ends_it_or_opens_a_tag(said: str, script: bool) -> None:
    shown, _ = cue_text(said, script=script)
    assert "-->" not in shown
    assert all(line.strip() for line in shown.split("\n")) or not shown
    plain = shown
    for name in "biu":
        assert plain.count(f"<{name}>") == plain.count(f"</{name}>")
        plain = plain.replace(f"<{name}>", "").replace(f"</{name}>", "")
    assert not {"<", ">"} & set(plain)


def test_a_cue_of_a_bomb_is_short() -> None:
    shown, _ = cue_text("{" * 4_000_000, script=True)
    assert len(shown) == 5000


def test_cues_are_written_in_order_and_once() -> None:
    late = Cue(start=Fraction(3661), end=Fraction(3662), text="late")
    early = Cue(start=Fraction(1, 3), end=Fraction(2), text="early", top=True)
    written = webvtt([late, early, late], delay=Fraction(2, 30))
    assert written == (
        "WEBVTT\n"
        "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:6000\n"
        "\n"
        "00:00:00.333 --> 00:00:02.000 line:0\nearly\n"
        "\n"
        "01:01:01.000 --> 01:01:02.000\nlate\n"
    )


def test_no_cue_is_still_a_file() -> None:
    assert webvtt([], delay=Fraction(0)) == "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n"


def test_every_variant_offers_the_subtitles() -> None:
    spoken = text(default=True)
    forced = text(name="subtitles-de", label="Deutsch", language="de", forced=True)
    deaf = text(name="subtitles-und", label="Subtitles", language="", hearing_impaired=True)
    lines = master_playlist([a_track(), a_track("v360")], an_audio_track(), [spoken, forced, deaf]).splitlines()
    assert lines[4:7] == [
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,'
        'FORCED=NO,URI="subtitles-en.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,'
        'FORCED=YES,URI="subtitles-de.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="Subtitles",DEFAULT=NO,AUTOSELECT=NO,FORCED=NO,'
        'CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,'
        'public.accessibility.describes-music-and-sound",URI="subtitles-und.m3u8"',
    ]
    variants = [line for line in lines if line.startswith("#EXT-X-STREAM-INF:")]
    assert len(variants) == 2
    assert all(line.endswith('AUDIO="audio",SUBTITLES="subtitles"') for line in variants)


def test_their_playlist_is_one_segment() -> None:
    assert text_playlist(text()) == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:7\n"
        "#EXT-X-TARGETDURATION:13\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXTINF:12.500000,\n"
        "files/1-1/subtitles-en.vtt\n"
        "#EXT-X-ENDLIST\n"
    )


def test_the_manifest_has_a_set_for_each() -> None:
    texts = [text(default=True), text(name="subtitles-und", label="<&>", language="", hearing_impaired=True)]
    *_, spoken, deaf = fromstring(manifest([a_track()], None, texts)).findall("d:Period/d:AdaptationSet", NS)
    assert spoken.attrib == {"contentType": "text", "mimeType": "text/vtt", "lang": "en"}
    assert [role.get("value") for role in spoken.findall("d:Role", NS)] == ["subtitle", "main"]
    assert spoken.findtext("d:Representation/d:BaseURL", namespaces=NS) == "files/1-1/subtitles-en.vtt"
    (representation,) = spoken.findall("d:Representation", NS)
    assert representation.attrib == {"id": "subtitles-en", "bandwidth": "640"}
    assert (deaf.get("lang"), deaf.findtext("d:Label", namespaces=NS)) == (None, "<&>")
    assert [role.get("value") for role in deaf.findall("d:Role", NS)] == ["caption"]
