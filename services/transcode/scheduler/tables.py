"""The scheduler's tables as statements need them; migrations own their constraints, the domain their fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from meshkit.db import fields_of
from services.transcode.scheduler.domain import Count, Job, JobState
from services.transcode.scheduler.file import File
from services.transcode.scheduler.output import Output
from services.transcode.scheduler.rendition import Rendition, Segment
from services.transcode.scheduler.source import Source
from services.transcode.scheduler.task import Task, TaskKind, TaskState

if TYPE_CHECKING:
    from collections.abc import Sequence

METADATA = sa.MetaData()
_TIME = sa.DateTime(timezone=True)
ID = sa.Uuid(as_uuid=False)


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(name, METADATA, *columns)


SOURCES = _table(
    "sources",
    sa.Column("asset_id", ID, primary_key=True),
    sa.Column("tenant_id", ID),
    sa.Column("object_key", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("file_name", sa.Text),
    sa.Column("deleted", sa.Boolean),
    sa.Column("sha256", sa.Text),
)

JOBS = _table(
    "jobs",
    sa.Column("id", ID, primary_key=True),
    sa.Column("tenant_id", ID),
    sa.Column("asset_id", ID),
    sa.Column("upload_id", ID),
    sa.Column("request_id", sa.Text),
    sa.Column("state", sa.Text),
    sa.Column("preset", sa.Text),
    sa.Column("priority", sa.Integer),
    sa.Column("source_key", sa.Text),
    sa.Column("source_size", sa.BigInteger),
    sa.Column("file_name", sa.Text),
    sa.Column("attempts", sa.Integer),
    sa.Column("progress", sa.Double),
    sa.Column("progress_time", _TIME),
    sa.Column("playable", sa.Boolean),
    sa.Column("facts", JSONB(none_as_null=True)),
    sa.Column("tasks_total", sa.Integer),
    sa.Column("tasks_done", sa.Integer),
    sa.Column("tasks_published", sa.Integer),
    sa.Column("tasks_told", sa.Integer),
    sa.Column("weight_total", sa.Double),
    sa.Column("weight_done", sa.Double),
    sa.Column("outputs", JSONB),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("create_time", _TIME),
    sa.Column("update_time", _TIME),
    sa.Column("start_time", _TIME),
    sa.Column("probe_time", _TIME),
    sa.Column("playable_time", _TIME),
    sa.Column("encode_time", _TIME),
    sa.Column("end_time", _TIME),
    sa.Column("callback_url", sa.Text),
    sa.Column("beside", JSONB),
    sa.Column("recipe", JSONB),
    sa.Column("weight_reached", sa.Double),
    sa.Column("pace_time", _TIME),
    sa.Column("pace_weight", sa.Double),
    sa.Column("collected", sa.Boolean),
    sa.Column("making", sa.Text),
    sa.Column("source_sha256", sa.Text),
    sa.Column("same_as", ID),
    sa.Column("ready_time", _TIME),
)

TASKS = _table(
    "tasks",
    sa.Column("id", ID, primary_key=True),
    sa.Column("job_id", ID),
    sa.Column("tenant_id", ID),
    sa.Column("kind", sa.Text),
    sa.Column("index", sa.Integer),
    sa.Column("state", sa.Text),
    sa.Column("due_time", _TIME),
    sa.Column("weight", sa.Double),
    sa.Column("spec", JSONB),
    sa.Column("epoch", sa.BigInteger),
    sa.Column("attempts", sa.Integer),
    sa.Column("progress", sa.Double),
    sa.Column("worker_id", sa.Text),
    sa.Column("lease_expire_time", _TIME),
    sa.Column("not_before", _TIME),
    sa.Column("queue_time", _TIME),
    sa.Column("trace", JSONB),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
)

SHARES = _table(
    "shares",
    sa.Column("tenant_id", ID, primary_key=True),
    sa.Column("spent", sa.Double),
    sa.Column("active", sa.Boolean),
)

RENDITIONS = _table(
    "renditions",
    sa.Column("job_id", ID, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("place", sa.Integer),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("frame_rate", sa.Text),
    sa.Column("init_key", sa.Text),
    sa.Column("codec", sa.Text),
    sa.Column("timescale", sa.Integer),
)

SEGMENTS = _table(
    "segments",
    sa.Column("job_id", ID, primary_key=True),
    sa.Column("rendition", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("start", sa.BigInteger),
    sa.Column("ticks", sa.BigInteger),
)

FILES = _table(
    "files",
    sa.Column("job_id", ID, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text),
    sa.Column("state", sa.Text),
    sa.Column("key", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("content_type", sa.Text),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("duration", sa.Double),
    sa.Column("codec", sa.Text),
    sa.Column("bit_rate", sa.BigInteger),
)

PRESETS = _table(
    "presets",
    sa.Column("tenant_id", ID, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("recipe", JSONB),
    sa.Column("revision", sa.Integer),
    sa.Column("create_time", _TIME),
    sa.Column("update_time", _TIME),
)

JOB_COLUMNS = [column for column in JOBS.columns if column.name != "request_id"]
TASK_COLUMNS = list(TASKS.columns)
_JOB_NAMES = [column.name for column in JOB_COLUMNS]
_TASK_NAMES = [column.name for column in TASK_COLUMNS]
_RENDITION_NAMES = [column.name for column in RENDITIONS.columns]
TASK_CHANGES = [
    *("state", "due_time", "epoch", "attempts", "progress", "worker_id", "lease_expire_time", "not_before"),
    *("error_code", "error_message"),
]
"""What of a task may change."""
JOB_CHANGES = [
    *("state", "attempts", "progress", "progress_time", "playable", "error_code", "error_message"),
    *("tasks_total", "tasks_done", "tasks_published", "tasks_told", "weight_total", "weight_done"),
    *("update_time", "start_time", "probe_time", "playable_time", "encode_time", "end_time"),
    *("weight_reached", "pace_time", "pace_weight", "collected", "source_sha256", "same_as", "ready_time"),
]
"""What of a job may change from task to task: its facts and outputs change rarely."""
SEGMENT_COLUMNS = [column for column in SEGMENTS.columns if column.name != "job_id"]
FILE_COLUMNS = [column for column in FILES.columns if column.name != "job_id"]


# Literal, not bound: a prepared statement finds a partial index by what it says.
QUEUED = TASKS.c.state == sa.literal_column(f"'{TaskState.QUEUED}'")
RUNNING = TASKS.c.state == sa.literal_column(f"'{TaskState.RUNNING}'")
JOB_LOST = sa.literal_column("state IN ('failed', 'cancelled') AND NOT collected", sa.Boolean)
JOB_RUNNING = JOBS.c.state == sa.literal_column(f"'{JobState.RUNNING}'")


def to_source(row: sa.Row[Any]) -> Source:
    return Source(**fields_of(row))


def to_job(row: Sequence[Any]) -> Job:
    """From a row that begins with JOB_COLUMNS."""
    values = dict(zip(_JOB_NAMES, row, strict=False))
    outputs = tuple(Output(**each) for each in values["outputs"])
    beside = {kind: Count(**each) for kind, each in values["beside"].items()}
    return Job(**values | {"state": JobState(values["state"]), "outputs": outputs, "beside": beside})


def to_task(row: Sequence[Any]) -> Task:
    """From a row that begins with TASK_COLUMNS."""
    values = dict(zip(_TASK_NAMES, row, strict=False))
    return Task(**values | {"state": TaskState(values["state"]), "kind": TaskKind(values["kind"])})


def to_both(row: Sequence[Any]) -> tuple[Task, Job]:
    """From a row of TASK_COLUMNS and JOB_COLUMNS."""
    return to_task(row), to_job(row[len(TASK_COLUMNS) :])


def to_rendition(row: Sequence[Any]) -> Rendition:
    return Rendition(**dict(zip(_RENDITION_NAMES, row, strict=True)))


def to_segment(row: Sequence[Any]) -> Segment:
    return Segment(*row)


def to_file(row: sa.Row[Any]) -> File:
    return File(**fields_of(row))
