"""Fakes of what the metadata service needs from outside, and assets to try it with."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from meshkit.ids import new_id
from services.metadata.domain import Asset, Fact, Source, State, Visibility, asset_of
from services.metadata.history import KEPT
from services.metadata.jobs import Job, Media, Output, OutputState
from services.metadata.labels import same

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from services.metadata.audit import Record, Wanted
    from services.metadata.history import Line
    from services.metadata.listing import Filter, Order, Place
    from services.metadata.policy import Policy
    from services.metadata.ports import Removal, Transaction

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


@dataclass
class FakeObjects:
    removed: list[str] = field(default_factory=list)
    failure: Exception | None = None

    async def remove(self, prefix: str) -> None:
        if self.failure:
            raise self.failure
        self.removed.append(prefix)

    def url(self, key: str, expires_in: int) -> str:
        return f"https://objects.example/{key}?expires_in={expires_in}"


@dataclass
class FakeStore:
    rows: dict[str, Asset] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)
    said: list[tuple[Fact, Asset]] = field(default_factory=list)
    """What went out as an event, in order."""
    lines: list[Line] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    votes: set[tuple[str, str]] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    removals: dict[str, Removal] = field(default_factory=dict)
    purged: list[str] = field(default_factory=list)
    """Assets that were said to be gone."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        before = {each.name: getattr(self, each.name).copy() for each in fields(self)}
        try:
            yield self
        except BaseException:
            for name, value in before.items():
                setattr(self, name, value)
            raise

    async def first_time(self, consumer: str, message_id: str) -> bool:
        first = (consumer, message_id) not in self.seen
        self.seen.add((consumer, message_id))
        return first

    async def add(self, asset: Asset) -> bool:
        if asset.id in self.rows:
            return False
        await self.save(asset, Fact.CREATED)
        return True

    async def get(self, tenant_id: str, asset_id: str, *, lock: bool = False) -> Asset | None:
        asset = self.rows.get(asset_id)
        return asset if asset and asset.tenant_id == tenant_id else None

    async def anyones(self, asset_id: str) -> Asset | None:
        return self.rows.get(asset_id)

    async def playing(self, playback_id: str) -> Asset | None:
        return next((asset for asset in self.rows.values() if asset.playback_id == playback_id), None)

    async def page(
        self, tenant_id: str, wanted: Filter, order: Order, *, after: Place | None, limit: int
    ) -> Sequence[Asset]:
        def place(asset: Asset) -> Any:
            return _place(order.place(asset))

        mine = [asset for asset in self.rows.values() if asset.tenant_id == tenant_id and _wanted(asset, wanted)]
        if after and order.descending:
            mine = [asset for asset in mine if place(asset) < _place(after)]
        elif after:
            mine = [asset for asset in mine if place(asset) > _place(after)]
        return sorted(mine, key=place, reverse=order.descending)[:limit]

    async def save(self, asset: Asset, fact: Fact) -> None:
        kept = self.rows.get(asset.id, asset)
        self.rows[asset.id] = replace(asset, votes=kept.votes)
        self.said.append((fact, asset))

    async def keep_answer(self, asset_id: str, answer: str) -> None:
        self.answers.setdefault(asset_id, answer)

    async def answer(self, asset_id: str) -> str:
        return self.answers[asset_id]

    async def note(self, line: Line, keep: int = KEPT) -> None:
        old = line.revision - keep
        self.lines = [each for each in self.lines if each.asset_id != line.asset_id or each.revision > old]
        self.lines.append(line)

    async def history(self, asset_id: str, *, before: str | None, limit: int) -> Sequence[Line]:
        mine = [line for line in self.lines if line.asset_id == asset_id and (not before or line.id < before)]
        return sorted(mine, key=lambda line: line.id, reverse=True)[:limit]

    async def audited(self, tenant_id: str, wanted: Wanted, *, before: str | None, limit: int) -> Sequence[Record]:
        mine = [each for each in self.records if each.tenant_id == tenant_id and (before is None or each.id < before)]
        mine = [each for each in mine if all(getattr(each, name) == it for name, it in wanted.values().items())]
        return sorted(mine, key=lambda each: each.id, reverse=True)[:limit]

    async def record(self, record: Record) -> None:
        if record.repeat_key is None or record.repeat_key not in {each.repeat_key for each in self.records}:
            self.records.append(record)

    async def vote(self, asset_id: str, subject: str) -> int:
        self.votes.add((asset_id, subject))
        return self._count(asset_id)

    async def withdraw(self, asset_id: str, subject: str) -> int:
        self.votes.discard((asset_id, subject))
        return self._count(asset_id)

    async def policy(self, tenant_id: str) -> Policy | None:
        return self.policies.get(tenant_id)

    async def save_policy(self, tenant_id: str, policy: Policy) -> None:
        self.policies[tenant_id] = policy

    async def overdue(self, now: datetime, default: Policy, limit: int) -> Sequence[Asset]:
        return [
            asset
            for asset in self.rows.values()
            if asset.state is State.DELETED
            and _past(asset.delete_time, self.policies.get(asset.tenant_id, default).deleted_days, now)
        ][:limit]

    async def overdue_sources(self, now: datetime, default: Policy, limit: int) -> Sequence[Asset]:
        return [
            asset
            for asset in self.rows.values()
            if asset.state is State.READY
            and not asset.source_delete_time
            and _past(asset.ready_time, self.policies.get(asset.tenant_id, default).original_days, now)
        ][:limit]

    async def purge(self, asset: Asset) -> None:
        del self.rows[asset.id]
        self.answers.pop(asset.id, None)
        self.lines = [line for line in self.lines if line.asset_id != asset.id]
        self.votes = {vote for vote in self.votes if vote[0] != asset.id}

    async def remove(self, removal: Removal) -> None:
        self.removals[removal.id] = removal

    async def removed(self, tenant_id: str, asset_id: str) -> bool:
        mine = [each for each in self.removals.values() if (each.tenant_id, each.asset_id) == (tenant_id, asset_id)]
        return any(each.purge for each in mine)

    async def due(self, now: datetime, limit: int) -> Sequence[Removal]:
        due = [each for each in self.removals.values() if each.due_time <= now]
        return sorted(due, key=lambda each: each.due_time)[:limit]

    async def forget(self, removal: Removal) -> None:
        del self.removals[removal.id]

    async def say_purged(self, removal: Removal) -> None:
        self.purged.append(removal.asset_id)

    def _count(self, asset_id: str) -> int:
        votes = sum(voted == asset_id for voted, _ in self.votes)
        self.rows[asset_id] = replace(self.rows[asset_id], votes=votes)
        return votes


def _place(place: Place) -> tuple[Any, str]:
    return place.value.encode() if isinstance(place.value, str) else place.value, place.id


def _past(since: datetime | None, days: int | None, now: datetime) -> bool:
    return since is not None and days is not None and since + timedelta(days=days) <= now


def _wanted(asset: Asset, wanted: Filter) -> bool:
    return (
        (asset.state is wanted.state if wanted.state else asset.state is not State.DELETED)
        and wanted.kind in {None, asset.kind}
        and wanted.visibility in {None, asset.visibility}
        and all(same(asset.labels, name, value) for name, value in wanted.labels.items())
        and all(bound.holds(asset.labels) for bound in wanted.bounds)
        and wanted.name.lower() in asset.file_name.lower()
        and (wanted.created_after is None or asset.create_time > wanted.created_after)
        and (wanted.created_before is None or asset.create_time < wanted.created_before)
    )
