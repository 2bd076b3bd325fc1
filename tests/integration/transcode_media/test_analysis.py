"""What is told of a stream, against what was put into its source and what other runs of ffmpeg say of the whole."""

import json
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from services.transcode.media.edits import Edits, Trim, Watermark
from services.transcode.media.parts import INTRO, OWN
from services.transcode.media.plain import Plain
from services.transcode.worker.ffmpeg import find_ffmpeg
from tests.clips import Clips
from tests.integration.transcode_media.analysed import report_of
from tests.integration.transcode_media.stream import TINY, make_stream

FRAME = 1 / 30
# 2 s that move, 1 s black, 2 s that move otherwise, 1.5 s still, 1.5 s that move. TINY begins chunks at 1, 2, 4 ... s.
_SCENES = (
    "testsrc2=s=320x180:r=30:d=1.9[a];color=black:s=320x180:r=30:d=1[b];testsrc2=s=320x180:r=30:d=2,negate[c];"
    "smptebars=s=320x180:r=30:d=1.5[d];mandelbrot=s=320x180:r=30,trim=duration=1.6[e];[a][b][c][d][e]concat=n=5[v]"
)
_CUTS = [1.9, 2.9, 4.9, 6.4]
_SOUND = "aevalsrc='0.05*sin(2*PI*997*t)*(1+0.9*sin(PI*t/3))':s=48000:d=8"
_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "14", "-g", "50", "-bf", "2", "-pix_fmt", "yuv420p")


@pytest.fixture
def clip(clips: Clips) -> Path:
    inputs = ("-f", "lavfi", "-i", _SOUND, "-filter_complex", _SCENES, "-map", "[v]", "-map", "0:a")
    return clips.made("scenes.mp4", *inputs, *_X264, "-c:a", "aac", "-b:a", "192k")


def ffmpeg(*argv: str, cwd: Path) -> str:
    """What it said."""
    command = [str(find_ffmpeg()), "-hide_banner", "-nostats", *argv]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stderr


def times(cuts: list[Plain]) -> list[float]:
    return [cut["time"] for cut in cuts]


def near(found: list[Plain], wanted: list[tuple[float, float]]) -> bool:
    ends = [(each["start"], each["end"]) for each in found]
    return len(ends) == len(wanted) and all(
        abs(one - other) <= FRAME + 1e-6
        for pair, want in zip(ends, wanted, strict=True)
        for one, other in zip(pair, want, strict=True)
    )


async def test_cuts_black_and_stillness_are_found_across_chunks(clip: Path, scratch: Path) -> None:
    stream = await make_stream(clip, scratch)
    assert len(stream.plan.chunks) >= 4
    told = await report_of(stream, {OWN: clip}, scratch)
    video = told["video"]
    assert (told["version"], video["frames"], video["frame_rate"], video["duration"]) == (1, 240, "30/1", 8.0)
    assert times(video["scene_cuts"]) == pytest.approx(_CUTS, abs=FRAME + 1e-6)
    assert near(video["black"], [(1.9, 2.9)]), video["black"]
    assert near(video["frozen"], [(1.9, 2.9), (4.9, 6.4)]), video["frozen"]


async def test_vmaf_is_that_of_the_whole(clip: Path, scratch: Path) -> None:
    stream = await make_stream(clip, scratch)
    told = (await report_of(stream, {OWN: clip}, scratch))["vmaf"]
    assert (told["model"], told["width"], told["height"]) == ("vmaf_v0.6.1", 320, 180)
    assert [each["name"] for each in told["renditions"]] == [rung.name for rung in stream.plan.rungs]
    for rung in told["renditions"]:
        graph = "[0:v]scale=320:180:flags=bicubic,settb=1/30,setpts=N[d];[1:v]settb=1/30,setpts=N[r]"
        vmaf = f"{graph};[d][r]libvmaf=log_fmt=json:log_path=whole.json"
        ffmpeg("-i", str(stream.rungs[rung["name"]]), "-i", str(clip), "-lavfi", vmaf, "-f", "null", "-", cwd=scratch)
        whole = json.loads((scratch / "whole.json").read_text())["pooled_metrics"]["vmaf"]
        assert rung["mean"] == pytest.approx(whole["mean"], abs=0.5)
        assert rung["harmonic_mean"] == pytest.approx(whole["harmonic_mean"], abs=0.5)
        assert rung["min"] >= whole["min"] - 0.01
        assert rung["min"] <= rung["percentile_1"] <= rung["mean"]


async def test_loudness_is_told_as_it_came_and_as_it_was_made(clip: Path, scratch: Path) -> None:
    stream = await make_stream(clip, scratch)
    told = (await report_of(stream, {OWN: clip}, scratch, vmaf=False))["audio"]
    assert stream.audio
    for name, path in (("source", clip), ("output", stream.audio)):
        said = ffmpeg("-i", str(path), "-map", "0:a", "-af", "ebur128=peak=true", "-f", "null", "-", cwd=scratch)
        summary = said.rpartition("Summary:")[2]
        whole = [float(value) for value in re.findall(r"(?:\bI|LRA|Peak):\s+(-?[\d.]+)", summary)]
        measured = told["loudness"][name]
        values = [measured["integrated_lufs"], measured["range_lu"], measured["true_peak_dbtp"]]
        assert values == pytest.approx(whole, abs=0.2), name
    assert told["loudness"]["output"]["integrated_lufs"] == pytest.approx(-23, abs=0.3)


async def test_of_an_edited_stream_the_edited_one_is_told(clip: Path, clips: Clips, scratch: Path) -> None:
    intro = clips.barcoded("intro.mp4", frames=45, audio=None)
    logo = clips.made("logo.png", "-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1")
    trim = Trim(start=Fraction(3, 2))
    edits = Edits(trim=trim, watermark=Watermark(asset_id="logo"), intro_asset_id="intro", mute=True)
    stream = await make_stream(clip, scratch, TINY, edits=edits, intro=intro, watermark=logo)
    told = await report_of(stream, {OWN: clip, INTRO: intro}, scratch, edits=edits, image=logo)
    assert told["audio"] is None
    video, vmaf = told["video"], told["vmaf"]
    assert (video["frames"], video["duration"]) == (240, 8.0)
    assert [cut["score"] is None for cut in video["scene_cuts"] if cut["time"] == 1.5] == [True]
    assert set(_CUTS) <= {round(cut["time"], 1) for cut in video["scene_cuts"]}
    # The mark is on both, so that nothing of it is taken for a fault.
    assert (vmaf["width"], vmaf["height"]) == stream.plan.rungs[0].shown
    assert vmaf["renditions"][0]["mean"] > 85
