"""Analysis hooks as protos, and what metadata says of an asset."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from reelmesh.notify.v1 import analysis_pb2

from meshkit import public
from meshkit.grpc.times import timestamp
from services.notify.ports import Source

if TYPE_CHECKING:
    from reelmesh.metadata.v1 import analysis_pb2 as metadata_pb2

    from services.notify.webhook import Webhook


def to_hook(hook: Webhook) -> analysis_pb2.AnalysisHook:
    return analysis_pb2.AnalysisHook(
        id=hook.id,
        tenant_id=hook.tenant_id,
        url=hook.url,
        description=hook.description,
        failing_since_time=timestamp(hook.failing_since_time),
        etag=hook.etag,
        create_time=timestamp(hook.create_time),
        update_time=timestamp(hook.update_time),
    )


def to_rotated(hook: Webhook) -> analysis_pb2.RotateAnalysisHookSecretResponse:
    current, *older = hook.secrets
    return analysis_pb2.RotateAnalysisHookSecretResponse(
        hook=to_hook(hook),
        secret=current.text,
        old_secret_expire_time=timestamp(older[0].expire_time if older else None),
    )


def from_open(pb: metadata_pb2.OpenAnalysisResponse) -> Source | None:
    if not pb.source_url:
        return None
    expire_time = pb.source_url_expire_time.ToDatetime(UTC)
    return Source(asset=public.asset(pb.asset), url=pb.source_url, expire_time=expire_time)
