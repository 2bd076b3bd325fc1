"""ffmpeg's arguments, as data."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from services.transcode.media.argv import audio_argv, chunk_argv, loudness_argv
from services.transcode.media.encoders import Encoder
from services.transcode.media.plan import VideoChunk, plan
from services.transcode.media.preset import Preset
from services.transcode.media.source import Loopback
from tests.unit.transcode_media.builders import HLS, SHIPPED, a_source, a_video

SOURCE = Path("/in/-rf; $(x).mp4")


def video(chunk: VideoChunk) -> list[str]:
    return chunk_argv(chunk, ffmpeg=Path("/bin/ffmpeg"), source=SOURCE, scratch=Path("/out"), threads=1)


def after(argv: list[str], option: str) -> str:
    return argv[argv.index(option) + 1]


CHUNKS = plan(a_source(family="matroska", video=a_video(start=Fraction(7, 5))), HLS).chunks


def test_the_first_chunk_reads_from_the_start() -> None:
    argv = video(CHUNKS[0])
    assert "-ss" not in argv
    assert "fps=30/1:start_time=0,trim=start_pts=0:end_pts=120" in after(argv, "-filter_complex")


def test_a_middle_chunk_seeks_to_its_key_frame_and_trims_on_the_grid() -> None:
    argv = video(CHUNKS[2])
    assert (after(argv, "-seek_timestamp"), after(argv, "-ss")) == ("1", "9.538768")
    # Or ffmpeg would drop the key frame, which is shown before the moment that is asked for.
    assert "-noaccurate_seek" in argv[: argv.index("-i")]
    assert "-copyts" in argv[: argv.index("-i")]
    graph = after(argv, "-filter_complex")
    assert graph.startswith("[0:0]setpts=round(PTS-(7/5)/TB),fps=30/1,trim=start_pts=240:end_pts=480,scale=1920:1080")


def test_the_last_chunk_runs_to_the_end() -> None:
    argv = video(CHUNKS[-1])
    assert "fps=30/1:eof_action=pass,tpad=stop=2:stop_mode=clone,trim=start_pts=480:end_pts=600" in after(
        argv, "-filter_complex"
    )


def test_bits_are_added_where_chunks_meet() -> None:
    def zones(chunk: VideoChunk) -> str:
        return after(video(chunk), "-x264-params")

    assert zones(CHUNKS[0]) == "zones=110,119,b=1.05"
    assert zones(CHUNKS[2]) == "zones=0,0,b=1.3/1,9,b=1.05/230,239,b=1.05"
    assert zones(CHUNKS[-1]) == "zones=0,0,b=1.3/1,9,b=1.05"
    assert "-x264-params" not in video(replace(CHUNKS[0], end_frame=None))


def test_a_source_read_whole_counts_from_its_first_picture() -> None:
    assert "[0:0]setpts=PTS-STARTPTS,fps" in after(video(replace(CHUNKS[0], preroll=None)), "-filter_complex")


def test_every_rung_is_scaled_from_the_one_above() -> None:
    graph = after(video(CHUNKS[0]), "-filter_complex")
    scaled = "setsar=1,format=yuv420p"
    assert f"scale=1920:1080:flags=bicubic,{scaled},split[v1080][below0];[below0]scale=1280:720" in graph
    assert graph.endswith(f"[below2]scale=640:360:flags=bicubic,{scaled}[v360]")


def test_groups_are_closed_and_the_outputs_join() -> None:
    argv = video(CHUNKS[1])
    for option, value in {"-g": "120", "-keyint_min": "120", "-sc_threshold": "0", "-flags": "+cgop"}.items():
        assert [argv[at + 1] for at, word in enumerate(argv) if word == option] == [value] * 4
    assert argv.count("+cmaf+frag_keyframe+empty_moov+frag_discont+skip_trailer") == 4
    assert [word for word in argv if word.startswith("file:/out/")] == [
        f"file:/out/v{height}.mp4" for height in (1080, 720, 480, 360)
    ]


def by(encoder: Encoder) -> Preset:
    return replace(HLS, video=(replace(HLS.video[0], encoder=encoder),))


HARDWARE: dict[Encoder, tuple[str, ...]] = {
    "h264_nvenc": ("-rc vbr -cq 23 -b:v 0", "-no-scenecut 1", "-strict_gop 1"),
    "h264_qsv": ("-global_quality 23 -b:v 5000000", "-idr_interval 0"),
    "h264_vaapi": ("-rc_mode QVBR -global_quality 23 -b:v 5000000", "-idr_interval 0"),
    "h264_videotoolbox": ("-b:v 5000000",),
}


@pytest.mark.parametrize("encoder", HARDWARE)
def test_every_encoder_is_told_quality_cap_and_groups(encoder: Encoder) -> None:
    chunk = plan(a_source(), by(encoder)).chunks[1]
    argv = video(chunk)
    assert [argv[at + 1] for at, word in enumerate(argv) if word == "-c:v"] == [encoder] * 4
    first = " ".join(argv[argv.index("-c:v") : argv.index("-movflags")])
    for said in (*HARDWARE[encoder], "-maxrate 5000000 -bufsize", "-g 120", "-bf 2", "-profile:v high"):
        assert said in first
    assert "-crf" not in argv


SOFTWARE: dict[Encoder, tuple[str, ...]] = {
    "libx265": ("-tag:v hvc1", "-crf 26", "keyint=120:min-keyint=120:scenecut=0:open-gop=0", "-maxrate 3500000"),
    "libsvtav1": ("-crf 35", "lp=1:scd=0", "-maxrate 3000000"),
}


@pytest.mark.parametrize(("name", "encoder"), [("hls-hevc", "libx265"), ("hls-av1", "libsvtav1")])
def test_every_codec_is_told_quality_cap_and_groups(name: str, encoder: Encoder) -> None:
    argv = video(plan(a_source(), SHIPPED[name]).chunks[1])
    assert [argv[at + 1] for at, word in enumerate(argv) if word == "-c:v"] == [encoder] * 4
    first = " ".join(argv[argv.index("-c:v") : argv.index("-movflags")])
    for said in (*SOFTWARE[encoder], "-g 120"):
        assert said in first


def test_codecs_side_by_side_are_made_of_the_same_pictures() -> None:
    chunk = plan(a_source(), SHIPPED["hls-multi"]).chunks[0]
    assert [rung.name for rung in chunk.rungs][:5] == ["v1080-av1", "v720-av1", "v480-av1", "v360-av1", "v1080"]
    graph = after(video(chunk), "-filter_complex")
    scaled = [part.split(":")[0] for part in graph.split("scale=")[1:]]
    assert scaled == ["1920", "1920", "1280", "1280", "854", "854", "640", "640"]


def test_pictures_are_brought_to_an_encoder_that_has_its_own_memory() -> None:
    argv = video(plan(a_source(), by("h264_vaapi")).chunks[0])
    assert argv.index("-vaapi_device") < argv.index("-i")
    graph = after(argv, "-filter_complex")
    assert "format=yuv420p,split[made0][below0];[below0]scale=1280:720" in graph
    assert graph.endswith(
        "[made0]format=nv12,hwupload[v1080];[made1]format=nv12,hwupload[v720];"
        "[made2]format=nv12,hwupload[v480];[made3]format=nv12,hwupload[v360]"
    )


def test_a_source_on_loopback_is_reached_by_http_alone_and_in_small_requests() -> None:
    argv = chunk_argv(
        CHUNKS[1],
        ffmpeg=Path("/bin/ffmpeg"),
        source=Loopback(port=4711, token="secret", size=1),
        scratch=Path("/out"),
        threads=1,
    )
    before = argv[: argv.index("-i")]
    assert after(argv, "-i") == "http://127.0.0.1:4711/secret"
    assert after(before, "-protocol_whitelist") == "http,tcp"
    assert (after(before, "-multiple_requests"), after(before, "-request_size")) == ("1", "131072")


def test_the_source_is_only_ever_a_file_of_its_own_format() -> None:
    argv = video(CHUNKS[0])
    before = argv[: argv.index("-i")]
    assert after(argv, "-i") == f"file:{SOURCE}"
    assert (after(before, "-protocol_whitelist"), after(before, "-format_whitelist"), after(before, "-f")) == (
        "file",
        "matroska",
        "matroska",
    )
    assert {"-nostdin", "-max_pixels", "-max_alloc"} <= set(before)


def test_the_audio_makes_room_for_the_decoders_priming() -> None:
    track = plan(a_source(video=a_video(sync_start=Fraction(7, 5))), HLS).audio
    assert track is not None
    argv = audio_argv(track, ffmpeg=Path("/bin/ffmpeg"), sources=[SOURCE], scratch=Path("/out"), threads=1)
    graph = after(argv, "-filter_complex")
    assert graph.startswith("[0:1]asetpts=PTS-(7/5)/TB,aresample=osr=48000:ochl=stereo")
    assert graph.endswith("first_pts=0,atrim=start_pts=1024:end_pts=960000[audio]")
    assert after(argv, "-use_editlist") == "0"


def test_the_sound_is_measured_without_the_pictures() -> None:
    track = plan(a_source(video=a_video()), HLS).audio
    assert track is not None
    [stretch] = track.heard
    argv = loudness_argv(stretch, ffmpeg=Path("/bin/ffmpeg"), source=SOURCE, threads=1)
    assert "-vn" in argv
