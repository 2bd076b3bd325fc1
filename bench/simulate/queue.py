"""A queue of tasks and the workers at it, event by event: videos come at random, workers take what is due first."""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD_START = 3600.0
"""As the scheduler gives it to what makes a video playable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Tasks of one kind: how many a video has, and seconds that one took, as they were measured."""

    per_video: float
    seconds: Sequence[float]
    urgent: bool = False
    """The first one of a video goes first."""

    @property
    def work(self) -> float:
        return self.per_video * sum(self.seconds) / len(self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A video is one task first, its probe, and when that is done all the others at once."""

    probe: Kind
    others: Sequence[Kind]

    @property
    def work(self) -> float:
        """Seconds of one worker for a video, on average."""
        return self.probe.work + sum(kind.work for kind in self.others)


@dataclass(slots=True)
class Waits:
    """Seconds."""

    first: list[float] = field(default_factory=list)
    """Until a video's first task began."""
    every: list[float] = field(default_factory=list)
    """Until any task began."""
    ready: list[float] = field(default_factory=list)
    """Until a video's last task was done."""


@dataclass(slots=True)
class _Video:
    came: float
    left: int = 1


@dataclass(slots=True, order=True)
class _Task:
    due: float
    number: int
    since: float = field(compare=False)
    video: _Video = field(compare=False)
    kind: Kind = field(compare=False)


class Simulation:
    """`workers` that are busy for `utilisation` of their time, until `videos` have come and all is done."""

    def __init__(self, load: Load, *, workers: int, utilisation: float, videos: int, seed: int = 1) -> None:
        self._load = load
        self._random = random.Random(seed)  # the same figures from the same measurements
        self._rate = utilisation * workers / load.work
        self._arrivals = deque(self._drawn_arrivals(videos))
        self._free = workers
        self._numbers = count()
        self._queue: list[_Task] = []
        self._running: list[tuple[float, int, _Task]] = []

    def run(self) -> Waits:
        waits = Waits()
        while self._arrivals or self._running:
            next_end = self._running[0][0] if self._running else float("inf")
            if self._arrivals and self._arrivals[0] <= next_end:
                now = self._arrivals.popleft()
                self._put(self._load.probe, _Video(now), now, first=True)
            else:
                now, _, task = heapq.heappop(self._running)
                self._free += 1
                self._ended(task, now, waits)
            self._begin(now, waits)
        return waits

    def _drawn_arrivals(self, videos: int) -> list[float]:
        now, times = 0.0, []
        for _ in range(videos):
            now += self._random.expovariate(self._rate)
            times.append(now)
        return times

    def _put(self, kind: Kind, video: _Video, now: float, *, first: bool) -> None:
        due = now - HEAD_START if first and kind.urgent else now
        heapq.heappush(self._queue, _Task(due, next(self._numbers), now, video, kind))

    def _begin(self, now: float, waits: Waits) -> None:
        while self._free and self._queue:
            task = heapq.heappop(self._queue)
            self._free -= 1
            waits.every.append(now - task.since)
            if task.kind is self._load.probe:
                waits.first.append(now - task.since)
            end = now + self._random.choice(task.kind.seconds)
            heapq.heappush(self._running, (end, task.number, task))

    def _ended(self, task: _Task, now: float, waits: Waits) -> None:
        video = task.video
        video.left -= 1
        if task.kind is self._load.probe:
            for kind in self._load.others:
                for number in range(self._drawn_count(kind.per_video)):
                    video.left += 1
                    self._put(kind, video, now, first=not number)
        if not video.left:
            waits.ready.append(now - video.came)

    def _drawn_count(self, per_video: float) -> int:
        """A whole number that is `per_video` on average."""
        return int(per_video) + (self._random.random() < per_video % 1)
