"""The scheduler's tables as statements need them; migrations own their constraints, the domain their fields."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from meshkit.db import fields_of
from services.transcode.scheduler.domain import (
    Job,
    JobState,
    Output,
    Rendition,
    Segment,
    Source,
    Task,
    TaskKind,
    TaskState,
)

METADATA = sa.MetaData()
_TIME = sa.DateTime(timezone=True)
_ID = sa.Uuid(as_uuid=False)


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return sa.Table(name, METADATA, *columns)


SOURCES = _table(
    "sources",
    sa.Column("asset_id", _ID, primary_key=True),
    sa.Column("tenant_id", _ID),
    sa.Column("object_key", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("file_name", sa.Text),
    sa.Column("deleted", sa.Boolean),
)

JOBS = _table(
    "jobs",
    sa.Column("id", _ID, primary_key=True),
    sa.Column("tenant_id", _ID),
    sa.Column("asset_id", _ID),
    sa.Column("upload_id", _ID),
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
)

TASKS = _table(
    "tasks",
    sa.Column("id", _ID, primary_key=True),
    sa.Column("job_id", _ID),
    sa.Column("kind", sa.Text),
    sa.Column("index", sa.Integer),
    sa.Column("state", sa.Text),
    sa.Column("priority", sa.Text),
    sa.Column("weight", sa.Double),
    sa.Column("spec", JSONB),
    sa.Column("epoch", sa.BigInteger),
    sa.Column("attempts", sa.Integer),
    sa.Column("progress", sa.Double),
    sa.Column("worker_id", sa.Text),
    sa.Column("lease_expire_time", _TIME),
    sa.Column("not_before", _TIME),
    sa.Column("queue_time", _TIME),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
)

RENDITIONS = _table(
    "renditions",
    sa.Column("job_id", _ID, primary_key=True),
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
    sa.Column("job_id", _ID, primary_key=True),
    sa.Column("rendition", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("start", sa.BigInteger),
    sa.Column("ticks", sa.BigInteger),
)

JOB_COLUMNS = [column for column in JOBS.columns if column.name != "request_id"]
TASK_COLUMNS = list(TASKS.columns)


def to_source(row: sa.Row[Any]) -> Source:
    return Source(**fields_of(row))


def to_job(row: sa.Row[Any]) -> Job:
    values = fields_of(row)
    outputs = tuple(Output(**each) for each in values["outputs"])
    return Job(**values | {"state": JobState(values["state"]), "outputs": outputs})


def to_task(row: sa.Row[Any]) -> Task:
    values = fields_of(row)
    return Task(**values | {"state": TaskState(values["state"]), "kind": TaskKind(values["kind"])})


def to_rendition(row: sa.Row[Any]) -> Rendition:
    return Rendition(**fields_of(row))


def to_segment(row: sa.Row[Any]) -> Segment:
    return Segment(**fields_of(row))
