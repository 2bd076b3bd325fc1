"""Jobs, the tasks that they are made of, and the leases under which workers hold them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from meshkit.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MAX_ATTEMPTS = 5
"""Claims of one task that may end without a result."""
BULK_BELOW = 30
"""Jobs of lower priority wait for the others' tasks."""
DEFAULT_PRIORITY = 50
PUBLISHED_STEP = 25
"""A long video's playlists are written anew whenever they can grow by this part of what they show."""
FIRST = "first"
"""The most urgent part of the work queue."""
DEFAULT_PRESET = "hls"
_PROBE_WEIGHT = 0.02


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskKind(StrEnum):
    PROBE = "probe"
    ENCODE_VIDEO = "encode_video"
    ENCODE_AUDIO = "encode_audio"

    @property
    def queue(self) -> str:
        return "probe" if self is TaskKind.PROBE else "encode"


JOB_OVER = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
TASK_OVER = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an asset's jobs read; `size` in bytes."""

    asset_id: str
    tenant_id: str
    object_key: str
    size: int
    file_name: str
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a job made: bits per second, bytes, seconds; `codec` as in RFC 6381."""

    id: str
    kind: str
    name: str
    state: str
    object_key: str
    width: int = 0
    height: int = 0
    bit_rate: int = 0
    codec: str = ""
    size: int = 0
    duration: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    id: str
    tenant_id: str
    asset_id: str
    upload_id: str | None
    state: JobState
    preset: str
    priority: int
    source_key: str
    source_size: int
    file_name: str
    create_time: datetime
    update_time: datetime
    attempts: int = 0
    progress: float = 0.0
    progress_time: datetime | None = None
    """When progress was last told to the world."""
    playable: bool = False
    facts: Mapping[str, Any] | None = None
    tasks_total: int = 0
    tasks_done: int = 0
    tasks_published: int = 0
    """Encode tasks that the playlists know of."""
    weight_total: float = 0.0
    weight_done: float = 0.0
    outputs: tuple[Output, ...] = ()
    error_code: str = ""
    error_message: str = ""
    start_time: datetime | None = None
    probe_time: datetime | None = None
    playable_time: datetime | None = None
    encode_time: datetime | None = None
    end_time: datetime | None = None

    @property
    def over(self) -> bool:
        return self.state in JOB_OVER

    @property
    def encoded(self) -> bool:
        """Every encode task has its result; only the final playlists are missing."""
        return self.probe_time is not None and self.tasks_done == self.tasks_total

    @property
    def object_prefix(self) -> str:
        return f"assets/{self.asset_id}/jobs/{self.id}/"

    @property
    def worth_publishing(self) -> bool:
        """The first chunks one by one, later ones in steps of a few percent: the cost per chunk stays the same."""
        fresh = self.tasks_done - self.tasks_published
        return self.encoded or fresh > self.tasks_published // PUBLISHED_STEP

    def start(self, now: datetime) -> Job:
        return replace(self, state=JobState.RUNNING, attempts=self.attempts + 1, start_time=now, update_time=now)

    def probed(self, facts: Mapping[str, Any], weights: list[float], now: datetime) -> Job:
        """The source is known, and the encode tasks that follow, by weight."""
        return replace(
            self,
            facts=facts,
            tasks_total=len(weights),
            weight_total=sum(weights),
            probe_time=now,
            update_time=now,
        ).progressed(0.0, now)

    def task_done(self, weight: float, running: float, now: datetime) -> Job:
        """One more encode task has its result; `running` is the weight done in those that run."""
        done = replace(
            self, tasks_done=self.tasks_done + 1, weight_done=self.weight_done + weight, update_time=now
        ).progressed(running, now)
        return replace(done, encode_time=now) if done.encoded else done

    def progressed(self, running: float, now: datetime) -> Job:
        """Progress never goes back, and reaches 1 only with success."""
        part = (self.weight_done + running) / self.weight_total if self.weight_total else 0.0
        reached = _PROBE_WEIGHT + (0.99 - _PROBE_WEIGHT) * min(part, 1.0) if self.probe_time else 0.0
        return replace(self, progress=max(self.progress, round(reached, 4)), update_time=now)

    def told(self, now: datetime) -> Job:
        return replace(self, progress_time=now)

    def worth_telling(self, now: datetime) -> bool:
        """At most once a second."""
        return self.progress_time is None or now - self.progress_time >= timedelta(seconds=1)

    def became_playable(self, now: datetime) -> Job:
        return replace(self, playable=True, playable_time=now, update_time=now)

    def succeed(self, outputs: tuple[Output, ...], now: datetime) -> Job:
        return replace(self, state=JobState.SUCCEEDED, progress=1.0, outputs=outputs, end_time=now, update_time=now)

    def fail(self, code: str, message: str, now: datetime) -> Job:
        return replace(
            self, state=JobState.FAILED, error_code=code, error_message=message, end_time=now, update_time=now
        )

    def cancel(self, now: datetime) -> Job:
        """Raises Conflict when the job is over."""
        if self.over:
            raise Conflict(f"job_{self.state}", f"the job is {self.state}", state=self.state)
        return replace(self, state=JobState.CANCELLED, end_time=now, update_time=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing for one worker. `epoch` counts the claims: only the newest claim's words count."""

    id: str
    job_id: str
    kind: TaskKind
    index: int
    state: TaskState = TaskState.QUEUED
    priority: str
    weight: float
    """Its share of the job's work; only the ratio to the other tasks matters."""
    spec: Mapping[str, Any] = field(default_factory=dict)
    epoch: int = 0
    attempts: int = 0
    progress: float = 0.0
    worker_id: str = ""
    lease_expire_time: datetime | None = None
    not_before: datetime | None = None
    """While a failed attempt's backoff lasts."""
    queue_time: datetime
    """When its queue message was last known to be there."""
    error_code: str = ""
    error_message: str = ""

    @property
    def subject(self) -> str:
        return f"tasks.{self.kind.queue}.{self.priority}.{self.id}"

    @property
    def over(self) -> bool:
        return self.state in TASK_OVER

    def claimable_in(self, now: datetime) -> float:
        """Seconds until the task can be claimed; 0 for now."""
        until = self.lease_expire_time if self.state is TaskState.RUNNING else self.not_before
        return max((until - now).total_seconds(), 0.0) if until else 0.0

    def claim(self, worker_id: str, lease: timedelta, now: datetime) -> Task:
        return replace(
            self,
            state=TaskState.RUNNING,
            epoch=self.epoch + 1,
            attempts=self.attempts + 1,
            progress=0.0,
            worker_id=worker_id,
            lease_expire_time=now + lease,
            not_before=None,
        )

    def held(self, epoch: int) -> Task:
        """The same task. Raises Conflict (`stale_epoch`) unless it runs under `epoch`."""
        if self.epoch != epoch or self.state is not TaskState.RUNNING:
            raise Conflict("stale_epoch", "the task is no longer held under this epoch", epoch=self.epoch)
        return self

    def beat(self, epoch: int, progress: float, lease: timedelta, now: datetime) -> Task:
        held = self.held(epoch)
        return replace(held, progress=max(held.progress, progress), lease_expire_time=now + lease)

    def succeed(self, epoch: int) -> Task:
        return replace(self.held(epoch), state=TaskState.SUCCEEDED, progress=1.0, lease_expire_time=None)

    def fail(self, epoch: int, code: str, message: str) -> Task:
        return replace(
            self.held(epoch),
            state=TaskState.FAILED,
            lease_expire_time=None,
            error_code=code,
            error_message=message,
        )

    def retry(self, epoch: int, code: str, message: str, backoff: timedelta, now: datetime) -> Task:
        """Queued again, not to be claimed before the backoff is over."""
        return replace(
            self.held(epoch),
            state=TaskState.QUEUED,
            progress=0.0,
            lease_expire_time=None,
            not_before=now + backoff,
            error_code=code,
            error_message=message,
        )

    def release(self, epoch: int) -> Task:
        """Handed back undone: it does not count as an attempt."""
        return replace(
            self.held(epoch),
            state=TaskState.QUEUED,
            progress=0.0,
            attempts=self.attempts - 1,
            lease_expire_time=None,
        )

    def expire(self) -> Task:
        """Queued again after its lease ran out, before all that is new: it should have been done by now."""
        return replace(self, state=TaskState.QUEUED, priority=FIRST, progress=0.0, lease_expire_time=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """One rung, or the audio, of a job; what is empty is known with the first result."""

    job_id: str
    name: str
    kind: str
    place: int
    """Its order in the playlists."""
    width: int = 0
    height: int = 0
    frame_rate: str = ""
    init_key: str = ""
    codec: str = ""
    timescale: int = 0

    def described(self, init_key: str, codec: str, timescale: int) -> Rendition:
        """Raises Conflict when a chunk's init segment is not that of the chunks before it."""
        if self.init_key and self.init_key != init_key:
            raise Conflict("init_mismatch", f"{self.name}: the init segments of two chunks differ")
        return replace(self, init_key=init_key, codec=codec, timescale=timescale)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """`size` in bytes; `start` and `ticks` in the rendition's timescale."""

    rendition: str
    number: int
    key: str
    size: int
    start: int
    ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one encode task gave for one rendition."""

    rendition: str
    init_key: str
    codec: str
    timescale: int
    segments: tuple[Segment, ...]
