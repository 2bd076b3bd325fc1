"""Edited jobs: what may be asked, whose assets they take, and what their tasks read."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict, InvalidArgument, NotFound
from meshkit.ids import new_id
from services.transcode.media.edits import Crop, Edits, Trim, Watermark
from services.transcode.media.parts import INTRO
from services.transcode.media.plan import VideoChunk
from services.transcode.media.sound import AudioTrack
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.task import TaskKind
from services.transcode.scheduler.wish import Wish
from tests.fakes.transcode_rows import a_source, some_facts

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.source import Source
    from services.transcode.scheduler.task import Task
    from tests.unit.transcode_scheduler.scheduled import Scheduler

IMAGE = some_facts(kind="image", audio=None, family="png")


@pytest.fixture
async def own(scheduler: Scheduler) -> Source:
    return await known(scheduler)


async def known(scheduler: Scheduler, tenant_id: str = "", facts: dict[str, object] | None = None) -> Source:
    """An asset that was read."""
    source = a_source(tenant_id)
    await scheduler.probe(await scheduler.upload(source=source), facts)
    return source


async def asked(scheduler: Scheduler, source: Source, edits: Edits) -> Job:
    return await scheduler.jobs.create(source.tenant_id, source.asset_id, Wish(preset="hls", edits=edits))


def specs(tasks: list[Task], kind: TaskKind) -> list[dict[str, object]]:
    return [dict(task.spec) for task in tasks if task.kind is kind]


async def test_a_trimmed_job_has_tasks_for_its_stretch_alone(scheduler: Scheduler, own: Source) -> None:
    edits = Edits(trim=Trim(start=Fraction(2), end=Fraction(7)))
    job = await asked(scheduler, own, edits)
    tasks = await scheduler.probe(job)
    chunks = [VideoChunk.from_json(spec) for spec in specs(tasks, TaskKind.ENCODE_VIDEO)]
    assert [(chunk.start_frame, chunk.source_frame, chunk.frames) for chunk in chunks] == [(0, 60, 150)]
    [sound] = [AudioTrack.from_json(spec) for spec in specs(tasks, TaskKind.ENCODE_AUDIO)]
    assert (sound.origin, sound.duration) == (Fraction(2), Fraction(5))
    assert not any("inputs" in task.spec for task in tasks)
    assert scheduler.job(job).recipe["edits"] == edits.to_json()


async def test_tasks_read_the_assets_that_edits_name(scheduler: Scheduler, own: Source) -> None:
    intro = await known(scheduler, own.tenant_id)
    image = await known(scheduler, own.tenant_id, IMAGE)
    edits = Edits(intro_asset_id=intro.asset_id, watermark=Watermark(asset_id=image.asset_id))
    tasks = await scheduler.probe(await asked(scheduler, own, edits))
    chunks = [VideoChunk.from_json(spec) for spec in specs(tasks, TaskKind.ENCODE_VIDEO)]
    for chunk, spec in zip(chunks, specs(tasks, TaskKind.ENCODE_VIDEO), strict=True):
        read = [intro] if chunk.source == INTRO else [own, image]
        assert spec["inputs"] == [{"key": each.object_key, "size": each.size} for each in read]
    assert [chunk.source for chunk in chunks] == sorted((chunk.source for chunk in chunks), reverse=True)
    [sound] = specs(tasks, TaskKind.ENCODE_AUDIO)
    assert [each["key"] for each in sound["inputs"]] == [intro.object_key, own.object_key]  # type: ignore[attr-defined]
    lengths = [-(-chunk.frames // chunk.gop) for chunk in chunks]
    assert [chunk.first_segment for chunk in chunks] == [sum(lengths[:place]) for place in range(len(chunks))]


@pytest.mark.parametrize("use", ["intro_asset_id", "outro_asset_id", "watermark"])
async def test_assets_of_others_and_of_nobody_are_not_found(use: str, scheduler: Scheduler, own: Source) -> None:
    foreign = await known(scheduler, facts=IMAGE if use == "watermark" else None)
    deleted = await known(scheduler, own.tenant_id)
    await scheduler.jobs.on_deleted(own.tenant_id, deleted.asset_id, "consumer", new_id())
    for asset_id in (foreign.asset_id, deleted.asset_id, new_id()):
        edits = Edits(**{use: Watermark(asset_id=asset_id) if use == "watermark" else asset_id})  # type: ignore[arg-type]
        with pytest.raises(NotFound) as refused:
            await asked(scheduler, own, edits)
        assert refused.value.reason == "edit_asset_not_found"


async def test_an_asset_that_nobody_has_read_is_not_ready(scheduler: Scheduler, own: Source) -> None:
    unread = a_source(own.tenant_id)
    await scheduler.upload(source=unread)
    with pytest.raises(Conflict) as refused:
        await asked(scheduler, own, Edits(intro_asset_id=unread.asset_id))
    assert refused.value.reason == "edit_asset_not_ready"


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        (Edits(trim=Trim(start=Fraction(20))), "trim_outside_source"),
        (Edits(trim=Trim(end=Fraction(21))), "trim_outside_source"),
        (Edits(crop=Crop(x=1900, y=0, width=100, height=100)), "crop_outside_picture"),
    ],
)
async def test_what_the_source_does_not_have_is_refused(
    edits: Edits, reason: str, scheduler: Scheduler, own: Source
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await asked(scheduler, own, edits)
    assert refused.value.reason == reason
    # Before the source is known it can only be said afterwards.
    source = a_source()
    await scheduler.upload(source=source)
    job = await asked(scheduler, source, edits)
    assert await scheduler.probe(job) == []
    failed = scheduler.job(job)
    assert (failed.state, failed.error_code) == (JobState.FAILED, reason)


async def test_assets_of_the_wrong_kind_are_refused(scheduler: Scheduler, own: Source) -> None:
    image = await known(scheduler, own.tenant_id, IMAGE)
    for edits, reason in (
        (Edits(intro_asset_id=image.asset_id), "edit_asset_not_video"),
        (Edits(watermark=Watermark(asset_id=own.asset_id)), "edit_asset_not_image"),
    ):
        with pytest.raises(InvalidArgument) as refused:
            await asked(scheduler, own, edits)
        assert refused.value.reason == reason


async def test_an_asset_that_goes_before_the_job_is_planned_fails_it(scheduler: Scheduler, own: Source) -> None:
    intro = await known(scheduler, own.tenant_id)
    job = await asked(scheduler, own, Edits(intro_asset_id=intro.asset_id))
    await scheduler.jobs.on_deleted(own.tenant_id, intro.asset_id, "consumer", new_id())
    await scheduler.probe(job)
    assert scheduler.job(job).error_code == "edit_asset_not_found"


def test_a_jobs_edits_come_over_its_presets() -> None:
    usual = Edits(trim=Trim(longest=Fraction(30)), mute=True, intro_asset_id="intro")
    asked = Edits(trim=Trim(start=Fraction(5)), mute=False, outro_asset_id="outro")
    assert asked.over(usual) == Edits(
        trim=Trim(start=Fraction(5), longest=Fraction(30)),
        mute=False,
        intro_asset_id="intro",
        outro_asset_id="outro",
    )
