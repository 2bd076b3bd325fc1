"""Jobs: how far they are."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from meshkit.errors import Conflict
from services.transcode.scheduler.task import TaskKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from services.transcode.scheduler.output import Output

DEFAULT_PRIORITY = 50
MAX_JOB_ATTEMPTS = 5
"""Times that a job is begun: once, and by retries."""
RETRY_WITHIN = timedelta(hours=24)
"""After its end a failed or cancelled job is kept as it is for so long; then what it made is deleted."""
PUBLISHED_STEP = 10
"""A long video's playlists are written anew whenever they can grow by this part of what they show."""
PROGRESS_STEP = 0.01
"""Less than this is no news: hours of encoding would say the same thousands of times."""
DEFAULT_PRESET = "hls"
_PROBE_WEIGHT = 0.02


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


JOB_OVER = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
JOB_LOST = frozenset({JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Tasks of one kind; those that failed for good are among the done."""

    total: int
    done: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    id: str
    tenant_id: str
    asset_id: str
    upload_id: str | None
    state: JobState
    preset: str
    recipe: Mapping[str, Any]
    """All that the preset said when the job was made, as `Preset.to_json` gives it; empty where nobody knew it."""
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
    tasks_told: int = 0
    """How many there were when it was last said that the playlists could grow."""
    weight_total: float = 0.0
    weight_done: float = 0.0
    weight_reached: float = 0.0
    """With what is done of the tasks that run."""
    pace_time: datetime | None = None
    """Since when its speed is measured: since its encode began, or began again."""
    pace_weight: float = 0.0
    """What was done by then."""
    outputs: tuple[Output, ...] = ()
    error_code: str = ""
    error_message: str = ""
    start_time: datetime | None = None
    probe_time: datetime | None = None
    playable_time: datetime | None = None
    encode_time: datetime | None = None
    end_time: datetime | None = None
    callback_url: str = ""
    beside: Mapping[str, Count] = field(default_factory=dict)
    """By kind, the tasks that encode no part of the stream; `tasks_total` and the like count all."""
    making: str = ""
    """What it makes, as a hash: of its recipe, and of how we encode. Empty for one of before there were such."""
    source_sha256: str = ""
    """Of its source, once that was probed."""
    same_as: str | None = None
    """The job that makes the same of the same bytes, while this one waits for what it makes."""
    ready_time: datetime | None = None
    """Since when all that is for players is there; its analysis may go on."""
    collected: bool = False
    """What it made before it failed, or was cancelled, is deleted."""

    @property
    def over(self) -> bool:
        return self.state in JOB_OVER

    @property
    def encoding(self) -> Count:
        """The tasks that encode the stream."""
        total, done = self.tasks_total, self.tasks_done
        for each in self.beside.values():
            total, done = total - each.total, done - each.done
        return Count(total=total, done=done)

    @property
    def encoded(self) -> bool:
        """Every encode task has its result: the playlists can be final."""
        return self._known and self.encoding.done == self.encoding.total

    @property
    def analysis(self) -> Count:
        return self.beside.get(TaskKind.ANALYSIS, Count(total=0))

    @property
    def presentable(self) -> bool:
        """Every task but those of its analysis has its result."""
        analysis = self.analysis
        return self._known and self.tasks_done - analysis.done == self.tasks_total - analysis.total

    @property
    def finished(self) -> bool:
        """Every task has its result: what is missing is to say so."""
        return self._known and self.tasks_done == self.tasks_total

    @property
    def _known(self) -> bool:
        """Its tasks are."""
        return self.probe_time is not None and self.same_as is None

    @property
    def planned(self) -> bool:
        """It has tasks beyond its probe."""
        return self.tasks_total > 0

    @property
    def object_prefix(self) -> str:
        """Beside the source: all of an asset lies in one folder."""
        return f"{self.source_key.rpartition('/')[0]}/jobs/{self.id}/"

    @property
    def worth_publishing(self) -> bool:
        """The first chunks one by one, later ones in steps of some percent: the cost per chunk stays the same.

        Until it can be played, whatever else there is.
        """
        if self.ready_time:
            return self.finished
        return not self.playable or self._grown_since(self.tasks_published)

    @property
    def worth_telling_growth(self) -> bool:
        """The same, while whoever writes the playlists has not been told of so much."""
        return self._grown_since(max(self.tasks_published, self.tasks_told))

    def told_growth(self) -> Job:
        return replace(self, tasks_told=self.tasks_done)

    def _grown_since(self, tasks: int) -> bool:
        return self.encoded or self.tasks_done - tasks > tasks // PUBLISHED_STEP

    def start(self, now: datetime) -> Job:
        """Begun, or begun again: its times count from the first time."""
        begun = replace(self, state=JobState.RUNNING, attempts=self.attempts + 1, update_time=now)
        return replace(begun, start_time=self.start_time or now).paced(now)

    def paced(self, now: datetime) -> Job:
        """Its speed is measured from now on."""
        if self.probe_time is None:
            return self
        return replace(self, pace_time=now, pace_weight=self.weight_done, weight_reached=self.weight_done)

    def probed(
        self, facts: Mapping[str, Any], weights: list[float], now: datetime, beside: Mapping[str, int] | None = None
    ) -> Job:
        """The source is known, and the tasks that follow, by weight; `beside` counts those that do not encode."""
        counts = {kind: Count(total=total) for kind, total in (beside or {}).items()}
        job = replace(
            self,
            facts=facts,
            tasks_total=len(weights),
            weight_total=sum(weights),
            beside=counts,
            probe_time=now,
            update_time=now,
        ).paced(now)
        job = job.progressed(0.0, now)
        return replace(job, encode_time=now) if job.encoded else job

    def identified(self, sha256: str) -> Job:
        return replace(self, source_sha256=sha256)

    def wait_for(self, other: Job, facts: Mapping[str, Any], now: datetime) -> Job:
        """The source is known, and `other` makes of it what this one would."""
        return replace(self, facts=facts, same_as=other.id, probe_time=now, update_time=now)

    def took(self, other: Job, now: datetime) -> Job:
        """All that `other` made is there for this one, too."""
        counts = {"tasks_total": other.tasks_total, "tasks_done": other.tasks_done, "beside": other.beside}
        weights = {"weight_total": other.weight_total, "weight_done": other.weight_done}
        return replace(self, same_as=None, encode_time=now, update_time=now, **counts, **weights)  # type: ignore[arg-type]  # of several types

    def task_done(self, weight: float, now: datetime) -> Job:
        """One more encode task has its result."""
        done = replace(self, tasks_done=self.tasks_done + 1, weight_done=self.weight_done + weight).progressed(0.0, now)
        return replace(done, encode_time=done.encode_time or now) if done.encoded else done

    def beside_done(self, kind: str, weight: float, now: datetime, *, failed: bool = False) -> Job:
        """One more task of another kind has its result, or never will."""
        count = self.beside[kind]
        count = replace(count, done=count.done + 1, failed=count.failed + failed)
        return replace(self, beside={**self.beside, kind: count}).task_done(weight, now)

    def without(self, kind: str, tasks: int, weight: float, now: datetime) -> Job:
        """So many more tasks of a kind will never have a result."""
        count = self.beside[kind]
        count = replace(count, done=count.done + tasks, failed=count.failed + tasks)
        fewer = replace(self, beside={**self.beside, kind: count}, tasks_done=self.tasks_done + tasks)
        return replace(fewer, weight_done=self.weight_done + weight).progressed(0.0, now)

    def made(self, outputs: Iterable[Output]) -> Job:
        """With these outputs, each in the place of the one with its id."""
        new = {output.id: output for output in outputs}
        kept = tuple(new.pop(output.id, output) for output in self.outputs)
        return replace(self, outputs=(*kept, *new.values()))

    def progressed(self, running: float, now: datetime) -> Job:
        """`running` is the weight done in tasks that run. Progress never goes back, and reaches 1 only with success."""
        weight = max(self.weight_reached, self.weight_done + running)
        part = weight / self.weight_total if self.weight_total else 0.0
        reached = _PROBE_WEIGHT + (0.99 - _PROBE_WEIGHT) * min(part, 1.0) if self.probe_time else 0.0
        return replace(self, weight_reached=weight, progress=max(self.progress, round(reached, 4)), update_time=now)

    def told(self, now: datetime) -> Job:
        return replace(self, progress_time=now)

    def became_playable(self, now: datetime) -> Job:
        return replace(self, playable=True, playable_time=now, update_time=now)

    def became_ready(self, now: datetime) -> Job:
        return replace(self, ready_time=now, update_time=now)

    def succeed(self, now: datetime) -> Job:
        return replace(self, state=JobState.SUCCEEDED, progress=1.0, end_time=now, update_time=now)

    def fail(self, code: str, message: str, now: datetime) -> Job:
        return replace(self._lost(now), state=JobState.FAILED, error_code=code, error_message=message)

    def cancel(self, now: datetime) -> Job:
        """Raises Conflict when the job is over."""
        if self.over:
            raise Conflict(f"job_{self.state}", f"the job is {self.state}", state=self.state)
        return replace(self._lost(now), state=JobState.CANCELLED)

    def retry(self, files: tuple[Output, ...], now: datetime) -> Job:
        """Queued again, with what is done of it, `files` among it.

        Raises Conflict unless it failed or was cancelled, not too often, and not long ago.
        """
        if self.state not in JOB_LOST:
            raise Conflict(f"job_{self.state}", f"the job is {self.state}", state=self.state)
        if self.attempts >= MAX_JOB_ATTEMPTS:
            raise Conflict("attempts_exhausted", f"the job was begun {self.attempts} times", limit=MAX_JOB_ATTEMPTS)
        if self.collected or self.end_time is None or now - self.end_time > RETRY_WITHIN:
            raise Conflict("retry_too_late", "what the job had made is deleted by now: make another job")
        # Nobody sees its stream: its playlists are written anew, from the beginning.
        hidden = replace(self, playable=False, playable_time=None, outputs=files, tasks_published=0, tasks_told=0)
        if not self.planned:
            hidden = replace(hidden, probe_time=None)
        return replace(hidden, state=JobState.QUEUED, error_code="", error_message="", end_time=None, update_time=now)

    def _lost(self, now: datetime) -> Job:
        """Over, without what it was to make."""
        outputs = tuple(replace(each, state="errored") for each in self.outputs)
        return replace(self, outputs=outputs, same_as=None, end_time=now, update_time=now)


def worth_telling(told: datetime | None, now: datetime) -> bool:
    """Whether to tell of progress again: at most once a second."""
    return told is None or now - told >= timedelta(seconds=1)
