"""Files that come through the gateway: tus, forms. Their bytes go on into the store in parts, as they come.

Nothing is kept here between two requests, so any replica takes the next one. What a cut connection leaves behind of
the last part is stored as the upload's tail; the next request begins with it.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from grpc.aio import AioRpcError
from reelmesh.upload.v1 import upload_pb2
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from meshkit.errors import MeshError, TooLarge, Unavailable
from meshkit.grpc import status
from meshkit.parts import Parts
from meshkit.telemetry import log
from services.gateway.channels import COMPLETE_TIMEOUT, TIMEOUT
from services.gateway.problems import ChecksumMismatch

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Iterator

    from meshkit.storing import Storing
    from services.gateway.channels import Services

_CUT = {"shutting_down", "client_gone"}
"""What ends a body before its time, without a fault of ours or of the bytes."""
COMMITTED_EVERY = 1.0
"""Seconds; what was stored since is sent again where this process dies."""


class Checksum:
    """What the bytes of one request must hash to."""

    def __init__(self, algorithm: str, digest: bytes) -> None:
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        self._digest = digest

    def update(self, chunk: bytes) -> None:
        self._hash.update(chunk)

    def check(self) -> None:
        """Raises ChecksumMismatch."""
        if self._hash.digest() != self._digest:
            raise ChecksumMismatch("chunk_checksum_mismatch", "the bytes are not those that the checksum is of")


class Receiver:
    def __init__(self, services: Services, store: Storing, stop: asyncio.Event, *, limit: int) -> None:
        self._services = services
        self._store = store
        self._stop = stop
        self._free = limit

    async def append(
        self,
        upload_id: str,
        offset: int,
        body: AsyncIterator[bytes],
        *,
        checksum: Checksum | None = None,
        ends: bool = False,
    ) -> upload_pb2.Upload:
        """Store what `body`, which is `watched`, has from `offset` on; gives the upload as it is then.

        It is completed when that was the last of it, or the file `ends` with the body. Whatever breaks the body off,
        what came of it is kept; with a checksum, all of it or nothing. Raises MeshError.
        """
        request = upload_pb2.BeginAppendRequest(upload_id=upload_id, offset=offset)
        begun = await self._services.upload.BeginAppend(request, timeout=COMPLETE_TIMEOUT)
        if begun.upload.state != upload_pb2.Upload.STATE_RECEIVING:
            return begun.upload
        return await _Append(self._services, self._store, begun).run(body, checksum, ends=ends)

    async def watched(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The body until it stays out, or this process shall end. Raises Unavailable."""
        try:
            async for chunk in body:
                if chunk:
                    yield chunk
                if self._stop.is_set():
                    raise Unavailable("shutting_down", "this replica is going away: go on from the offset")
        except (ClientDisconnect, HTTPException):
            # The connection was cut, or `patience` gave the sender up.
            raise Unavailable("client_gone", "the body ended too early") from None

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Each stream holds parts in memory: there is room for so many. Raises Unavailable."""
        if self._free <= 0 or self._stop.is_set():
            raise Unavailable("too_many_streams", "this replica takes in as many files as it can")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


class _Append:
    """One request's bytes on their way into one upload."""

    def __init__(self, services: Services, store: Storing, begun: upload_pb2.BeginAppendResponse) -> None:
        self._services = services
        self._store = store
        self._begun = begun
        self._upload = begun.upload
        self._stored = begun.upload.received
        """How far it is known to be stored, here."""
        self._committed = time.monotonic()

    async def run(self, body: AsyncIterator[bytes], checksum: Checksum | None, *, ends: bool) -> upload_pb2.Upload:
        tail = await self._store.get(self._begun.tail_key) if self._begun.tail_key else b""
        parts = Parts(
            part_size=self._upload.part_size,
            offset=self._stored,
            tail=[tail] if tail else [],
            put=self._put,
            stored=self._advance if checksum is None else self._wait,
        )
        try:
            async with parts:
                cut = await self._take(parts, body, checksum)
                if checksum and cut is None:
                    checksum.check()
                return await self._end(parts, cut, whole_only=bool(checksum), ends=ends)
        except BaseException:
            await self._let_go()
            raise

    async def _take(self, parts: Parts, body: AsyncIterator[bytes], checksum: Checksum | None) -> MeshError | None:
        """Everything that comes; what ended it too early, if something did."""
        limit = None if self._upload.size_deferred else self._upload.size
        try:
            async for chunk in body:
                if limit is not None and parts.end + len(chunk) > limit:
                    raise TooLarge("more_than_declared", f"the file was declared to have {limit} bytes", limit=limit)
                if checksum:
                    checksum.update(chunk)
                await parts.feed(chunk)
                await self._tell()
        except Unavailable as error:
            if error.reason not in _CUT:
                raise
            return error
        return None

    async def _end(self, parts: Parts, cut: MeshError | None, *, whole_only: bool, ends: bool) -> upload_pb2.Upload:
        end = parts.end
        if cut is not None and (ends or whole_only):
            raise cut
        if ends or (end == self._upload.size and not self._upload.size_deferred):
            await parts.finish()
            if not ends:
                # First that all is there, so that joining can be done later if it fails now.
                await self._commit(end)
            return await self._commit(end, complete=True)
        await parts.settle()
        if parts.fresh:
            await self._store.put(f"{self._begun.tail_prefix}{end}", parts.tail)
        self._stored = end if parts.fresh else max(self._stored, end - sum(map(len, parts.tail)))
        upload = await self._commit(self._stored, release=True)
        if cut is not None:
            raise cut
        return upload

    async def _put(self, number: int, chunks: list[bytes]) -> None:
        await self._store.put_part(self._upload.object_key, self._begun.multipart_id, number, chunks)

    async def _advance(self, end: int) -> None:
        self._stored = end
        await self._tell()

    async def _tell(self) -> None:
        if self._stored > self._upload.received and time.monotonic() - self._committed >= COMMITTED_EVERY:
            await self._commit(self._stored)

    async def _wait(self, end: int) -> None:
        """Nothing counts before the checksum of all is right."""

    async def _commit(self, received: int, *, release: bool = False, complete: bool = False) -> upload_pb2.Upload:
        self._committed = time.monotonic()
        request = upload_pb2.CommitAppendRequest(
            tenant_id=self._upload.tenant_id,
            upload_id=self._upload.id,
            epoch=self._begun.epoch,
            received=received,
            release=release,
            complete=complete,
        )
        timeout = COMPLETE_TIMEOUT if complete else TIMEOUT
        self._upload = (await self._services.appender.CommitAppend(request, timeout=timeout)).upload
        return self._upload

    async def _let_go(self) -> None:
        """Whole parts that are stored count, whatever happened after them."""
        try:
            await self._commit(max(self._stored, self._upload.received), release=True)
        except AioRpcError as error:
            log.info("append not released", upload_id=self._upload.id, reason=status.from_rpc_error(error).reason)
