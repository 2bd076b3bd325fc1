"""An edited job all the way: several assets read by workers, one stream out of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import pytest
from google.protobuf import json_format
from grpc import StatusCode
from grpc.aio import AioRpcError
from reelmesh.transcode.v1 import edits_pb2, transcode_pb2

from meshkit.ids import new_id
from tests.clips import beeps, pictures

if TYPE_CHECKING:
    from pathlib import Path

    from tests.clips import Clips
    from tests.integration.transcode.studio import Studio
    from tests.integration.transcode.workers import Workers

pytestmark = pytest.mark.usefixtures("address")
Job = transcode_pb2.Job
DELAY = Fraction(2, 15)


async def test_several_assets_become_one_stream(
    studio: Studio, workers: Workers, clip: Path, clips: Clips, tmp_path: Path
) -> None:
    short = clips.barcoded("intro.mkv", frames=25, rate="15", audio=None)
    red = clips.made("mark.png", "-f", "lavfi", "-i", "color=red:s=80x40", "-frames:v", "1", "-pix_fmt", "rgba")
    own, other, mark = [await studio.bring_in(path) for path in (clip, short, red)]
    edits = edits_pb2.Edits(
        trim=edits_pb2.Trim(start=1, end=7),
        intro_asset_id=other.asset_id,
        outro_asset_id=other.asset_id,
        watermark=edits_pb2.Watermark(asset_id=mark.asset_id, position="bottom-right", scale=0.25),
    )
    async with workers.working(studio.address):
        for upload in (own, other, mark):
            await studio.ended(await studio.job_of(upload), within=60)
        request = transcode_pb2.CreateJobRequest(asset_id=own.asset_id, edits=edits)
        job = await studio.ended((await studio.ask("CreateJob", request)).job, within=60)
    assert job.state == Job.STATE_SUCCEEDED, json_format.MessageToJson(job)
    assert job.edits.trim.end == 7
    assert {round(output.duration, 3) for output in job.outputs if output.kind == "hls"} == {round(140 / 15, 3)}
    video = await studio.track(job, "v180.m3u8", tmp_path / "video.mp4")
    shown = pictures(video)
    assert [picture.number for picture in shown] == [*range(25), *range(15, 105), *range(25)]
    assert {after.time - before.time for before, after in pairwise(shown)} == {Fraction(1, 15)}
    heard = beeps(await studio.track(job, "audio.m3u8", tmp_path / "audio.mp4"))
    assert heard == pytest.approx([25 / 15 + second + float(DELAY) for second in range(6)], abs=0.02)
    with av.open(video) as container:
        corners = [frame.to_ndarray(format="rgb24")[-20, -40] for frame in container.decode(video=0)]
    marked = [bool(int(red) > int(green) + 150) for red, green, _ in corners]
    assert marked == [False] * 25 + [True] * 90 + [False] * 25


async def test_nobody_edits_with_what_is_not_theirs(studio: Studio, clip: Path) -> None:
    stranger = replace(studio, tenant=new_id())
    own, foreign = await studio.bring_in(clip), await stranger.bring_in(clip)
    await studio.job_of(own)
    await stranger.job_of(foreign)
    for taken, status in (
        (new_id(), StatusCode.NOT_FOUND),
        (foreign.asset_id, StatusCode.NOT_FOUND),
        (own.asset_id, StatusCode.ABORTED),
    ):
        request = transcode_pb2.CreateJobRequest(asset_id=own.asset_id, edits=edits_pb2.Edits(intro_asset_id=taken))
        with pytest.raises(AioRpcError) as refused:
            await studio.ask("CreateJob", request)
        assert refused.value.code() is status
