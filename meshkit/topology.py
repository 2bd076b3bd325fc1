"""Every stream and every durable consumer of the mesh, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

PUBLISHERS = ("identity", "upload", "metadata", "transcode", "notify")
ALL = "all"
TASKS = "TASKS"
FEED = "FEED"

MEBIBYTE = 1 << 20
DAY = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Durable:
    """A pull consumer that the server remembers by name."""

    name: str
    stream: str
    filter_subject: str
    ack_wait: float = 10.0
    """Seconds until a message without an answer is delivered again, for which readers in order stand still.

    Whoever takes longer says that it is still at it, or its inbox drops the repeat.
    """
    max_ack_pending: int = 256
    max_waiting: int = 512
    """Readers that may ask at the same time."""

    @property
    def ordered(self) -> bool:
        """One message at a time: all others wait for it."""
        return self.max_ack_pending == 1

    def config(self) -> ConsumerConfig:
        # Deliveries are not bounded here: a message past max_deliver is invisible to lag. Attempts are counted in
        # Postgres, and a consumer terminates what can never succeed.
        return ConsumerConfig(
            durable_name=self.name,
            filter_subject=self.filter_subject,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self.ack_wait,
            max_deliver=-1,
            max_ack_pending=self.max_ack_pending,
            max_waiting=self.max_waiting,
        )


def event_stream(publisher: str) -> str:
    return publisher.upper()


def _events(publisher: str) -> StreamConfig:
    return StreamConfig(
        name=event_stream(publisher),
        subjects=[f"reelmesh.{publisher}.v1.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_bytes=256 * MEBIBYTE,
        max_age=7 * DAY,
        duplicate_window=120.0,
    )


STREAMS: dict[str, StreamConfig] = {event_stream(publisher): _events(publisher) for publisher in PUBLISHERS} | {
    # What notify tells the outside, one subject per tenant and type; a live feed resumes by its sequence.
    FEED: StreamConfig(
        name=FEED,
        subjects=["feed.>"],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.OLD,
        max_bytes=256 * MEBIBYTE,
        max_age=DAY,
        duplicate_window=120.0,
    ),
    TASKS: StreamConfig(
        name=TASKS,
        subjects=["tasks.>"],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_bytes=256 * MEBIBYTE,
        duplicate_window=120.0,
    ),
}


def durable(consumer: str, publisher: str, fact: str = ALL) -> Durable:
    """The durable `<consumer>-<publisher>-<event>`, such as `metadata-upload-completed`."""
    return DURABLES[f"{consumer}-{publisher}-{fact}"]


def _one(consumer: str, publisher: str, fact: str) -> Durable:
    return Durable(
        name=f"{consumer}-{publisher}-{fact}",
        stream=event_stream(publisher),
        filter_subject=f"reelmesh.{publisher}.v1.{fact}.*",
    )


def _all(consumer: str, publisher: str) -> Durable:
    """Every fact of a publisher in the order it was said: one at a time, whatever the number of replicas."""
    return Durable(
        name=f"{consumer}-{publisher}-{ALL}",
        stream=event_stream(publisher),
        filter_subject=f"reelmesh.{publisher}.v1.>",
        max_ack_pending=1,
    )


WORKERS = Durable(name="workers", stream=TASKS, filter_subject="tasks.*", max_ack_pending=100_000, max_waiting=10_000)
"""Shared by all workers: a message stands for one task that waits, whichever the scheduler then gives."""

DURABLES: dict[str, Durable] = {
    d.name: d
    for d in [
        _one("upload", "transcode", "job_failed"),
        _one("upload", "metadata", "asset_source_deleted"),
        _one("upload", "metadata", "asset_purged"),
        _one("metadata", "upload", "completed"),
        _all("metadata", "transcode"),
        _all("transcode", "metadata"),
        _one("transcode", "transcode", "job_grown"),
        _all("notify", "upload"),
        _all("notify", "metadata"),
        _all("notify", "transcode"),
        WORKERS,
    ]
}
