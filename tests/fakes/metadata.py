"""Fakes of what the metadata service needs from outside, and assets to try it with."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from meshkit.ids import new_id
from services.metadata.domain import Asset, Fact, Job, Media, Output, OutputState, Source, State, Visibility, asset_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from services.metadata.service import Filter

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def a_source(tenant_id: str, **fields: Any) -> Source:
    asset_id = new_id()
    source = Source(
        id=asset_id,
        tenant_id=tenant_id,
        upload_id=new_id(),
        file_name="match.mp4",
        size=1000,
        content_type="video/mp4",
        labels={"match_id": "7"},
        visibility=Visibility.PRIVATE,
        passthrough="",
        object_key=f"assets/{asset_id}/source",
    )
    return replace(source, **fields)


def an_asset(tenant_id: str, **fields: Any) -> Asset:
    return asset_of(a_source(tenant_id, **fields), playback_id=new_id(), now=NOW)


def a_job(asset: Asset | Source, **fields: Any) -> Job:
    """Of that asset, probed, and playable when it comes so far."""
    job_id = fields.pop("id", None) or new_id()
    output = Output(
        id=new_id(), job_id=job_id, kind="hls", state=OutputState.READY, object_key="master.m3u8", width=640
    )
    job = Job(
        id=job_id,
        tenant_id=asset.tenant_id,
        asset_id=asset.id,
        playable=True,
        outputs=(output,),
        object_prefix=f"assets/{asset.id}/jobs/{job_id}/",
        media=Media(container="mp4", duration=12.5, width=640, height=360, frame_rate="30000/1001"),
        sha256="ab" * 32,
    )
    return replace(job, **fields)


@dataclass(frozen=True, kw_only=True)
class FakeDelivery:
    consumer: str = "metadata-tests-all"
    message_id: str = field(default_factory=new_id)
    create_time: datetime = NOW


@dataclass
class FakeStore:
    rows: dict[str, Asset] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    said: list[tuple[Fact, Asset]] = field(default_factory=list)
    """What went out as an event, in order."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeStore]:
        before = dict(self.rows), set(self.seen), list(self.said)
        try:
            yield self
        except BaseException:
            self.rows, self.seen, self.said = before
            raise

    async def first_time(self, consumer: str, message_id: str) -> bool:
        first = (consumer, message_id) not in self.seen
        self.seen.add((consumer, message_id))
        return first

    async def add(self, asset: Asset) -> None:
        if asset.id not in self.rows:
            await self.save(asset, Fact.CREATED)

    async def get(self, tenant_id: str, asset_id: str, *, lock: bool = False) -> Asset | None:
        asset = self.rows.get(asset_id)
        return asset if asset and asset.tenant_id == tenant_id else None

    async def playing(self, playback_id: str) -> Asset | None:
        return next((asset for asset in self.rows.values() if asset.playback_id == playback_id), None)

    async def page(self, tenant_id: str, wanted: Filter, *, before: str | None, limit: int) -> Sequence[Asset]:
        mine = [asset for asset in self.rows.values() if asset.tenant_id == tenant_id and _wanted(asset, wanted)]
        newest_first = sorted(mine, key=lambda asset: asset.id, reverse=True)
        return [asset for asset in newest_first if before is None or asset.id < before][:limit]

    async def save(self, asset: Asset, fact: Fact) -> None:
        self.rows[asset.id] = asset
        self.said.append((fact, asset))


def _wanted(asset: Asset, wanted: Filter) -> bool:
    return (
        (asset.state is wanted.state if wanted.state else asset.state is not State.DELETED)
        and wanted.kind in {None, asset.kind}
        and wanted.visibility in {None, asset.visibility}
        and wanted.labels.items() <= asset.labels.items()
    )
