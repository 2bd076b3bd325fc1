"""The tables, and their rows as what they are."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from meshkit.db import fields_of
from services.metadata.analysis import Analysis, AnalysisState
from services.metadata.audit import Action, Record
from services.metadata.domain import Asset, Fact, State, Visibility
from services.metadata.history import Line
from services.metadata.jobs import Media, Output, OutputState
from services.metadata.kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIME = sa.DateTime(timezone=True)
_ID = sa.Uuid(as_uuid=False)
_tables = sa.MetaData()
ASSETS = sa.Table(
    "assets",
    _tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("tenant_id", _ID),
    sa.Column("upload_id", _ID),
    sa.Column("kind", sa.Text),
    sa.Column("state", sa.Text),
    sa.Column("playable", sa.Boolean),
    sa.Column("file_name", sa.Text),
    sa.Column("size", sa.BigInteger),
    sa.Column("content_type", sa.Text),
    sa.Column("sha256", sa.Text),
    sa.Column("labels", JSONB),
    sa.Column("visibility", sa.Text),
    sa.Column("passthrough", sa.Text),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("media", JSONB(none_as_null=True)),
    sa.Column("outputs", JSONB),
    sa.Column("analysis", JSONB(none_as_null=True)),
    sa.Column("object_key", sa.Text),
    sa.Column("playback_id", _ID),
    sa.Column("preset", sa.Text),
    sa.Column("declared_sha256", sa.Text),
    sa.Column("job_id", sa.Text),
    sa.Column("job_attempts", sa.Integer),
    sa.Column("object_prefix", sa.Text),
    sa.Column("votes", sa.BigInteger),
    sa.Column("create_time", _TIME),
    sa.Column("update_time", _TIME),
    sa.Column("ready_time", _TIME),
    sa.Column("delete_time", _TIME),
    sa.Column("deleted_state", sa.Text),
    sa.Column("source_delete_time", _TIME),
    sa.Column("revision", sa.BigInteger),
    sa.Column("job", JSONB),
)
VOTES = sa.Table(
    "votes", _tables, sa.Column("asset_id", _ID, primary_key=True), sa.Column("subject", sa.Text, primary_key=True)
)
HISTORY = sa.Table(
    "history",
    _tables,
    sa.Column("asset_id", _ID, primary_key=True),
    sa.Column("id", _ID, primary_key=True),
    sa.Column("tenant_id", _ID),
    sa.Column("fact", sa.Text),
    sa.Column("state", sa.Text),
    sa.Column("subject", sa.Text),
    sa.Column("job_id", sa.Text),
    sa.Column("changed", ARRAY(sa.Text)),
    sa.Column("error_code", sa.Text),
    sa.Column("revision", sa.BigInteger),
    sa.Column("create_time", _TIME),
)
AUDIT = sa.Table(
    "audit",
    _tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("tenant_id", _ID),
    sa.Column("asset_id", _ID),
    sa.Column("subject", sa.Text),
    sa.Column("action", sa.Text),
    sa.Column("create_time", _TIME),
    sa.Column("repeat_key", sa.Text),
)
LABELS = sa.Table(
    "labels",
    _tables,
    sa.Column("asset_id", _ID, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("tenant_id", _ID),
    sa.Column("value", sa.Text),
    sa.Column("number", sa.Numeric),
)
"""Follows `assets.labels` by a trigger."""
RETENTION = sa.Table(
    "retention",
    _tables,
    sa.Column("tenant_id", _ID, primary_key=True),
    sa.Column("original_days", sa.Integer),
    sa.Column("deleted_days", sa.Integer),
)
REMOVALS = sa.Table(
    "removals",
    _tables,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("tenant_id", _ID),
    sa.Column("asset_id", _ID),
    sa.Column("prefix", sa.Text),
    sa.Column("purge", sa.Boolean),
    sa.Column("due_time", _TIME),
    sa.Column("rounds", sa.Integer),
)


def from_asset(asset: Asset) -> dict[str, Any]:
    values = asdict(asset)
    if asset.analysis:
        values["analysis"]["update_time"] = asset.analysis.update_time.isoformat()
    return values


def to_asset(row: sa.Row[Any]) -> Asset:
    values = fields_of(row)
    return Asset(
        **values
        | {
            "kind": Kind(values["kind"]) if values["kind"] else None,
            "state": State(values["state"]),
            "visibility": Visibility(values["visibility"]),
            "media": Media(**values["media"]) if values["media"] else None,
            "outputs": tuple(_output(each) for each in values["outputs"]),
            "analysis": _analysis(values["analysis"]) if values["analysis"] else None,
            "deleted_state": State(values["deleted_state"]) if values["deleted_state"] else None,
        }
    )


def to_line(row: sa.Row[Any]) -> Line:
    values = fields_of(row)
    known = {"fact": Fact(values["fact"]), "state": State(values["state"]), "changed": tuple(values["changed"])}
    return Line(**values | known)


def to_record(row: sa.Row[Any]) -> Record:
    values = fields_of(row)
    return Record(**values | {"action": Action(values["action"])})


def _analysis(values: Mapping[str, Any]) -> Analysis:
    update_time = datetime.fromisoformat(values["update_time"])
    return Analysis(**{**values, "state": AnalysisState(values["state"]), "update_time": update_time})


def _output(values: Mapping[str, Any]) -> Output:
    return Output(**{**values, "state": OutputState(values["state"])})
