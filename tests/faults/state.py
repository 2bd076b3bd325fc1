"""What the scheduler has written down, read past it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.rows import class_row

if TYPE_CHECKING:
    from collections.abc import Sequence

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    id: str
    state: str
    tasks_total: int
    tasks_done: int
    error_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    id: str
    kind: str
    index: int
    state: str
    epoch: int
    attempts: int
    progress: float
    worker_id: str
    error_code: str
    spec: dict[str, Any]

    @property
    def encoding(self) -> bool:
        """In the middle of it."""
        return self.state == "running" and self.kind == "encode_video" and 0.0 < self.progress < 0.8

    @property
    def done(self) -> bool:
        return self.state == "succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    rendition: str
    number: int
    key: str
    size: int
    start: int
    ticks: int

    @property
    def epoch(self) -> int:
        """Of the claim that made it: attempts write under keys of their own."""
        return int(self.key.removesuffix(".m4s").rpartition("-")[2])


class State:
    """Each look is a connection of its own: the database may have gone since the last."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def job_of(self, asset_id: str) -> Job | None:
        return next(iter(await self._read(Job, "jobs WHERE asset_id = %s", asset_id)), None)

    async def tasks(self, job_id: str) -> list[Task]:
        return await self._read(Task, "tasks WHERE job_id = %s ORDER BY kind, index", job_id)

    async def segments(self, job_id: str) -> list[Segment]:
        return await self._read(Segment, "segments WHERE job_id = %s ORDER BY rendition, number", job_id)

    async def _read(self, row: type[R], source: str, key: str) -> list[R]:
        names = [each.name for each in fields(row)]  # type: ignore[arg-type]  # every R here is a dataclass
        statement = f"SELECT {_columns(names)} FROM transcode.{source}"
        async with await psycopg.AsyncConnection.connect(self._url) as connection:
            cursor = connection.cursor(row_factory=class_row(row))
            return await (await cursor.execute(statement.encode(), [key])).fetchall()


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"::text' if name == "id" else f'"{name}"' for name in names)
