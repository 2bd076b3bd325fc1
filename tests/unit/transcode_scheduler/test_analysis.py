"""An analysis comes after all that is played, is told once, and is never in the way of anything."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict
from meshkit.ids import new_id
from services.transcode.media.analysis import PICTURES, PictureCheck
from services.transcode.media.findings import PicturePart, RungScores, SoundPart, pool
from services.transcode.media.loudness import Loudness
from services.transcode.media.preset import PresetAnalysis, preset_hash
from services.transcode.scheduler.domain import JobState
from services.transcode.scheduler.stages import stages, timings
from services.transcode.scheduler.task import ENCODES, TaskKind, TaskState
from services.transcode.scheduler.wish import Wish
from tests.fakes.transcode_rows import a_source, some_facts
from tests.unit.transcode_media.builders import HLS
from tests.unit.transcode_scheduler.scheduled import CONSUMER

if TYPE_CHECKING:
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.task import Task
    from tests.unit.transcode_scheduler.scheduled import Scheduler

SOUND = SoundPart(seconds=Fraction(20), source=Loudness(-30.0, -9.0, 5.0), output=Loudness(-23.0, -2.0))
FACTS = some_facts() | {"sha256": "ab" * 32}


def found(task: Task) -> str:
    """What a worker finds: as many scores as there are frames, and nothing to see."""
    if PICTURES not in task.spec:
        return json.dumps(SOUND.to_json())
    check = PictureCheck.from_json(dict(task.spec[PICTURES]))
    rungs = tuple(
        RungScores(name=each.name, width=each.width, height=each.height, codec=each.codec, pool=pool([90.0]))
        for each in check.chunk.rungs
    )
    part = PicturePart(
        first=check.chunk.start_frame,
        frames=check.chunk.frames,
        follows=check.follows,
        rate=check.chunk.rate,
        size=check.size,
        cuts=(),
        black=(),
        frozen=(),
        rungs=rungs,
    )
    return json.dumps(part.to_json())


def analyses(scheduler: Scheduler, job: Job) -> list[Task]:
    mine = (task for task in scheduler.store.tasks.values() if task.job_id == job.id)
    return sorted((task for task in mine if task.kind is TaskKind.ANALYSIS), key=lambda task: task.index)


async def look(scheduler: Scheduler, task: Task) -> None:
    held = await scheduler.claim(task)
    await scheduler.tasks.complete_analysis(held.id, held.epoch, found(held))


async def asked(scheduler: Scheduler, tenant: str = "", analysis: PresetAnalysis | None = None) -> Job:
    source = a_source(tenant)
    async with scheduler.store.transaction() as tx:
        await tx.add_source(source)
    wish = Wish(preset="hls", analysis=analysis or PresetAnalysis())
    return await scheduler.jobs.create(source.tenant_id, source.asset_id, wish)


async def ready(scheduler: Scheduler, tenant: str = "") -> Job:
    """All is encoded, and its playlists are final."""
    job = await asked(scheduler, tenant)
    for task in await scheduler.probe(job, FACTS):
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    return scheduler.job(job)


async def whole(scheduler: Scheduler, job: Job) -> Job:
    for task in analyses(scheduler, job):
        await look(scheduler, task)
    await scheduler.publishing.publish(job.id)
    return scheduler.job(job)


def outputs(job: Job) -> dict[str, str]:
    return {each.name: each.state for each in job.outputs}


async def test_what_is_played_is_ready_before_the_analysis_begins(scheduler: Scheduler) -> None:
    job = await ready(scheduler)
    tasks = analyses(scheduler, job)
    assert [task.index for task in tasks] == [0, 1, 2, 3, 4]
    assert {task.state for task in tasks} == {TaskState.QUEUED}
    assert (job.state, job.playable) == (JobState.RUNNING, True)
    assert outputs(job) == {"master.m3u8": "ready", "manifest.mpd": "ready", "analysis.json": "preparing"}
    assert scheduler.facts()[-2:] == ["playable", "ready"]
    rows = [(each.name, each.state, each.tasks_done, each.tasks_total) for each in stages(job)]
    assert rows[-2:] == [("publish", "succeeded", 1, 1), ("analysis", "running", 0, 5)]
    assert job.progress < 1


async def test_the_report_is_written_once_all_of_it_is_found(scheduler: Scheduler) -> None:
    job = await ready(scheduler)
    before = len(scheduler.playlists.written)
    scheduler.store.grown.clear()
    *tasks, last = analyses(scheduler, job)
    for task in tasks:
        await look(scheduler, task)
        await scheduler.publishing.publish(job.id)
        assert len(scheduler.playlists.written) == before, "nothing of what is played changes any more"
    assert scheduler.store.grown == []
    await look(scheduler, last)
    assert scheduler.store.grown == [job.id]
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert (done.state, done.progress) == (JobState.SUCCEEDED, 1.0)
    assert outputs(done)["analysis.json"] == "ready"
    [(key, text, final)] = scheduler.playlists.written[before:]
    assert (key, final) == (f"{done.object_prefix}analysis.json", True)
    told = json.loads(text)
    assert (told["video"]["frames"], told["audio"]["duration"]) == (600, 20)
    assert [each["frames"] for each in told["vmaf"]["renditions"]] == [4, 4, 4, 4]
    assert scheduler.store.found == {}
    assert scheduler.facts()[-1] == "succeeded"
    assert {"publish", "analysis"} <= timings(done).keys()


async def test_all_that_encodes_goes_first(scheduler: Scheduler) -> None:
    job = await asked(scheduler)
    encodes = await scheduler.probe(job)
    tasks = analyses(scheduler, job)
    assert {task.state for task in tasks} == {TaskState.HELD}
    scheduler.wait(600)
    later = await scheduler.upload()
    assert min(task.due_time for task in tasks) > max(task.due_time for task in [*encodes, *scheduler.queued()])
    assert scheduler.job(later).state is JobState.QUEUED


async def test_a_job_that_asks_for_none_has_none(scheduler: Scheduler) -> None:
    job, tasks = await scheduler.uploaded_and_probed()
    for task in tasks:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert (done.state, analyses(scheduler, done), "analysis.json" in outputs(done)) == (JobState.SUCCEEDED, [], False)
    assert "ready" not in scheduler.facts()
    assert "analysis" not in {each.name for each in stages(done)}


def test_it_is_part_of_what_a_job_makes() -> None:
    every, cheap = (replace(HLS, analysis=PresetAnalysis(vmaf=vmaf)) for vmaf in (True, False))
    assert len({preset_hash(each) for each in (HLS, every, cheap)}) == 3


async def test_without_vmaf_no_rung_is_compared(scheduler: Scheduler) -> None:
    job = await asked(scheduler, analysis=PresetAnalysis(vmaf=False))
    await scheduler.probe(job)
    checks = [task.spec[PICTURES] for task in analyses(scheduler, job)[:-1]]
    assert [check["vmaf"] for check in checks] == [False] * 4
    assert [(check["follows"], check["tail"]) for check in checks] == [(False, 2), (True, 2), (True, 2), (True, 0)]


@pytest.mark.parametrize("dies", [True, False])
async def test_an_analysis_that_fails_leaves_only_itself_out(scheduler: Scheduler, dies: bool) -> None:
    job = await ready(scheduler)
    first, second, *others = analyses(scheduler, job)
    await look(scheduler, first)
    if dies:
        for _ in range(5):
            await scheduler.lose(await scheduler.claim(second))
    else:
        held = await scheduler.claim(second)
        await scheduler.tasks.fail(held.id, held.epoch, "corrupt", "no picture", retryable=False)
    assert {scheduler.task(task).state for task in [second, *others]} == {TaskState.FAILED}
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert (done.state, done.error_code, done.progress) == (JobState.SUCCEEDED, "", 1.0)
    assert outputs(done) == {"master.m3u8": "ready", "manifest.mpd": "ready", "analysis.json": "errored"}
    assert [(each.state, each.tasks_done) for each in stages(done) if each.name == "analysis"] == [("failed", 5)]
    assert scheduler.store.found == {}


async def test_a_dead_workers_part_is_found_by_another(scheduler: Scheduler) -> None:
    job = await ready(scheduler)
    first, *_ = analyses(scheduler, job)
    lost = await scheduler.claim(first)
    await scheduler.lose(lost)
    await look(scheduler, first)
    with pytest.raises(Conflict, match="no longer held"):
        await scheduler.tasks.complete_analysis(lost.id, lost.epoch, found(lost))
    assert len(scheduler.store.found) == 1


async def test_a_part_lands_once(scheduler: Scheduler) -> None:
    job = await ready(scheduler)
    held = await scheduler.claim(analyses(scheduler, job)[0])
    for _ in range(2):
        await scheduler.tasks.complete_analysis(held.id, held.epoch, found(held))
    assert scheduler.job(job).analysis.done == 1


async def test_cancelling_what_is_ready_ends_its_analysis_alone(scheduler: Scheduler) -> None:
    job = await ready(scheduler)
    first, second, *_ = analyses(scheduler, job)
    await look(scheduler, first)
    held = await scheduler.claim(second)
    await scheduler.jobs.cancel(job.tenant_id, job.id)
    with pytest.raises(Conflict, match="no longer held"):
        await scheduler.tasks.beat(held.id, held.epoch, 0.5)
    await scheduler.publishing.publish(job.id)
    done = scheduler.job(job)
    assert done.state is JobState.SUCCEEDED
    assert outputs(done) == {"master.m3u8": "ready", "manifest.mpd": "ready", "analysis.json": "errored"}


async def test_a_deleted_asset_is_not_looked_at(scheduler: Scheduler) -> None:
    job = await ready(scheduler)
    await scheduler.jobs.on_deleted(job.tenant_id, job.asset_id, CONSUMER, new_id())
    assert {task.state for task in analyses(scheduler, job)} == {TaskState.FAILED}
    await scheduler.publishing.publish(job.id)
    assert scheduler.job(job).state is JobState.SUCCEEDED


async def test_a_retried_job_is_analysed(scheduler: Scheduler) -> None:
    job = await asked(scheduler)
    first, *others = await scheduler.probe(job)
    await scheduler.encode(first)
    await scheduler.wear_out(others[0])
    await scheduler.jobs.retry(job.tenant_id, job.id)
    for task in others:
        await scheduler.encode(task)
    await scheduler.publishing.publish(job.id)
    done = await whole(scheduler, job)
    assert (done.state, outputs(done)["analysis.json"]) == (JobState.SUCCEEDED, "ready")


async def test_progress_never_goes_back(scheduler: Scheduler) -> None:
    job = await asked(scheduler)
    seen = [0.0]
    for task in await scheduler.probe(job):
        await scheduler.encode(task)
        seen.append(scheduler.job(job).progress)
    await scheduler.publishing.publish(job.id)
    for task in analyses(scheduler, job):
        await look(scheduler, task)
        seen.append(scheduler.job(job).progress)
    assert seen == sorted(seen)
    assert seen[-1] < 1


async def test_the_same_bytes_are_analysed_once(scheduler: Scheduler) -> None:
    tenant = new_id()
    job = await ready(scheduler, tenant)
    other = await asked(scheduler, tenant)
    assert await scheduler.probe(other, FACTS) == []
    await scheduler.sharing.run_once()
    assert scheduler.job(other).state is JobState.RUNNING
    done = await whole(scheduler, job)
    async with scheduler.store.transaction() as tx:
        scheduler.outputs.keys = {each.key for each in await tx.segments(job.id)}
        scheduler.outputs.keys |= {each.key for each in await tx.files(job.id)}
        scheduler.outputs.keys |= {each.init_key for each in await tx.renditions(job.id)}
    written = len(scheduler.playlists.written)
    await scheduler.sharing.run_once()
    await scheduler.publishing.publish(other.id)
    taken = scheduler.job(other)
    assert (done.state, taken.state) == (JobState.SUCCEEDED, JobState.SUCCEEDED)
    [report] = [each for each in taken.outputs if each.name == "analysis.json"]
    assert (report.state, report.object_key) == ("ready", f"{taken.object_prefix}copied/analysis.json")
    assert report.object_key in scheduler.outputs.keys
    assert not any(key.endswith("analysis.json") for key, _, _ in scheduler.playlists.written[written:])


async def test_a_lost_word_is_said_again(scheduler: Scheduler) -> None:
    job = await asked(scheduler)
    for task in await scheduler.probe(job):
        await scheduler.encode(task)
    assert {task.kind for task in scheduler.store.tasks.values()} >= ENCODES
    scheduler.wait(21)
    await scheduler.reconciler.run_once()
    assert scheduler.facts()[-1] == "ready"
    said = len(scheduler.store.said)
    await scheduler.reconciler.run_once()
    assert len(scheduler.store.said) == said
