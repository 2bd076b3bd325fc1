"""How chunks are looked at, and what is made of what ffmpeg writes of them."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from services.transcode.media.analysis import PictureCheck, picture_checks
from services.transcode.media.edits import NO_EDITS, Crop, Edits, Materials, Watermark
from services.transcode.media.errors import WrongOutput
from services.transcode.media.findings import Cut, Span
from services.transcode.media.looking import picture_argv, picture_part
from services.transcode.media.plan import plan
from tests.unit.transcode_media.builders import HLS, a_source, a_video

FFMPEG, SOURCE = Path("/ffmpeg"), Path("/source.mp4")


def checks(*, vmaf: bool = True, edits: Edits = NO_EDITS, **video: object) -> list[PictureCheck]:
    facts = a_source(video=a_video(**video))
    assert facts.video
    logo = a_source(video=a_video(width=64, height=64), kind="image", family="png", audio=None)
    materials = Materials(watermark=logo if edits.watermark else None)
    planned = plan(facts, replace(HLS, edits=edits), materials)
    return picture_checks(planned, facts.video, edits, vmaf=vmaf)


def graph_of(check: PictureCheck) -> str:
    tracks = [Path(f"/rung{place}.mp4") for place, _ in enumerate(check.chunk.rungs)] if check.vmaf else []
    argv = picture_argv(check, ffmpeg=FFMPEG, source=SOURCE, tracks=tracks, threads=1, image=Path("/logo.png"))
    return argv[argv.index("-filter_complex") + 1]


def seen(frames: int, **said: dict[int, str]) -> str:
    lines = []
    for frame in range(frames):
        lines.append(f"frame:{frame}    pts:{frame}       pts_time:{frame / 30:g}")
        lines += [f"lavfi.{name.replace('__', '.')}={at[frame]}" for name, at in said.items() if frame in at]
    return "\n".join(lines)


def scores(*frames: int) -> str:
    return json.dumps({"frames": [{"frameNum": frame, "metrics": {"vmaf": 90.0 + frame}} for frame in frames]})


def test_chunks_look_two_frames_beyond_their_end() -> None:
    made = checks()
    assert [(check.follows, check.tail) for check in made] == [(False, 2), (True, 2), (True, 2), (True, 0)]
    graph = graph_of(made[1])
    assert "trim=start_pts=120:end_pts=242" in graph
    assert "setpts=PTS-120,scdet,blackdetect=d=0,freezedetect=d=0" in graph
    assert "trim=end_frame=120,split=4" in graph


def test_every_rung_is_compared_at_the_size_of_the_source() -> None:
    graph = graph_of(checks(width=1280, height=720)[0])
    assert graph.count("scale=1280:720:flags=bicubic") == 1 + 3
    assert graph.count("libvmaf=model=version=vmaf_v0.6.1:n_subsample=5") == 3
    assert "libvmaf" not in graph_of(checks(vmaf=False)[0])


@pytest.mark.parametrize(
    ("video", "edits", "size"),
    [
        ({"width": 3840, "height": 2160}, NO_EDITS, (1920, 1080)),
        ({"width": 2160, "height": 3840}, NO_EDITS, (1080, 1920)),
        ({"width": 2048, "height": 858}, NO_EDITS, (1920, 804)),
        ({"width": 641, "height": 361}, NO_EDITS, (640, 360)),
        ({"width": 1440, "height": 1080, "sar": Fraction(4, 3)}, NO_EDITS, (1920, 1080)),
        ({}, Edits(crop=Crop(x=0, y=0, width=640, height=640)), (640, 640)),
        ({"width": 3000, "height": 1600}, Edits(watermark=Watermark(asset_id="logo")), (2024, 1080)),
    ],
)
def test_the_size_is_the_sources_up_to_a_screens(video: dict[str, Any], edits: Edits, size: tuple[int, int]) -> None:
    assert checks(edits=edits, **video)[0].size == size


def test_what_is_too_small_is_not_compared() -> None:
    assert [check.vmaf for check in checks(width=640, height=48)] == [False] * 4


def test_findings_are_told_by_frames_of_the_stream() -> None:
    check = checks()[1]
    text = seen(
        122,
        scd__score={1: "50", 40: "9.9", 60: "12.5", 121: "30"},
        black_start={10: "0.333333"},
        black_end={30: "1"},
        freezedetect__freeze_start={1: "0", 61: "2", 121: "3.96667"},
        freezedetect__freeze_end={1: "0.0333333", 100: "3.33333"},
    )
    part = picture_part(check, text, [scores(*range(0, 120, 5))] * 4)
    assert (part.first, part.frames, part.follows) == (120, 120, True)
    assert part.cuts == (Cut(frame=180, score=12.5), Cut(frame=241, score=30.0))
    assert part.black == (Span(start=130, end=150),)
    assert part.frozen == (Span(start=180, end=220), Span(start=239, end=242))
    top = part.rungs[0]
    assert (top.name, top.pool.frames, top.pool.lowest) == ("v1080", 23, 95.0)


@pytest.mark.parametrize(
    ("text", "judged"),
    [
        (seen(119), range(0, 120, 5)),
        (seen(123), range(0, 120, 5)),
        (seen(122).replace("pts:60 ", "pts:61 "), range(0, 120, 5)),
        (seen(122), range(0, 115, 5)),
    ],
)
def test_a_frame_too_few_or_too_many_is_noticed(text: str, judged: range) -> None:
    with pytest.raises(WrongOutput):
        picture_part(checks()[1], text, [scores(*judged)] * 4)


def test_a_short_chunk_after_another_has_no_scores() -> None:
    check = checks()[1]
    short = replace(check, chunk=replace(check.chunk, frames=3))
    assert picture_part(short, seen(3), [scores(0)] * 4).rungs == ()
