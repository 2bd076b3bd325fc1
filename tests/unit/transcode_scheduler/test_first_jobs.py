"""The job that an upload brings about: what was said of it before there was a file, and what is left of it then."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from reelmesh.transcode.v1 import edits_pb2, preset_pb2, transcode_pb2
from reelmesh.upload.v1 import upload_pb2

from meshkit.errors import InvalidArgument, NotFound
from meshkit.ids import new_id
from services.metadata import wire as metadata_wire
from services.metadata.domain import Fact, asset_of
from services.transcode.media.edits import Edits, Trim, Watermark
from services.transcode.scheduler import wish_wire
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.wish import Wish
from services.upload import wire as upload_wire
from services.upload.domain import open_upload
from services.upload.formats import Policy
from tests.fakes.transcode_rows import a_source, some_facts
from tests.unit.transcode_media.builders import HLS
from tests.unit.transcode_scheduler.scheduled import CONSUMER, Scheduler

NOW = datetime(2026, 1, 1, tzinfo=UTC)
URL = "https://club.example/over"


def test_what_an_upload_says_of_its_job_arrives_whole() -> None:
    options = transcode_pb2.JobOptions(
        recipe=preset_pb2.Preset(
            name="custom",
            video=[
                preset_pb2.PresetVideo(
                    codec="av1", rungs=[preset_pb2.PresetRung(width=640, bit_rate=5_000_000, container="webm")]
                )
            ],
            audio=preset_pb2.PresetAudio(codec="opus", loudness=-16),
        ),
        edits=edits_pb2.Edits(trim=edits_pb2.Trim(start=0.1, end=2.5), mute=False),
        priority=0,
        callback_url=URL,
    )
    said = upload_wire.from_create(upload_pb2.CreateUploadRequest(file_name="a.mp4", size=1, job=options))
    made = open_upload(said, id=new_id(), asset_id=new_id(), tenant_id=new_id(), now=NOW, policy=Policy())
    whole = upload_wire.to_upload(made.complete(new_id(), NOW))
    asset = asset_of(metadata_wire.from_upload(whole), playback_id=new_id(), now=NOW)
    told = metadata_wire.to_event(asset, Fact.CREATED).asset
    assert (told.job, told.job_id) == (options, whole.job_id)
    wish = wish_wire.from_options(told.preset, told.job)
    assert wish == wish_wire.from_options("", options)
    assert (wish.priority, wish.callback_url, wish.edits.mute) == (0, URL, False)


def test_an_upload_that_says_nothing_wants_nothing() -> None:
    said = upload_wire.from_create(upload_pb2.CreateUploadRequest(file_name="a.mp4", size=1))
    made = open_upload(said, id=new_id(), asset_id=new_id(), tenant_id=new_id(), now=NOW, policy=Policy())
    assert not upload_wire.to_upload(made).HasField("job")
    assert wish_wire.from_options("", upload_wire.to_upload(made).job) == Wish()


async def test_the_job_has_the_id_that_was_told_and_all_that_was_asked_for(scheduler: Scheduler) -> None:
    source, upload_id, job_id = a_source(), new_id(), new_id()
    edits = Edits(trim=Trim(end=Fraction(5)))
    wish = Wish(recipe=replace(HLS, name="custom"), edits=edits, priority=80, callback_url=URL)
    for _ in range(2):
        await scheduler.jobs.on_uploaded(source, upload_id, wish, CONSUMER, new_id(), job_id)
    [job] = scheduler.store.jobs.values()
    assert (job.id, job.upload_id, job.preset) == (job_id, upload_id, "custom")
    assert (job.priority, job.callback_url, job.recipe["edits"]) == (80, URL, edits.to_json())
    assert scheduler.facts() == ["queued"]
    assert len(scheduler.queued()) == 1


async def test_what_only_the_file_can_tell_fails_its_job(scheduler: Scheduler) -> None:
    source, unread = a_source(), new_id()
    wish = Wish(edits=Edits(intro_asset_id=unread))
    await scheduler.jobs.on_uploaded(source, new_id(), wish, CONSUMER, new_id())
    [job] = scheduler.store.jobs.values()
    assert await scheduler.probe(job) == []
    failed = scheduler.job(job)
    assert (failed.state, failed.error_code) == (JobState.FAILED, "edit_asset_not_found")


async def test_a_restored_asset_is_made_into_the_same(scheduler: Scheduler) -> None:
    source = a_source()
    wish = Wish(priority=7, callback_url=URL)
    await scheduler.jobs.on_restored(source, wish, "restore:1", CONSUMER, new_id(), unfinished=True)
    [job] = scheduler.store.jobs.values()
    assert (job.priority, job.callback_url) == (7, URL)


async def test_a_wish_is_checked_before_there_is_a_file(scheduler: Scheduler) -> None:
    tenant = new_id()
    unread, image, foreign = a_source(tenant), a_source(tenant), a_source()
    for source in (unread, foreign):
        await scheduler.upload(source=source)
    await scheduler.probe(await scheduler.upload(source=image), some_facts(kind="image", audio=None, family="png"))
    # By the time that the file is there, it may be ready.
    await scheduler.jobs.check(tenant, Wish(edits=Edits(outro_asset_id=unread.asset_id)))
    await scheduler.jobs.check(tenant, Wish(edits=Edits(watermark=Watermark(asset_id=image.asset_id))))
    with pytest.raises(InvalidArgument, match="unknown_preset"):
        await scheduler.jobs.check(tenant, Wish(preset="vhs"))
    with pytest.raises(NotFound, match="edit_asset_not_found"):
        await scheduler.jobs.check(tenant, Wish(edits=Edits(intro_asset_id=foreign.asset_id)))
    with pytest.raises(InvalidArgument, match="edit_asset_not_video"):
        await scheduler.jobs.check(tenant, Wish(edits=Edits(intro_asset_id=image.asset_id)))
    assert len(scheduler.store.jobs) == 3
