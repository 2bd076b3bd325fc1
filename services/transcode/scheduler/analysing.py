"""What is told of a stream: tasks that look at it once it is encoded, and one report of what they found.

It is beside the point of a job: the asset is ready before it, and its failure leaves out no more than the report.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from services.transcode.media.analysis import PICTURES, REPORT, SOUND, picture_checks
from services.transcode.media.facts import SourceFacts
from services.transcode.media.findings import PicturePart, SoundPart, report
from services.transcode.media.preset import Preset
from services.transcode.scheduler import planning
from services.transcode.scheduler.file import File
from services.transcode.scheduler.task import TaskKind, TaskState, due

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from services.transcode.media.plan import Plan
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.output import Output
    from services.transcode.scheduler.ports import Playlists, Transaction
    from services.transcode.scheduler.source import Source
    from services.transcode.scheduler.task import Task

_PATIENCE = timedelta(hours=1)
"""By how much it lets what its tenant plays go first."""
_SOUND_COST = 0.02
"""Of encoding the video of the same length."""
_ALONE = 1.0


def tasks(job: Job, plan: Plan, facts: Mapping[str, Any], now: datetime, others: Mapping[int, Source]) -> list[Task]:
    """Of a plan whose job asked for it: one for each chunk, and one for the sound, held until all is encoded."""
    recipe = Preset.from_json(dict(job.recipe))
    if recipe.analysis is None:
        return []
    video = SourceFacts.from_json(dict(facts)).video
    checks = picture_checks(plan, video, recipe.edits, vmaf=recipe.analysis.vmaf) if video else []
    made = [
        _task(
            job,
            now,
            index=check.chunk.index,
            into=planning.begins(check.chunk),
            weight=check.cost,
            spec={PICTURES: check.to_json(), "source_bytes": check.chunk.source_bytes}
            | planning.inputs(job, others, planning.places(check.chunk)),
        )
        for check in checks
    ]
    if plan.audio:
        inputs = planning.inputs(job, others, [each.source for each in plan.audio.heard])
        weight = _SOUND_COST * sum(planning.megapixels(chunk) for chunk in plan.chunks) or _ALONE
        spec = {SOUND: plan.audio.to_json()} | inputs
        made.append(_task(job, now, index=len(plan.chunks), into=timedelta(0), weight=weight, spec=spec))
    return made


def _task(job: Job, now: datetime, *, into: timedelta, **fields: Any) -> Task:
    due_time = due(now, job.priority, into=_PATIENCE + into)
    return planning.task(job, now, kind=TaskKind.ANALYSIS, state=TaskState.HELD, due_time=due_time, **fields)


async def land(tx: Transaction, task: Task, job: Job, part_json: str, now: datetime) -> None:
    """One more part was found; with the last of them there is something to tell."""
    await tx.add_part(job.id, task.index, part_json)
    await _take(tx, job.beside_done(task.kind, task.weight, now))


async def leave_out(tx: Transaction, task: Task, job: Job, now: datetime) -> None:
    """A part will never be found: a report with a hole is none, and the other parts are not needed."""
    await give_up(tx, job.beside_done(task.kind, task.weight, now, failed=True), now)


async def give_up(tx: Transaction, job: Job, now: datetime) -> Job:
    """Nothing will be told of the job. `job` is locked."""
    count, weight = await tx.drop_tasks(job.id, TaskKind.ANALYSIS)
    return await _take(tx, job.without(TaskKind.ANALYSIS, count, weight, now))


async def _take(tx: Transaction, job: Job) -> Job:
    if job.finished:
        await tx.say_grown(job)
    await tx.save_job(job)
    return job


def promised(job: Job) -> tuple[Output, ...]:
    """The report that is still on its way."""
    return (File(kind="file", name=REPORT, state="preparing").output(job.id),) if job.analysis.total else ()


async def written(tx: Transaction, playlists: Playlists, job: Job) -> File | None:
    """The report of a finished job, in the store; one that was never made, where a part is missing.

    None for a job that has no analysis.
    """
    if not job.analysis.total:
        return None
    if told := [each for each in await tx.files(job.id) if each.name == REPORT]:
        # By the job that this one took everything over from.
        return told[0]
    if job.analysis.failed:
        return File(kind="file", name=REPORT, state="errored")
    # Of a long video there are megabytes: others get a turn meanwhile.
    text = await asyncio.to_thread(_report, await tx.parts(job.id))
    key = job.object_prefix + REPORT
    await playlists.write(key, text, final=True)
    return File(kind="file", name=REPORT, key=key, size=len(text), content_type="application/json")


def _report(parts: Sequence[str]) -> str:
    found = [json.loads(part) for part in parts]
    pictures = [PicturePart.from_json(part) for part in found if "rungs" in part]
    sounds = [SoundPart.from_json(part) for part in found if "rungs" not in part]
    return json.dumps(report(pictures, sounds[0] if sounds else None), separators=(",", ":"), allow_nan=False)


async def tell(tx: Transaction, job: Job, file: File) -> Job:
    """The job with its report. `job` is locked."""
    await tx.add_files(job.id, [file])
    await tx.forget_parts(job.id)
    return job.made([file.output(job.id)])
