"""What tasks made, in Postgres."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from services.transcode.scheduler import observed
from services.transcode.scheduler.statements import LAND, RENDITIONS_OF, SEGMENTS_OF, changes
from services.transcode.scheduler.tables import (
    FILE_COLUMNS,
    FILES,
    JOB_CHANGES,
    RENDITIONS,
    SEGMENT_COLUMNS,
    SEGMENTS,
    to_file,
    to_rendition,
    to_segment,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.file import File
    from services.transcode.scheduler.rendition import Rendition, Segment
    from services.transcode.scheduler.task import Task


class ResultRows:
    """Of a transaction."""

    _connection: AsyncConnection

    async def add_renditions(self, renditions: Sequence[Rendition]) -> None:
        if renditions:
            await self._connection.execute(sa.insert(RENDITIONS), [asdict(each) for each in renditions])

    async def renditions(self, job_id: str) -> Sequence[Rendition]:
        return [to_rendition(row) for row in await RENDITIONS_OF.run(self._connection, job_id=job_id)]

    async def save_rendition(self, rendition: Rendition) -> None:
        where = RENDITIONS.c.job_id == rendition.job_id, RENDITIONS.c.name == rendition.name
        await self._connection.execute(sa.update(RENDITIONS).where(*where).values(asdict(rendition)))

    async def land(self, tasks: Sequence[Task], job: Job, segments: Sequence[Segment]) -> None:
        values = {column.name: [getattr(each, column.name) for each in segments] for column in SEGMENT_COLUMNS}
        values |= changes("job", JOB_CHANGES, job)
        await LAND.run(self._connection, task_ids=[task.id for task in tasks], job_id=job.id, **values)
        for task in tasks:
            observed.task_saved(self._connection, task)

    async def add_segments(self, job_id: str, segments: Sequence[Segment]) -> None:
        if segments:
            await self._connection.execute(
                insert(SEGMENTS).on_conflict_do_nothing(), [{"job_id": job_id, **each._asdict()} for each in segments]
            )

    async def segments(self, job_id: str) -> Sequence[Segment]:
        return [to_segment(row) for row in await SEGMENTS_OF.run(self._connection, job_id=job_id)]

    async def segment_keys(self, job_id: str, rendition: str, start: int, limit: int) -> Sequence[str]:
        some = SEGMENTS.c.job_id == job_id, SEGMENTS.c.rendition == rendition, SEGMENTS.c.number >= start
        found = sa.select(SEGMENTS.c.key).where(*some).order_by(SEGMENTS.c.number).limit(limit)
        return list((await self._connection.execute(found)).scalars())

    async def add_files(self, job_id: str, files: Sequence[File]) -> None:
        if files:
            new = insert(FILES).values([{"job_id": job_id, **asdict(each)} for each in files])
            values = {column.name: new.excluded[column.name] for column in FILE_COLUMNS if not column.primary_key}
            await self._connection.execute(new.on_conflict_do_update(index_elements=["job_id", "name"], set_=values))

    async def files(self, job_id: str) -> Sequence[File]:
        found = sa.select(*FILE_COLUMNS).where(FILES.c.job_id == job_id).order_by(FILES.c.name)
        return [to_file(row) for row in await self._connection.execute(found)]

    async def lock_playlists(self, job_id: str) -> None:
        await self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(job_id, 0))))
