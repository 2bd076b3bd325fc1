"""What workers say many times a second, in Postgres: by itself each time, and by nothing but compiled statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.transcode.scheduler.ports import Beat
from services.transcode.scheduler.statements import BEAT, CLAIM
from services.transcode.scheduler.tables import to_both
from services.transcode.scheduler.task import TaskKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from meshkit.direct import Direct
    from services.transcode.scheduler.domain import Job
    from services.transcode.scheduler.ports import Sign
    from services.transcode.scheduler.task import Task


class SignalRows:
    def __init__(self, connection: Direct) -> None:
        self._connection = connection

    async def claim(self, workers: Sequence[str], lease_end: datetime, now: datetime) -> Sequence[tuple[Task, Job]]:
        rows = await CLAIM.run(self._connection, workers=[*workers], lease_end=lease_end, now=now)
        return [to_both(row) for row in rows]

    async def beat(self, signs: Sequence[Sign], lease_end: datetime) -> Mapping[tuple[str, int], Beat]:
        task_ids, epochs, reached = zip(*((each.task_id, each.epoch, each.progress) for each in signs), strict=True)
        signs_of = {"task_ids": [*task_ids], "epochs": [*epochs], "reached": [*reached]}
        rows = await BEAT.run(self._connection, lease_end=lease_end, **signs_of)
        return {(row[0], row[1]): Beat(job_id=row[2], kind=TaskKind(row[3]), told_time=row[4]) for row in rows}
