"""What can be done with jobs, from outside and by events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshkit import pages
from meshkit.clock import utc_now
from meshkit.errors import Conflict, InvalidArgument, NotFound
from meshkit.ids import new_id
from services.transcode.media.preset import ENCODER_VERSION, preset_hash
from services.transcode.scheduler import analysing, editing, planning, quotas
from services.transcode.scheduler.domain import DEFAULT_PRESET, DEFAULT_PRIORITY, Job, JobState
from services.transcode.scheduler.task import TaskState

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.transcode.media.preset import Preset
    from services.transcode.scheduler.ports import Store, Transaction
    from services.transcode.scheduler.presets import Presets
    from services.transcode.scheduler.source import Source
    from services.transcode.scheduler.wish import Wish


class Jobs:
    def __init__(self, store: Store, presets: Presets, now: Callable[[], datetime] = utc_now) -> None:
        self._store = store
        self._presets = presets
        self._now = now

    async def create(self, tenant_id: str, asset_id: str, wish: Wish, request_id: str = "") -> Job:
        """Queue a job over an asset that was uploaded; or give the one that makes, or made, the same of it.

        Raises NotFound, Conflict, InvalidArgument (`unknown_preset`), Exhausted (`quota_exceeded`).
        """
        async with self._store.transaction() as tx:
            recipe = await self._known_recipe(tx, tenant_id, wish)
            source = await tx.source(tenant_id, asset_id, lock=True)
            if source is None or source.deleted:
                raise NotFound("asset_not_found", "no such asset")
            await editing.check(tx, source, recipe.edits)
            # Who is to be called when it is over has a job of its own, which takes over what the other makes.
            if not wish.callback_url and (twin := await tx.twin(source, making(recipe), request_id)):
                return twin
            return await self._queue(tx, source, wish, recipe, request_id=request_id, asked=True)

    async def check(self, tenant_id: str, wish: Wish) -> None:
        """Raise what `create` would raise in any case, whatever the asset, which is still to come."""
        async with self._store.transaction() as tx:
            recipe = await self._known_recipe(tx, tenant_id, wish)
            await editing.foresee(tx, tenant_id, recipe.edits)

    async def on_uploaded(
        self, source: Source, upload_id: str, wish: Wish, consumer: str, message_id: str, job_id: str = ""
    ) -> None:
        """A file came in: remember it, and queue its first job, under the id that the upload told already.

        One that names no preset of ours fails at once. An asset that was deleted before we heard of it stays deleted.
        """
        async with self._store.transaction() as tx:
            if not await tx.first_time(consumer, message_id):
                return
            if (await tx.add_source(source)).deleted:
                return
            await self._queue_own(tx, source, wish, f"upload:{upload_id}", upload_id=upload_id, job_id=job_id)

    async def on_deleted(self, tenant_id: str, asset_id: str, consumer: str, message_id: str) -> None:
        """An asset, or its source, went: its jobs end."""
        async with self._store.transaction() as tx:
            if not await tx.first_time(consumer, message_id):
                return
            await tx.delete_source(tenant_id, asset_id)
            for job in await tx.live_jobs(asset_id):
                await self._cancel(tx, job)

    async def on_restored(
        self, source: Source, wish: Wish, request_id: str, consumer: str, message_id: str, *, unfinished: bool
    ) -> None:
        """An asset is back: jobs can read it again. An unfinished one gets a job in place of the one that ended."""
        async with self._store.transaction() as tx:
            if not await tx.first_time(consumer, message_id):
                return
            await tx.restore_source(source)
            if unfinished:
                await self._queue_own(tx, source, wish, request_id)

    async def on_purged(self, tenant_id: str, asset_id: str, consumer: str, message_id: str) -> None:
        """Nothing is left of an asset: nor of its jobs, which ended when it was deleted."""
        async with self._store.transaction() as tx:
            if await tx.first_time(consumer, message_id):
                await tx.purge(tenant_id, asset_id)

    async def get(self, tenant_id: str, job_id: str) -> Job:
        async with self._store.transaction() as tx:
            return _found(await tx.job(job_id), tenant_id)

    async def page(
        self, tenant_id: str, *, state: JobState | None, asset_id: str, page_size: int, page_token: str
    ) -> tuple[list[Job], str]:
        size = page_size or pages.DEFAULT_SIZE
        before = pages.before(page_token)
        async with self._store.transaction() as tx:
            rows = await tx.page(tenant_id, state=state, asset_id=asset_id, before=before, limit=size + 1)
        return pages.page(rows, size)

    async def cancel(self, tenant_id: str, job_id: str) -> Job:
        """End the job; its workers hear of it with their next heartbeat. A cancelled job stays so.

        One that is ready succeeds, without the rest of its analysis.
        """
        async with self._store.transaction() as tx:
            job = _found(await tx.job(job_id, lock=True), tenant_id)
            return job if job.state is JobState.CANCELLED else await self._cancel(tx, job)

    async def retry(self, tenant_id: str, job_id: str) -> Job:
        """Begin again where the job failed or was cancelled; what is done of it is not done again.

        Raises Conflict for a job in another state, begun too often, or over for too long, and Exhausted.
        """
        now = self._now()
        async with self._store.transaction() as tx:
            job = _found(await tx.job(job_id, lock=True), tenant_id)
            source = await tx.source(tenant_id, job.asset_id)
            if source is None or source.deleted:
                raise NotFound("asset_not_found", "the asset is gone")
            made = tuple(each.output(job_id) for each in await tx.files(job_id))
            again = job.retry(made, now)
            if not again.recipe:
                raise Conflict("unknown_preset", f"there was no preset {again.preset}", preset=again.preset)
            await quotas.hold_again(tx, again, now)
            await tx.say(again, "queued")
            await tx.retry_tasks(again, now)
            if again.encoded:
                await tx.release_held(job_id, now)
            if again.finished:
                # All that was missing are its playlists.
                again = again.start(now)
                await tx.say(again, "started")
                await tx.say_grown(again)
            await tx.save_job(again)
        return again

    async def _recipe(self, tx: Transaction, tenant_id: str, wish: Wish) -> Preset | None:
        """All that is to be made and done; None where there is no such preset."""
        recipe = wish.recipe or await self._presets.resolve(tx, tenant_id, wish.preset or DEFAULT_PRESET)
        if recipe is None:
            return None
        analysis = recipe.analysis if wish.analysis is None else wish.analysis or None
        return replace(recipe, edits=wish.edits.over(recipe.edits), analysis=analysis)

    async def _known_recipe(self, tx: Transaction, tenant_id: str, wish: Wish) -> Preset:
        recipe = await self._recipe(tx, tenant_id, wish)
        if recipe is None:
            raise InvalidArgument("unknown_preset", f"there is no preset {wish.preset}", preset=wish.preset)
        return recipe

    async def _queue_own(
        self,
        tx: Transaction,
        source: Source,
        wish: Wish,
        request_id: str,
        *,
        upload_id: str | None = None,
        job_id: str = "",
    ) -> None:
        """The job that an asset has by its upload."""
        recipe = await self._recipe(tx, source.tenant_id, wish)
        job = await self._queue(tx, source, wish, recipe, request_id=request_id, upload_id=upload_id, job_id=job_id)
        if not job.recipe and not job.over:
            await fail(tx, job, "unknown_preset", f"there is no preset {job.preset}", self._now())

    async def _queue(
        self,
        tx: Transaction,
        source: Source,
        wish: Wish,
        recipe: Preset | None,
        *,
        request_id: str,
        upload_id: str | None = None,
        job_id: str = "",
        asked: bool = False,
    ) -> Job:
        now = self._now()
        job = Job(
            id=job_id or new_id(),
            tenant_id=source.tenant_id,
            asset_id=source.asset_id,
            upload_id=upload_id,
            state=JobState.QUEUED,
            preset=wish.preset or (recipe.name if recipe else DEFAULT_PRESET),
            recipe=recipe.to_json() if recipe else {},
            making=making(recipe) if recipe else "",
            priority=DEFAULT_PRIORITY if wish.priority is None else wish.priority,
            source_key=source.object_key,
            source_size=source.size,
            file_name=source.file_name,
            callback_url=wish.callback_url,
            create_time=now,
            update_time=now,
        )
        kept = await tx.add_job(job, request_id)
        if kept is job:
            await tx.say(job, "queued")
            begins = await tx.hold(job, asked=asked)
            if recipe:
                probe = planning.probe(job, now)
                await tx.add_tasks([probe if begins else replace(probe, state=TaskState.HELD)])
        return kept

    async def _cancel(self, tx: Transaction, job: Job) -> Job:
        if job.ready_time and not job.over:
            # What it made is in use: all that ends is its analysis, and so the job.
            return await analysing.give_up(tx, job, self._now())
        cancelled = job.cancel(self._now())
        await tx.cancel_tasks(job.id)
        await tx.save_job(cancelled)
        await tx.say(cancelled, "cancelled")
        return cancelled


async def fail(tx: Transaction, job: Job, code: str, message: str, now: datetime) -> Job:
    """The job ends here, with a reason; nothing more is done for it."""
    failed = job.fail(code, message, now)
    await tx.cancel_tasks(job.id)
    await tx.save_job(failed)
    await tx.say(failed, "failed")
    return failed


def making(recipe: Preset) -> str:
    """What jobs by this recipe make, as a hash: that of the same source is the same."""
    return f"{preset_hash(recipe)}-{ENCODER_VERSION}"


def _found(job: Job | None, tenant_id: str) -> Job:
    if job is None or job.tenant_id != tenant_id:
        raise NotFound("job_not_found", "no such job")
    return job
