"""Facts of the mesh, as they are told outside."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from reelmesh.metadata.v1 import metadata_events_pb2, metadata_pb2
from reelmesh.transcode.v1 import transcode_events_pb2, transcode_pb2
from reelmesh.upload.v1 import upload_events_pb2, upload_pb2

from meshkit import outbox, public
from services.notify import wire
from services.notify.consumer import PUBLIC
from services.notify.domain import TYPES, Told
from tests.fakes.notify import an_event

THEN = Timestamp(seconds=1_767_225_600)


def test_an_upload_is_told_with_its_asset() -> None:
    upload = upload_pb2.Upload(id="u", tenant_id="t", asset_id="a", size=3, update_time=THEN)
    event = wire.from_fact("upload.completed", upload_events_pb2.UploadCompleted(upload=upload))
    assert (event.tenant_id, event.asset_id, event.job_id) == ("t", "a", "")
    assert event.create_time == datetime(2026, 1, 1, tzinfo=UTC)
    assert event.data == public.upload(upload)


def test_an_asset_is_told() -> None:
    asset = metadata_pb2.Asset(id="a", tenant_id="t", state=metadata_pb2.Asset.STATE_READY, update_time=THEN)
    event = wire.from_fact("asset.ready", metadata_events_pb2.AssetReady(asset=asset))
    assert (event.tenant_id, event.asset_id, event.data["state"]) == ("t", "a", "ready")


def test_a_job_is_told_with_its_asset() -> None:
    job = transcode_pb2.Job(id="j", tenant_id="t", asset_id="a", progress=0.5, update_time=THEN)
    event = wire.from_fact("job.progress", transcode_events_pb2.JobProgressed(job=job))
    assert (event.asset_id, event.job_id, event.data["progress"]) == ("a", "j", 0.5)


def test_an_event_survives_the_feed() -> None:
    event = an_event("t", asset_id="a", job_id="j")
    assert wire.from_event(wire.to_event(event).SerializeToString()) == event


def test_a_response_carries_the_position() -> None:
    told = Told(position=7, event=an_event("t"), behind=0)
    response = wire.to_response(told, 7)
    assert (response.event.id, response.last_event_id) == ("7", "7")
    heartbeat = wire.to_response(None, 9)
    assert not heartbeat.HasField("event")
    assert heartbeat.last_event_id == "9"


@pytest.mark.parametrize("publisher", PUBLIC)
def test_facts_are_known_by_their_subjects(publisher: str) -> None:
    for name, (message, _) in PUBLIC[publisher].items():
        assert outbox.subject_of(message(), "id") == f"reelmesh.{publisher}.v1.{name}.id"


def test_every_public_type_is_told() -> None:
    told = {event_type for facts in PUBLIC.values() for _, event_type in facts.values()}
    # That a webhook is disabled we say ourselves.
    assert TYPES - told == {"webhook.disabled"}
    assert told < TYPES
