"""What follows a probe: the plan's tasks, or the result of a job that makes the same of the same bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit.errors import MeshError
from services.transcode.media.errors import BadEdit
from services.transcode.media.facts import SourceFacts
from services.transcode.media.plan import plan
from services.transcode.media.preset import Preset
from services.transcode.scheduler import analysing, editing, planning
from services.transcode.scheduler.allowances import afford
from services.transcode.scheduler.jobs import fail

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Transaction


async def start(tx: Transaction, job: Job, facts: Mapping[str, Any], now: datetime) -> None:
    """The job's source is known. `job` is locked."""
    known = job.identified(str(facts.get("sha256", "")))
    if other := await tx.same_job(known):
        waiting = known.wait_for(other, facts, now)
        await tx.save_job(waiting)
        await tx.say(waiting, "probed")
    else:
        await encode(tx, known, facts, now)


async def encode(tx: Transaction, job: Job, facts: Mapping[str, Any], now: datetime) -> None:
    """Plan it, and queue what the plan says, if the tenant may have that much encoded."""
    recipe = Preset.from_json(dict(job.recipe))
    try:
        others = await editing.taken(tx, job.tenant_id, recipe.edits)
        made = plan(SourceFacts.from_json(dict(facts)), recipe, others.materials)
    except (BadEdit, MeshError) as error:
        await fail(tx, replace(job, facts=facts), error.reason, error.message, now)
        return
    if not await afford(tx, job, facts, now):
        return
    tasks = planning.tasks(job, made, now, others.sources)
    tasks += analysing.tasks(job, made, facts, now, others.sources)
    job = job.probed(facts, [each.weight for each in tasks], now, planning.beside(tasks))
    if not tasks:
        await fail(tx, job, "unsupported_codec", f"the preset {job.preset} makes nothing of this source", now)
        return
    await tx.add_renditions(planning.renditions(job, made))
    await tx.add_tasks(tasks)
    if job.encoded:
        await tx.release_held(job.id, now)
    await tx.save_job(job)
    await tx.say(job, "probed")
