"""The fake store and Postgres keep the same promises about what tasks made."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from meshkit.ids import new_id
from services.transcode.scheduler.domain import Count
from services.transcode.scheduler.file import File
from services.transcode.scheduler.rendition import Rendition, Segment
from tests.fakes.transcode_rows import NOW, a_job, a_task

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Store, Transaction


def a_rendition(job: Job, name: str, place: int) -> Rendition:
    return Rendition(
        job_id=job.id, name=name, kind="video", place=place, width=640, height=360, frame_rate="30000/1001"
    )


def a_segment(rendition: str, number: int) -> Segment:
    return Segment(
        rendition=rendition, number=number, key=f"{rendition}/{number}-1.m4s", size=5 << 30, start=1 << 40, ticks=120
    )


async def landed(tx: Transaction, job: Job, segments: list[Segment]) -> None:
    claimed = a_task(job).claim("w1", timedelta(seconds=30), NOW)
    await tx.add_tasks([claimed])
    await tx.land([claimed.succeed(1)], job, segments)


async def test_renditions_come_in_their_places(store: Store) -> None:
    job, other = a_job(), a_job()
    low, high = a_rendition(job, "v240", 1), a_rendition(job, "v360", 0)
    async with store.transaction() as tx:
        for each in (job, other):
            await tx.add_job(each, "")
        await tx.add_renditions([low, high])
        await tx.add_renditions([a_rendition(other, "v240", 0)])
    async with store.transaction() as tx:
        assert await tx.renditions(job.id) == [high, low]


async def test_a_rendition_is_described_by_its_first_result(store: Store) -> None:
    job, other = a_job(), a_job()
    rendition = a_rendition(job, "v240", 0)
    async with store.transaction() as tx:
        for each in (job, other):
            await tx.add_job(each, "")
        await tx.add_renditions([rendition, a_rendition(job, "v120", 1)])
        await tx.add_renditions([a_rendition(other, "v240", 0)])
        described = rendition.described("init.mp4", "avc1.64001f", 30_000)
        await tx.save_rendition(described)
    async with store.transaction() as tx:
        assert await tx.renditions(job.id) == [described, a_rendition(job, "v120", 1)]
        assert await tx.renditions(other.id) == [a_rendition(other, "v240", 0)]


async def test_results_land_with_their_tasks_and_their_job(store: Store) -> None:
    job = a_job()
    claimed = [a_task(job).claim("w1", timedelta(seconds=30), NOW) for _ in range(2)]
    done, after = [each.succeed(1) for each in claimed], replace(job, tasks_done=2, weight_done=2.5)
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        await tx.add_tasks(claimed)
        await tx.land(done, after, [a_segment("v240", 0)])
    async with store.transaction() as tx:
        assert await tx.tasks_of_jobs([each.id for each in done]) == [(each, after) for each in done]
        assert await tx.segments(job.id) == [a_segment("v240", 0)]


async def test_segments_come_by_rendition_and_number(store: Store) -> None:
    job, other = a_job(), a_job()
    segments = [a_segment("audio", 0), a_segment("v240", 0), a_segment("v240", 2), a_segment("v240", 10)]
    async with store.transaction() as tx:
        for each in (job, other):
            await tx.add_job(each, "")
        await landed(tx, job, segments[::-1])
        await landed(tx, job, [])
        await landed(tx, other, [segments[0]._replace(size=1)])
    async with store.transaction() as tx:
        assert await tx.segments(job.id) == segments


async def test_what_landed_before_its_task_was_done_stays(store: Store) -> None:
    job = a_job()
    early = [a_segment("audio", number)._replace(key=f"early/{number}") for number in range(2)]
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        for count in (1, 2, 1):
            await tx.add_segments(job.id, early[:count])
        await landed(tx, job, [a_segment("audio", number) for number in range(3)])
    async with store.transaction() as tx:
        assert await tx.segments(job.id) == [*early, a_segment("audio", 2)]


def a_file(name: str, **changes: Any) -> File:
    return replace(
        File(kind="poster", name=name, key=f"files/{name}", size=5 << 30, content_type="image/jpeg"), **changes
    )


async def test_files_come_by_name_and_the_newest_of_a_name_counts(store: Store) -> None:
    job, other = a_job(), a_job()
    poster, sprite = a_file("poster.jpg"), a_file("storyboard.jpg", width=1920, duration=1.5, bit_rate=1 << 40)
    async with store.transaction() as tx:
        for each in (job, other):
            await tx.add_job(each, "")
        await tx.add_files(job.id, [a_file("poster.jpg", state="errored", key=""), sprite])
        await tx.add_files(job.id, [poster])
        await tx.add_files(job.id, [])
        await tx.add_files(other.id, [a_file("poster.jpg", size=1)])
    async with store.transaction() as tx:
        assert await tx.files(job.id) == [poster, sprite]


async def test_counts_of_other_tasks_are_kept(store: Store) -> None:
    job = a_job()
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        read = await tx.job(job.id)
        assert read is not None
        await tx.save_job(read.probed({}, [1.0, 1.0], read.create_time, {"stills": 1}))
    async with store.transaction() as tx:
        read = await tx.job(job.id)
        assert read is not None
        await tx.save_job(read.beside_done("stills", 1.0, read.create_time, failed=True))
    async with store.transaction() as tx:
        read = await tx.job(job.id)
    assert read is not None
    assert dict(read.beside) == {"stills": Count(total=1, done=1, failed=1)}


async def test_keys_come_a_few_at_a_time(store: Store) -> None:
    job = a_job()
    made = [a_segment("v240", number) for number in (10, 9, 2, 1)] + [a_segment("audio", 3)]
    async with store.transaction() as tx:
        await tx.add_job(job, "")
        await landed(tx, job, made)
    async with store.transaction() as tx:
        assert await tx.segment_keys(job.id, "v240", 2, 2) == ["v240/2-1.m4s", "v240/9-1.m4s"]
        assert await tx.segment_keys(job.id, "v240", 11, 2) == []


async def test_the_playlists_lock_is_taken_and_left(store: Store) -> None:
    job = a_job()
    for _ in range(2):
        async with store.transaction() as tx:
            await tx.lock_playlists(job.id)


async def test_a_purge_takes_all_that_jobs_made(store: Store) -> None:
    job, other = a_job(), a_job()
    async with store.transaction() as tx:
        for each in (job, other):
            await tx.add_job(each, "")
            await tx.add_renditions([a_rendition(each, "v240", 0)])
            await landed(tx, each, [a_segment("v240", 0)])
            await tx.add_files(each.id, [a_file("poster.jpg")])
        await tx.purge(new_id(), job.asset_id)
        assert await tx.job(job.id) == job
        await tx.purge(job.tenant_id, job.asset_id)
    async with store.transaction() as tx:
        assert await tx.job(job.id) is None
        assert [*await tx.renditions(job.id), *await tx.segments(job.id), *await tx.files(job.id)] == []
        assert (len(await tx.renditions(other.id)), len(await tx.segments(other.id))) == (1, 1)
        assert await tx.files(other.id) == [a_file("poster.jpg")]
