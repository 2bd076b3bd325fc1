"""What the use cases need from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from services.upload.domain import Part, Upload
    from services.upload.quotas import Tenant


class Transaction(Protocol):
    """Whatever is added, saved or kept counts for its tenant from then on as it is then: see `quotas`.

    Raises Exhausted (`quota_exceeded`) where that would be too much.
    """

    async def add(self, upload: Upload, request_id: str) -> Upload:
        """Stores and gives `upload`; or gives the one that the tenant made before with the same `request_id`."""
        ...

    async def charge(self, upload: Upload) -> None:
        """Has an upload count for its tenant as it is now."""
        ...

    async def free(self, upload: Upload) -> None:
        """Has it count for nothing."""
        ...

    async def forget(self, upload: Upload) -> None: ...
    async def tenant(self, tenant_id: str) -> Tenant:
        """Locked, for whoever changes it."""
        ...

    async def save_tenant(self, tenant: Tenant) -> None: ...

    async def get(self, tenant_id: str, upload_id: str, *, lock: bool = False) -> Upload | None: ...

    async def of_asset(self, tenant_id: str, asset_id: str) -> Upload | None:
        """The upload that became this asset, locked."""
        ...

    async def page(self, tenant_id: str, *, before: str | None, limit: int) -> Sequence[Upload]: ...

    async def stale(self, now: datetime, limit: int) -> Sequence[Upload]:
        """Receiving uploads past their time, locked; those that somebody else holds are left out."""
        ...

    async def unseen(self, now: datetime, limit: int) -> Sequence[Upload]:
        """Receiving uploads whose parts the store should be asked for, locked as those of `stale`."""
        ...

    async def unfetched(self, now: datetime, limit: int) -> Sequence[Upload]:
        """Receiving uploads from URLs that nobody fetches, locked as those of `stale`."""
        ...

    async def look_soon(self, upload_id: str, then: datetime) -> None:
        """Has a receiving upload be among the `unseen` at `then`, unless it is before."""
        ...

    async def save(self, upload: Upload) -> None:
        """Stores the upload's new state and says it as an event."""
        ...

    async def keep(self, upload: Upload, *, news: bool = False) -> None:
        """Stores an upload that is still receiving; `news`: says how far it is."""
        ...


class Store(Protocol):
    async def template(self, tenant_id: str) -> str | None:
        """Of the keys of the tenant's sources; None where the default counts."""
        ...

    async def find(self, tenant_id: str, upload_id: str) -> Upload | None:
        """As it is at this moment, outside of any transaction."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedSeries:
    """Parts that must have `size` bytes, or any where it is None; with `begin` and `end` of their URLs."""

    numbers: Sequence[int]
    size: int | None
    begin: str
    end: str
    signatures: Sequence[str]

    @property
    def urls(self) -> list[str]:
        signed = zip(self.numbers, self.signatures, strict=True)
        return [f"{self.begin}{number}{self.end}{signature}" for number, signature in signed]


class Objects(Protocol):
    """Raises NotFound, Conflict or Unavailable."""

    async def begin(self, key: str, content_type: str) -> str: ...
    def sign(self, upload: Upload, numbers: Sequence[int], size: int | None, expires_in: int) -> SignedSeries:
        """URLs for parts that must have `size` bytes; None: any."""
        ...

    async def parts(self, upload: Upload) -> list[Part]: ...
    async def join(self, upload: Upload, parts: list[Part]) -> None: ...

    async def abort(self, upload: Upload) -> None:
        """Frees its parts and its tail, and what somebody joined who did not come to say so. Idempotent."""
        ...

    async def size(self, key: str) -> int: ...

    async def forget(self, key: str) -> None: ...

    async def forget_tails(self, upload: Upload) -> None:
        """Removes all that was stored of the upload beside its parts."""
        ...


class PartStore(Protocol):
    async def put_part(self, key: str, multipart_id: str, number: int, chunks: Sequence[bytes]) -> None:
        """Raises Unavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file as it comes in; `size` in bytes, None where its server does not say."""

    size: int | None
    chunks: AsyncIterator[bytes]


class Web(Protocol):
    async def vet(self, url: str) -> None:
        """Raises InvalidArgument for what is no URL of a public host, Unavailable where nobody can say."""
        ...

    def get(self, url: str) -> AbstractAsyncContextManager[Download]:
        """Raises as `vet`; Unavailable also where another try may help, another MeshError where none will."""
        ...
