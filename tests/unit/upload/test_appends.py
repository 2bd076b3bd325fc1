"""Who may append to a streamed upload, and how far it is, over fakes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict, NotFound, TooLarge
from meshkit.ids import new_id
from services.upload.appends import Appends
from services.upload.domain import HELD, LIFETIME, STREAMED_PART_SIZE, State, Transport
from services.upload.formats import Policy
from services.upload.progress import Observer
from services.upload.service import Uploads
from tests.builders import a_request

if TYPE_CHECKING:
    from services.upload.domain import Upload
    from tests.fakes.upload import FakeObjects, FakeStore
    from tests.unit.upload.conftest import Clock

TENANT = new_id()
LIMIT = 100 << 20


def policy(_: str) -> Policy:
    return Policy(max_size=LIMIT)


@pytest.fixture
def uploads(store: FakeStore, objects: FakeObjects, clock: Clock) -> Uploads:
    return Uploads(store, objects, policy, clock)


@pytest.fixture
def appends(store: FakeStore, objects: FakeObjects, clock: Clock) -> Appends:
    return Appends(store, objects, policy, clock, waited=0.0)


async def streamed(uploads: Uploads, size: int | None = 10) -> Upload:
    return (await uploads.create(TENANT, a_request(size=size, transport=Transport.STREAMED)))[0]


async def test_the_last_who_began_is_the_only_one_who_counts(uploads: Uploads, appends: Appends) -> None:
    upload = await streamed(uploads)
    first = await appends.begin(TENANT, upload.id, 0)
    second = await appends.begin(TENANT, upload.id, 0)
    with pytest.raises(Conflict, match="append_superseded"):
        await appends.commit(TENANT, upload.id, first.epoch, 3)
    told = await appends.commit(TENANT, upload.id, second.epoch, 3, release=True)
    assert (told.received, told.tail_key) == (3, f"{second.tail_prefix}3")


async def test_who_only_asks_ends_what_ran_and_holds_nothing(uploads: Uploads, appends: Appends) -> None:
    upload = await streamed(uploads)
    begun = await appends.begin(TENANT, upload.id, 0)
    asked = await appends.begin(TENANT, upload.id, None, release=True)
    assert (asked.received, asked.held_until) == (0, None)
    with pytest.raises(Conflict, match="append_superseded"):
        await appends.commit(TENANT, upload.id, begun.epoch, 3)


async def test_bytes_go_on_where_they_ended(uploads: Uploads, appends: Appends) -> None:
    upload = await streamed(uploads)
    begun = await appends.begin(TENANT, upload.id, 0)
    await appends.commit(TENANT, upload.id, begun.epoch, 3, release=True)
    for offset in (0, 2, 4):
        with pytest.raises(Conflict, match="offset_mismatch"):
            await appends.begin(TENANT, upload.id, offset)
    begun = await appends.begin(TENANT, upload.id, 3)
    with pytest.raises(Conflict, match="offset_mismatch"):
        await appends.commit(TENANT, upload.id, begun.epoch, 2)
    with pytest.raises(TooLarge, match="more_than_declared"):
        await appends.commit(TENANT, upload.id, begun.epoch, 11)


async def test_a_tail_lasts_until_another_takes_its_place(
    uploads: Uploads, appends: Appends, objects: FakeObjects
) -> None:
    upload = await streamed(uploads)
    begun = await appends.begin(TENANT, upload.id, 0)
    first = await appends.commit(TENANT, upload.id, begun.epoch, 3)
    objects.tails[first.tail_key] = b"abc"
    # Under another epoch, with nothing new: what is stored stays what it is.
    begun = await appends.begin(TENANT, upload.id, 3)
    same = await appends.commit(TENANT, upload.id, begun.epoch, 3)
    assert (same.tail_key, set(objects.tails)) == (first.tail_key, {first.tail_key})
    later = await appends.commit(TENANT, upload.id, begun.epoch, 5)
    assert later.tail_key != first.tail_key
    assert not objects.tails


async def test_whole_parts_need_no_tail(uploads: Uploads, appends: Appends) -> None:
    upload = await streamed(uploads, 3 * STREAMED_PART_SIZE)
    begun = await appends.begin(TENANT, upload.id, 0)
    assert (await appends.commit(TENANT, upload.id, begun.epoch, STREAMED_PART_SIZE)).tail_key == ""


async def test_what_is_whole_is_joined_by_whoever_comes_next(
    uploads: Uploads, appends: Appends, objects: FakeObjects, store: FakeStore
) -> None:
    upload = await streamed(uploads, 3)
    begun = await appends.begin(TENANT, upload.id, 0)
    await objects.receive(upload, 1, b"abc")
    await appends.commit(TENANT, upload.id, begun.epoch, 3)
    assert (await appends.begin(TENANT, upload.id, None, release=True)).state is State.COMPLETED
    again = await appends.commit(TENANT, upload.id, begun.epoch, 3, complete=True)
    assert again.state is State.COMPLETED
    assert [each.state for each in store.said] == [State.RECEIVING, State.COMPLETED]
    with pytest.raises(Conflict, match="upload_completed"):
        await appends.begin(TENANT, upload.id, 3)


async def test_a_file_of_unknown_size_ends_where_it_is_said_to(
    uploads: Uploads, appends: Appends, objects: FakeObjects
) -> None:
    upload = await streamed(uploads, None)
    assert upload.size_deferred
    begun = await appends.begin(TENANT, upload.id, 0)
    with pytest.raises(TooLarge, match="too_large"):
        await appends.commit(TENANT, upload.id, begun.epoch, LIMIT + 1)
    await objects.receive(upload, 1, b"abc")
    done = await appends.commit(TENANT, upload.id, begun.epoch, 3, complete=True)
    assert (done.state, done.size, done.part_count, done.size_deferred) == (State.COMPLETED, 3, 1, False)


async def test_the_end_is_not_before_the_end(uploads: Uploads, appends: Appends) -> None:
    upload = await streamed(uploads)
    begun = await appends.begin(TENANT, upload.id, 0)
    for call in (
        appends.commit(TENANT, upload.id, begun.epoch, 3, complete=True),
        uploads.complete(TENANT, upload.id),
    ):
        with pytest.raises(Conflict, match="parts_missing"):
            await call


async def test_other_uploads_are_not_appended_to(uploads: Uploads, appends: Appends) -> None:
    presigned, _ = await uploads.create(TENANT, a_request())
    with pytest.raises(Conflict, match="not_streamed"):
        await appends.begin(TENANT, presigned.id, 0)
    with pytest.raises(NotFound, match="upload_not_found"):
        await appends.begin(new_id(), presigned.id, 0)


async def test_news_come_once_a_second_and_keep_the_upload_alive(
    uploads: Uploads, appends: Appends, store: FakeStore, clock: Clock
) -> None:
    upload = await streamed(uploads)
    latest = begun = await appends.begin(TENANT, upload.id, 0)
    for received in range(1, 6):
        clock.now += timedelta(seconds=0.5)
        latest = await appends.commit(TENANT, upload.id, begun.epoch, received)
    assert [each.received for each in store.news] == [1, 3, 5]
    assert latest.expire_time == clock.now + LIFETIME
    assert latest.held_until == clock.now + HELD


async def test_parts_that_pass_by_are_looked_for_ever_less_often(
    uploads: Uploads, store: FakeStore, objects: FakeObjects, clock: Clock
) -> None:
    observer = Observer(store, objects, clock)
    upload, _ = await uploads.create(TENANT, a_request(size=3))
    looks = 0
    for _ in range(600):
        clock.now += timedelta(seconds=1)
        looks += await observer.look()
    assert 5 < looks < 30
    await objects.receive(upload, 1, b"abc")
    # A client that asks for URLs is at work again.
    await uploads.sign(TENANT, upload.id, [1])
    clock.now += timedelta(seconds=2)
    assert await observer.look() == 1
    assert [each.received for each in store.news] == [3]
