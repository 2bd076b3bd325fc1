"""Subtitles of real files: what a player reads is what the source says, when the source says it."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from services.transcode.media.dash import manifest
from services.transcode.media.edits import NO_EDITS, Edits, Materials, Trim
from services.transcode.media.errors import BadMedia
from services.transcode.media.facts import SourceFacts
from services.transcode.media.hls import master_playlist
from services.transcode.media.plan import plan
from services.transcode.media.subtitles import packets_of
from services.transcode.media.text_tracks import TextTrack, offers
from services.transcode.worker.programs import answer_of
from tests.clips import Clips
from tests.clips.captions import Said, ass, cues_of, srt, subtitled
from tests.integration.transcode_media.stream import LIMITS, TINY, facts_of
from tests.unit.transcode_media.builders import a_track

PLAIN: list[Said] = [(0.5, 1.25, "One"), (1.5, 2.75, "Two\nlines"), (3.1, 4.9, "ünï 三")]
FRAME = 1 / 30


def film(clips: Clips, name: str = "film.mp4", **changes: object) -> Path:
    return clips.barcoded(name, frames=150, **changes)  # type: ignore[arg-type]  # whatever a test asks for


async def told(
    source: Path, scratch: Path, edits: Edits = NO_EDITS, materials: Materials | None = None
) -> tuple[SourceFacts, dict[str, tuple[float, list[Said]]]]:
    """What the probe found, and what each file says, by its name."""
    facts = await facts_of(source, scratch)
    made = {}
    for found, wanted in zip(
        facts.subtitles,
        plan(facts, replace(TINY, edits=edits), materials or Materials()).subtitles,
        strict=True,
    ):
        spec = [json.dumps(wanted.to_json()), str(scratch)]
        packets = scratch / packets_of(found.stream)
        await answer_of("take_subtitles", spec, source=packets, scratch=scratch, limits=LIMITS)
        made[wanted.name] = cues_of((scratch / wanted.name).read_text())
    return facts, made


def same(cues: list[Said], expected: list[Said]) -> bool:
    """Within half a frame."""
    near = all(
        abs(mine - theirs) <= FRAME / 2
        for cue, other in zip(cues, expected, strict=True)
        for mine, theirs in zip(cue[:2], other[:2], strict=True)
    )
    return near and [cue[2] for cue in cues] == [cue[2] for cue in expected]


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "mov_text"), ("a.mov", "mov_text"), ("a.mkv", "srt"), ("b.mkv", "ass"), ("c.mkv", "webvtt")],
)
async def test_every_container_says_what_was_written(name: str, codec: str, clips: Clips, scratch: Path) -> None:
    source = subtitled(clips, name, film(clips), srt(*PLAIN).encode(), codec=codec)
    facts, made = await told(source, scratch)
    assert facts.video
    assert facts.video.frames == 150
    ((delay, cues),) = made.values()
    assert delay == pytest.approx(2 * FRAME, abs=1e-4)
    assert same(cues, PLAIN), cues


async def test_webm_carries_webvtt(clips: Clips, scratch: Path) -> None:
    pictures = film(clips, "film.webm", video=("-c:v", "libvpx", "-b:v", "200k", "-deadline", "realtime"), audio=None)
    source = subtitled(clips, "a.webm", pictures, srt(*PLAIN).encode(), codec="webvtt")
    _, made = await told(source, scratch)
    assert same(made["subtitles-und.vtt"][1], PLAIN)


async def test_each_language_is_a_track_with_what_is_said_of_it(clips: Clips, scratch: Path) -> None:
    said = ["-metadata:s:s:0", "language=ger", "-metadata:s:s:0", "title=Für alle"]
    said += ["-metadata:s:s:1", "language=eng", "-disposition:s:0", "default", "-disposition:s:1", "forced"]
    texts = [srt((1, 2, word)).encode() for word in ("Guten Tag", "Good day")]
    facts, made = await told(subtitled(clips, "a.mkv", film(clips), *texts, told=said), scratch)
    assert {name: cues for name, (_, cues) in made.items()} == {
        "subtitles-de.vtt": [(1, 2, "Guten Tag")],
        "subtitles-en.vtt": [(1, 2, "Good day")],
    }
    german, english = offers(facts.subtitles)
    assert (german.label, german.default, german.forced) == ("Für alle", True, False)
    assert (english.label, english.default, english.forced) == ("English", False, True)


async def test_of_a_script_the_words_stay(clips: Clips, scratch: Path) -> None:
    lines: list[Said] = [
        (0.5, 1.5, r"{\an8\pos(10,20)\fad(200,200)}{\i1}Above{\i0} & <below>"),
        (1, 2, r"{\p1}m 0 0 l 100 0 100 100{\p0}"),
        (2, 3, r"Two\Nlines{a note}, comma"),
    ]
    source = subtitled(clips, "a.mkv", film(clips), ass(*lines).encode(), kind="ass")
    _, made = await told(source, scratch)
    ((_, cues),) = made.values()
    assert same(cues, [(0.5, 1.5, "<i>Above</i> &amp; &lt;below&gt;"), (2, 3, "Two\nlines, comma")]), cues
    assert "00:00:00.500 --> 00:00:01.500 line:0\n" in (scratch / "subtitles-und.vtt").read_text()


async def test_text_that_is_not_utf_8_can_be_read(clips: Clips, scratch: Path) -> None:
    said = ("-metadata:s:s:0", "title=Fran#ais")
    plain = subtitled(clips, "a.mkv", film(clips), srt((1, 2, "Caf# fran#ais")).encode(), told=said).read_bytes()
    latin = plain.replace(b"Caf# fran#ais", "Café français".encode("latin-1")).replace(b"Fran#ais", b"Fran\xe7ais")
    source = clips.written("latin.mkv", latin)
    facts, made = await told(source, scratch)
    assert facts.subtitles[0].title == "Fran\ufffdais"
    assert made["subtitles-und.vtt"][1] == [(1, 2, "Café français")]


async def test_timed_text_may_be_utf_16(clips: Clips, scratch: Path) -> None:
    made = subtitled(clips, "a.mp4", film(clips), srt((1, 2, "0123456789")).encode(), codec="mov_text").read_bytes()
    source = clips.written("wide.mp4", made.replace(b"0123456789", "\ufeff三é?!".encode("utf-16-be")))
    _, read = await told(source, scratch)
    assert read["subtitles-und.vtt"][1] == [(1, 2, "三é?!")]


async def test_times_are_counted_from_the_first_picture(clips: Clips, scratch: Path) -> None:
    for name, codec in (("a.mkv", "srt"), ("a.mp4", "mov_text")):
        late = ("-output_ts_offset", "7.2")
        source = subtitled(clips, name, film(clips), srt(*PLAIN).encode(), codec=codec, told=late)
        facts, made = await told(source, scratch)
        assert facts.video
        assert facts.video.start == pytest.approx(7.2, abs=0.05)
        assert same(made["subtitles-und.vtt"][1], PLAIN), name


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mov_text"), ("a.mkv", "srt")])
async def test_what_is_said_before_the_first_picture_is_cut(name: str, codec: str, clips: Clips, scratch: Path) -> None:
    """In an MP4 by its edit lists."""
    text = clips.written("a.srt", srt(*PLAIN).encode())
    late = ("-itsoffset", "1", "-i", str(film(clips)), "-i", str(text), "-map", "0", "-map", "1", "-c", "copy")
    _, made = await told(clips.made(name, *late, "-c:s", codec), scratch)
    expected = [(0, 0.25, "One"), (0.5, 1.75, "Two\nlines"), (2.1, 3.9, "ünï 三")]
    assert same(made["subtitles-und.vtt"][1], expected), made


async def test_a_trim_and_an_intro_move_and_cut_them(clips: Clips, scratch: Path) -> None:
    source = subtitled(clips, "a.mkv", film(clips), srt(*PLAIN).encode())
    intro = Materials(intro=await facts_of(clips.barcoded("intro.mp4", frames=45, audio=None), scratch))
    edits = Edits(trim=Trim(start=Fraction(1), end=Fraction(4)), intro_asset_id="intro")
    _, made = await told(source, scratch, edits, intro)
    expected = [(1.5, 1.75, "One"), (2, 3.25, "Two\nlines"), (3.6, 4.5, "ünï 三")]
    assert same(made["subtitles-und.vtt"][1], expected), made


async def test_pictures_of_text_are_left_alone(clips: Clips, scratch: Path) -> None:
    end = b"PG" + (90_000).to_bytes(4, "big") + bytes(4) + b"\x80" + bytes(2)
    discs = clips.written("a.sup", end)
    argv = ("-i", str(film(clips)), "-f", "sup", "-i", str(discs), "-map", "0", "-map", "1", "-c", "copy")
    facts, made = await told(clips.made("a.mkv", *argv), scratch)
    assert facts.video
    assert (facts.video.frames, facts.subtitles, made) == (150, (), {})


async def test_a_film_without_words_has_no_subtitles(clips: Clips, scratch: Path) -> None:
    facts, _ = await told(film(clips), scratch)
    assert facts.subtitles == ()


async def test_markup_stays_text_and_names_stay_names(clips: Clips, scratch: Path) -> None:
    words = "<img src=x onerror=alert(1)>&amp;\n--> <v Bob><c.x>hi</c>"
    title = "a\"\n#EXT-X-ENDLIST\n<Label>&'\u2028"
    said = ("-metadata:s:s:0", f"title={title}", "-metadata:s:s:0", 'language=e"n')
    source = subtitled(clips, "a.mkv", film(clips), srt((1, 2, words)).encode(), told=said)
    facts, made = await told(source, scratch)
    ((_, [(_, _, text)]),) = made.values()
    assert not {"<", ">"} & set(text)
    (offer,) = offers(facts.subtitles)
    track = TextTrack(offer=offer, file_uri="a.vtt", duration=facts.duration, size=1)
    master = master_playlist([a_track()], None, [track])
    assert 'NAME="a#EXT-X-ENDLIST<Label>&\'",DEFAULT=NO' in master
    assert len(master.splitlines()) == 6
    assert fromstring(manifest([a_track()], None, [track])) is not None


def far_too_long(clips: Clips) -> Path:
    return subtitled(clips, "long.mkv", film(clips), srt((1, 2, "x" * 5_000_000)).encode())


def far_too_many(clips: Clips) -> Path:
    return subtitled(
        clips, "many.mkv", film(clips), srt(*[(1 + n / 50_000, 4, f"{n:010d}") for n in range(70_000)]).encode()
    )


@pytest.mark.parametrize("make", [far_too_long, far_too_many])
async def test_a_bomb_costs_its_own_track_and_no_more(
    make: Callable[[Clips], Path], clips: Clips, scratch: Path
) -> None:
    source = make(clips)
    with pytest.raises(BadMedia) as refused:
        await told(source, scratch)
    assert refused.value.reason == "too_large"
    (found,) = (await facts_of(source, scratch)).subtitles
    assert (scratch / packets_of(found.stream)).stat().st_size < 1000


async def test_only_so_many_tracks_are_taken(clips: Clips, scratch: Path) -> None:
    source = subtitled(clips, "a.mkv", film(clips), *[srt((1, 2, str(n))).encode() for n in range(40)])
    facts = await facts_of(source, scratch)
    assert len(facts.subtitles) == 32
    assert len({each.name for each in offers(facts.subtitles)}) == 32


@pytest.mark.parametrize(("codec", "reason"), [("mov_text", "corrupt"), ("h264", "unsupported_codec")])
async def test_what_no_decoder_takes_is_refused(codec: str, reason: str, clips: Clips, scratch: Path) -> None:
    facts = await facts_of(subtitled(clips, "a.mkv", film(clips), srt((1, 2, "a")).encode()), scratch)
    (wanted,) = plan(facts, TINY).subtitles
    kept = {"whole": True, "time_base": "1/1000", "extradata": "", "packets": [[0, 1000, "AA=="]] * 3}
    packets = clips.written("kept.json", json.dumps(kept).encode())
    spec = [json.dumps(replace(wanted, codec=codec).to_json()), str(scratch)]
    with pytest.raises(BadMedia) as refused:
        await answer_of("take_subtitles", spec, source=packets, scratch=scratch, limits=LIMITS)
    assert refused.value.reason == reason
