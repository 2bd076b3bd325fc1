"""What uploads count for, from the first byte until their assets are gone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Exhausted, InvalidArgument
from meshkit.ids import new_id
from meshkit.quotas import UNLIMITED
from services.upload.appends import Appends
from services.upload.domain import LIFETIME, State, Transport
from services.upload.formats import Policy
from services.upload.quotas import Limits
from services.upload.service import Uploads
from services.upload.tenants import Tenants
from tests.builders import a_request

if TYPE_CHECKING:
    from services.upload.domain import Upload
    from tests.fakes.upload import FakeObjects, FakeStore
    from tests.unit.upload.conftest import Clock

TENANT = new_id()
LIMITS = Limits(bytes_stored=1000, uploads_per_day=3)


class Studio:
    """The use cases of one tenant with quotas."""

    def __init__(self, store: FakeStore, objects: FakeObjects, clock: Clock) -> None:
        store.limits = LIMITS
        self.store, self.objects = store, objects
        self.uploads = Uploads(store, objects, lambda _: Policy(), clock)
        self.appends = Appends(store, objects, lambda _: Policy(), clock)
        self.tenants = Tenants(store, LIMITS, clock)

    async def create(self, size: int | None = 400, transport: Transport = Transport.PRESIGNED) -> Upload:
        return (await self.uploads.create(TENANT, a_request(size=size, transport=transport)))[0]

    async def completed(self, size: int) -> Upload:
        upload = await self.create(size)
        await self.objects.receive(upload, 1, b"x" * size)
        return await self.uploads.complete(TENANT, upload.id)

    async def used(self) -> tuple[float, float]:
        """Bytes, and uploads of today."""
        stored, uploads = (await self.tenants.standing(TENANT)).quotas
        return stored.used, uploads.used


@pytest.fixture
def studio(store: FakeStore, objects: FakeObjects, clock: Clock) -> Studio:
    return Studio(store, objects, clock)


async def test_what_is_declared_counts_from_the_beginning(studio: Studio) -> None:
    await studio.create(600)
    assert await studio.used() == (600, 1)
    with pytest.raises(Exhausted) as refused:
        await studio.create(401)
    error = refused.value
    assert (error.reason, error.metadata["quota"], error.metadata["limit"]) == (
        "quota_exceeded",
        "bytes_stored",
        "1000",
    )
    assert [field.field for field in error.fields] == ["bytes_stored"]
    assert await studio.used() == (600, 1)
    assert len(studio.objects.multiparts) == 1
    await studio.create(400)
    assert await studio.used() == (1000, 2)


async def test_uploads_count_until_the_next_day(studio: Studio, clock: Clock) -> None:
    for _ in range(3):
        await studio.create(1)
    clock.now += timedelta(hours=23)
    with pytest.raises(Exhausted) as refused:
        await studio.create(1)
    assert (refused.value.metadata["quota"], refused.value.metadata["retry_after"]) == ("uploads_per_day", "3600")
    clock.now += timedelta(hours=1)
    await studio.create(1)
    assert (await studio.used())[1] == 1


@pytest.mark.parametrize("end", ["abort", "expire", "size"])
async def test_an_upload_that_comes_to_nothing_gives_back_what_it_held(studio: Studio, clock: Clock, end: str) -> None:
    upload = await studio.create(500)
    await studio.completed(100)
    if end == "abort":
        await studio.uploads.abort(TENANT, upload.id)
        await studio.uploads.abort(TENANT, upload.id)
        assert await studio.used() == (100, 1)
    elif end == "expire":
        clock.now += LIFETIME + timedelta(seconds=1)
        assert await studio.uploads.expire_stale() == 1
        assert (await studio.used())[0] == 100
    else:
        await studio.objects.receive(upload, 1, b"x" * 500)
        await studio.objects.join(upload, await studio.objects.parts(upload))
        studio.objects.sizes[upload.object_key] = 499
        assert (await studio.uploads.complete(TENANT, upload.id)).state is State.FAILED
        assert await studio.used() == (100, 1)


async def test_a_source_counts_until_it_is_gone(studio: Studio) -> None:
    kept, purged, wrong = [await studio.completed(size) for size in (100, 200, 300)]
    await studio.uploads.contradict(TENANT, wrong.asset_id, "checksum_mismatch", "another file")
    assert await studio.used() == (600, 3)
    for _ in range(2):
        await studio.uploads.free(TENANT, kept.asset_id)
        await studio.uploads.forget(TENANT, purged.asset_id)
        await studio.uploads.free(TENANT, wrong.asset_id)
        assert await studio.used() == (0, 3)
    assert set(studio.store.rows) == {kept.id, wrong.id}


async def test_the_same_request_counts_once(studio: Studio) -> None:
    for _ in range(5):
        await studio.uploads.create(TENANT, a_request(size=900), "the same")
    assert await studio.used() == (900, 1)


async def test_a_stream_of_unknown_length_counts_for_what_has_come(studio: Studio) -> None:
    upload = await studio.create(None, Transport.STREAMED)
    begun = await studio.appends.begin(TENANT, upload.id, 0)
    await studio.appends.commit(TENANT, upload.id, begun.epoch, 1000)
    assert await studio.used() == (1000, 1)
    with pytest.raises(Exhausted):
        await studio.appends.commit(TENANT, upload.id, begun.epoch, 1001)
    assert (await studio.uploads.get(TENANT, upload.id)).received == 1000
    await studio.uploads.abort(TENANT, upload.id)
    assert await studio.used() == (0, 0)


async def test_loose_parts_are_not_joined_without_room(studio: Studio) -> None:
    upload = await studio.create(None, Transport.LOOSE)
    other = await studio.create(600)
    await studio.objects.receive(upload, 1, b"x" * 401)
    with pytest.raises(Exhausted):
        await studio.uploads.complete(TENANT, upload.id)
    assert upload.object_key not in studio.objects.sizes
    await studio.uploads.abort(TENANT, other.id)
    assert (await studio.uploads.complete(TENANT, upload.id)).state is State.COMPLETED
    assert await studio.used() == (401, 1)


async def test_the_operator_sets_limits(studio: Studio) -> None:
    await studio.tenants.change(TENANT, {"max_bytes_stored": 10, "max_uploads_per_day": UNLIMITED})
    with pytest.raises(Exhausted):
        await studio.create(11)
    stored, uploads = (await studio.tenants.change(TENANT, {"max_bytes_stored": None})).quotas
    assert (stored.limit, uploads.limit) == (1000, None)
    for _ in range(9):
        await studio.create(100)


async def test_the_operator_sets_where_sources_lie(studio: Studio) -> None:
    await studio.tenants.change(TENANT, {"object_key_template": "club/{yyyy}"})
    assert (await studio.create(1)).object_key.startswith("club/2026/")
    await studio.tenants.change(TENANT, {"object_key_template": ""})
    assert (await studio.create(1)).object_key.startswith("assets/")
    with pytest.raises(InvalidArgument) as refused:
        await studio.tenants.change(TENANT, {"object_key_template": "../up"})
    assert [field.field for field in refused.value.fields] == ["object_key_template"]


async def test_an_upload_of_yesterday_gives_nothing_of_today_back(studio: Studio, clock: Clock) -> None:
    upload = await studio.create(1)
    clock.now += timedelta(days=1)
    await studio.create(1)
    await studio.uploads.abort(TENANT, upload.id)
    assert await studio.used() == (1, 1)
