"""Fakes of what the upload service needs from outside."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from meshkit.errors import Conflict, NotFound
from services.upload.domain import Part, State, Transport, Upload
from services.upload.ports import SignedSeries
from services.upload.quotas import NO_LIMITS, Limits, Tenant, counted, ended_empty

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime


@dataclass
class FakeStore:
    rows: dict[str, Upload] = field(default_factory=dict)
    request_ids: dict[tuple[str, str], str] = field(default_factory=dict)
    said: list[Upload] = field(default_factory=list)
    """What went out as an event, in order."""
    news: list[Upload] = field(default_factory=list)
    """What was said of uploads on their way."""
    limits: Limits = NO_LIMITS
    tenants: dict[str, Tenant] = field(default_factory=dict)
    charged: dict[str, int] = field(default_factory=dict)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeStore]:
        before = dict(self.rows), dict(self.request_ids), list(self.said), dict(self.tenants), dict(self.charged)
        try:
            yield self
        except BaseException:
            self.rows, self.request_ids, self.said, self.tenants, self.charged = before
            raise

    async def add(self, upload: Upload, request_id: str) -> Upload:
        key = (upload.tenant_id, request_id)
        if request_id and key in self.request_ids:
            return self.rows[self.request_ids[key]]
        self.request_ids[key] = upload.id
        tenant = await self.tenant(upload.tenant_id)
        self.tenants[upload.tenant_id] = tenant.opened(self.limits, upload.create_time)
        self.rows[upload.id] = upload
        self._settle(upload, counted(upload, 0))
        self.said.append(upload)
        return upload

    async def template(self, tenant_id: str) -> str | None:
        return (await self.tenant(tenant_id)).object_key_template

    async def tenant(self, tenant_id: str) -> Tenant:
        return self.tenants.get(tenant_id, Tenant(tenant_id=tenant_id))

    async def save_tenant(self, tenant: Tenant) -> None:
        self.tenants[tenant.tenant_id] = tenant

    async def charge(self, upload: Upload) -> None:
        if ended_empty(upload):
            self.tenants[upload.tenant_id] = (await self.tenant(upload.tenant_id)).dropped(upload)
        self._settle(upload, counted(upload, self.charged.get(upload.id, 0)))

    async def free(self, upload: Upload) -> None:
        self._settle(upload, 0)

    async def forget(self, upload: Upload) -> None:
        self.rows.pop(upload.id, None)

    def _settle(self, upload: Upload, after: int) -> None:
        tenant = self.tenants.get(upload.tenant_id, Tenant(tenant_id=upload.tenant_id))
        more = after - self.charged.get(upload.id, 0)
        self.tenants[upload.tenant_id] = tenant.stored(more, self.limits, upload.update_time)
        self.charged[upload.id] = after

    async def get(self, tenant_id: str, upload_id: str, *, lock: bool = False) -> Upload | None:
        upload = self.rows.get(upload_id)
        return upload if upload and upload.tenant_id == tenant_id else None

    async def find(self, tenant_id: str, upload_id: str) -> Upload | None:
        return await self.get(tenant_id, upload_id)

    async def of_asset(self, tenant_id: str, asset_id: str) -> Upload | None:
        mine = (upload for upload in self.rows.values() if upload.tenant_id == tenant_id)
        return next((upload for upload in mine if upload.asset_id == asset_id), None)

    async def page(self, tenant_id: str, *, before: str | None, limit: int) -> Sequence[Upload]:
        mine = sorted((u for u in self.rows.values() if u.tenant_id == tenant_id), key=lambda u: u.id, reverse=True)
        return [upload for upload in mine if before is None or upload.id < before][:limit]

    async def stale(self, now: datetime, limit: int) -> Sequence[Upload]:
        return [u for u in self.rows.values() if u.state is State.RECEIVING and u.expire_time < now][:limit]

    async def unseen(self, now: datetime, limit: int) -> Sequence[Upload]:
        return [u for u in self._receiving() if u.look_time and u.look_time < now][:limit]

    async def unfetched(self, now: datetime, limit: int) -> Sequence[Upload]:
        return [u for u in self._receiving() if u.transport is Transport.FETCHED and not u.held(now)][:limit]

    async def look_soon(self, upload_id: str, then: datetime) -> None:
        upload = self.rows[upload_id]
        if upload.look_time and upload.look_time > then:
            self.rows[upload_id] = replace(upload, look_time=then)

    async def save(self, upload: Upload) -> None:
        self.rows[upload.id] = upload
        await self.charge(upload)
        self.said.append(upload)

    async def keep(self, upload: Upload, *, news: bool = False) -> None:
        self.rows[upload.id] = upload
        if upload.size_deferred:
            await self.charge(upload)
        if news:
            self.news.append(upload)

    def _receiving(self) -> list[Upload]:
        return [upload for upload in self.rows.values() if upload.state is State.RECEIVING]


@dataclass
class FakeObjects:
    multiparts: dict[str, dict[int, Part]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    tails: dict[str, bytes] = field(default_factory=dict)

    async def begin(self, key: str, content_type: str) -> str:
        multipart_id = f"multipart-{len(self.multiparts)}-{key}"
        self.multiparts[multipart_id] = {}
        return multipart_id

    def sign(self, upload: Upload, numbers: Sequence[int], size: int | None, expires_in: int) -> SignedSeries:
        begin = f"fake://{upload.object_key}?multipart={upload.multipart_id}&part="
        signatures = [f"of-{number}" for number in numbers]
        return SignedSeries(numbers=numbers, size=size, begin=begin, end="&signature=", signatures=signatures)

    async def receive(self, upload: Upload, number: int, body: bytes) -> None:
        """What a client's PUT does."""
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self.multiparts[upload.multipart_id][number] = Part(number=number, etag=etag, size=len(body))

    async def parts(self, upload: Upload) -> list[Part]:
        if upload.multipart_id not in self.multiparts:
            raise NotFound("object_not_found")
        return [part for _, part in sorted(self.multiparts[upload.multipart_id].items())]

    async def join(self, upload: Upload, parts: list[Part]) -> None:
        if await self.parts(upload) != parts:
            raise Conflict("invalid_parts")
        self.sizes[upload.object_key] = sum(part.size for part in parts)
        del self.multiparts[upload.multipart_id]

    async def abort(self, upload: Upload) -> None:
        self.multiparts.pop(upload.multipart_id, None)
        self.sizes.pop(upload.object_key, None)
        await self.forget_tails(upload)

    async def size(self, key: str) -> int:
        if key not in self.sizes:
            raise NotFound("object_not_found")
        return self.sizes[key]

    async def forget(self, key: str) -> None:
        self.tails.pop(key, None)

    async def forget_tails(self, upload: Upload) -> None:
        for key in [key for key in self.tails if key.startswith(upload.tails)]:
            del self.tails[key]
