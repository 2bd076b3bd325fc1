"""The fake object store and the real one keep the same promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx2
import pytest
import pytest_asyncio

from meshkit.errors import NotFound
from meshkit.ids import new_id
from meshkit.storing import storing
from services.upload.domain import MIN_PART_SIZE, Upload, open_upload
from services.upload.formats import Policy
from services.upload.objects import S3Objects
from tests.builders import a_request
from tests.fakes.upload import FakeObjects

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from meshkit.objects import Objects
    from meshkit.settings import S3Settings


class RealObjects(S3Objects):
    async def receive(self, upload: Upload, number: int, body: bytes) -> None:
        (url,) = self.sign(upload, [number], upload.part_bytes(number), 60).urls
        async with httpx2.AsyncClient() as client:
            (await client.put(url, content=body)).raise_for_status()


Any = FakeObjects | RealObjects


@pytest_asyncio.fixture(params=["fake", "s3"])
async def store(request: pytest.FixtureRequest, objects: Objects, s3_settings: S3Settings) -> AsyncIterator[Any]:
    async with storing(s3_settings) as parts:
        yield FakeObjects() if request.param == "fake" else RealObjects(objects, parts)


async def begun(store: Any, size: int) -> Upload:
    upload = open_upload(
        a_request(size=size), id=new_id(), asset_id=new_id(), tenant_id=new_id(), now=datetime.now(UTC), policy=Policy()
    )
    return replace(upload, multipart_id=await store.begin(upload.object_key, "video/mp4"))


async def test_parts_in_any_order_become_one_object(store: Any) -> None:
    upload = await begun(store, MIN_PART_SIZE + 3)
    await store.receive(upload, 2, b"end")
    await store.receive(upload, 1, bytes(MIN_PART_SIZE))
    parts = await store.parts(upload)
    assert [(part.number, part.size) for part in parts] == [(1, MIN_PART_SIZE), (2, 3)]
    await store.join(upload, parts)
    assert await store.size(upload.object_key) == MIN_PART_SIZE + 3


async def test_a_part_can_be_sent_again(store: Any) -> None:
    upload = await begun(store, 3)
    await store.receive(upload, 1, b"abc")
    first = await store.parts(upload)
    await store.receive(upload, 1, b"xyz")
    assert await store.parts(upload) != first


async def test_an_empty_part_becomes_an_empty_object(store: Any) -> None:
    upload = await begun(store, 0)
    await store.receive(upload, 1, b"")
    await store.join(upload, await store.parts(upload))
    assert await store.size(upload.object_key) == 0


async def test_what_an_aborted_upload_had_become_is_gone(store: Any) -> None:
    upload = await begun(store, 3)
    await store.receive(upload, 1, b"abc")
    await store.join(upload, await store.parts(upload))
    for _ in range(2):
        await store.abort(upload)
        with pytest.raises(NotFound):
            await store.size(upload.object_key)


async def test_a_joined_or_aborted_multipart_is_gone(store: Any) -> None:
    joined, aborted = await begun(store, 3), await begun(store, 3)
    await store.receive(joined, 1, b"abc")
    await store.join(joined, await store.parts(joined))
    await store.abort(aborted)
    await store.abort(aborted)
    for upload in (joined, aborted):
        with pytest.raises(NotFound):
            await store.parts(upload)
    with pytest.raises(NotFound):
        await store.size(aborted.object_key)
