"""The fake store and Postgres keep the same promises about which jobs are the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from meshkit.ids import new_id
from services.transcode.scheduler.domain import JobState
from tests.fakes.transcode_rows import a_job, a_source

if TYPE_CHECKING:
    from services.transcode.scheduler.ports import Store


async def test_a_request_id_counts_once_in_a_tenant(store: Store) -> None:
    tenant = new_id()
    first, second = a_job(tenant), a_job(tenant)
    async with store.transaction() as tx:
        assert await tx.add_job(first, "key") == first
    async with store.transaction() as tx:
        assert await tx.add_job(second, "key") == first
        assert await tx.add_job(second, "") == second
        other = a_job()
        assert await tx.add_job(other, "key") == other


async def test_a_twin_makes_the_same_of_the_same_source(store: Store) -> None:
    source = a_source()
    mine: dict[str, Any] = {"tenant_id": source.tenant_id, "asset_id": source.asset_id}
    twins = [a_job(**mine, making="m", state=state) for state in (JobState.SUCCEEDED, JobState.RUNNING)]
    others = [a_job(**mine, making="other"), a_job(**mine, making="m", state=JobState.FAILED), a_job(making="m")]
    async with store.transaction() as tx:
        await tx.add_source(source)
        assert await tx.twin(source, "m", "") is None
        for job in (*twins, *others):
            await tx.add_job(job, f"by {job.id}")
        assert await tx.twin(source, "m", "") == twins[1]
        assert await tx.twin(source, "m", "new") == twins[1]
        assert await tx.twin(source, "m", f"by {others[0].id}") is None


async def test_the_same_job_is_one_that_does_the_work(store: Store) -> None:
    tenant = new_id()
    same: dict[str, Any] = {"source_sha256": "ab", "making": "m"}
    asked = a_job(tenant, **same)
    others = [
        a_job(tenant, source_sha256="cd", making="m"),
        a_job(tenant, source_sha256="ab", making="other"),
        a_job(tenant, state=JobState.FAILED, **same),
        a_job(tenant, state=JobState.RUNNING, same_as=asked.id, **same),
        a_job(**same),
    ]
    works = a_job(tenant, state=JobState.RUNNING, **same)
    worked = a_job(tenant, state=JobState.SUCCEEDED, **same)
    async with store.transaction() as tx:
        for job in (asked, *others):
            await tx.add_job(job, "")
        assert await tx.same_job(asked) is None
        assert [job.id for job in await tx.waiting_jobs(1000) if job.tenant_id == tenant] == [others[3].id]
        for job in (works, worked):
            await tx.add_job(job, "")
            assert await tx.same_job(asked) == job
        assert await tx.same_job(replace(asked, making="")) is None
