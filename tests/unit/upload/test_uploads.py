"""What can be done with an upload, over fakes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from meshkit.errors import Conflict, InvalidArgument, NotFound, TooLarge, UnsupportedMedia
from meshkit.ids import new_id
from services.upload.domain import LIFETIME, MAX_PARTS, MIN_PART_SIZE, State
from services.upload.formats import MAX_OBJECT, Policy
from services.upload.service import Uploads
from tests.builders import a_request

if TYPE_CHECKING:
    from tests.fakes.upload import FakeObjects, FakeStore
    from tests.unit.upload.conftest import Clock

TENANT = new_id()


@pytest.fixture
def uploads(store: FakeStore, objects: FakeObjects, clock: Clock) -> Uploads:
    return Uploads(store, objects, lambda _: Policy(max_size=MAX_OBJECT), clock)


async def test_a_file_comes_in_and_is_said(uploads: Uploads, objects: FakeObjects, store: FakeStore) -> None:
    upload, parts = await uploads.create(TENANT, a_request(size=3))
    assert [(each.numbers, each.size) for each in parts] == [([1], 3)]
    await objects.receive(upload, 1, b"abc")
    done = await uploads.complete(TENANT, upload.id)
    assert (done.state, bool(done.job_id), upload.job_id) == (State.COMPLETED, True, "")
    assert [each.state for each in store.said] == [State.RECEIVING, State.COMPLETED]


async def test_completing_twice_is_the_same_as_once(uploads: Uploads, objects: FakeObjects, store: FakeStore) -> None:
    upload, _ = await uploads.create(TENANT, a_request(size=3))
    await objects.receive(upload, 1, b"abc")
    assert await uploads.complete(TENANT, upload.id) == await uploads.complete(TENANT, upload.id)
    assert len(store.said) == 2


async def test_an_empty_file_is_one_empty_part(uploads: Uploads, objects: FakeObjects) -> None:
    upload, parts = await uploads.create(TENANT, a_request(size=0))
    assert [(each.numbers, each.size) for each in parts] == [([1], 0)]
    await objects.receive(upload, 1, b"")
    assert (await uploads.complete(TENANT, upload.id)).state is State.COMPLETED


async def test_a_missing_or_short_part_is_named(uploads: Uploads, objects: FakeObjects) -> None:
    upload, _ = await uploads.create(TENANT, a_request(size=2 * MIN_PART_SIZE + 5))
    await objects.receive(upload, 3, b"12345")
    await objects.receive(upload, 2, b"short")
    with pytest.raises(Conflict, match="parts_missing") as caught:
        await uploads.complete(TENANT, upload.id)
    assert caught.value.metadata["parts"] == "1, 2"
    assert (await uploads.get(TENANT, upload.id)).state is State.RECEIVING


async def test_parts_that_the_client_saw_otherwise_are_refused(uploads: Uploads, objects: FakeObjects) -> None:
    upload, _ = await uploads.create(TENANT, a_request(size=3))
    await objects.receive(upload, 1, b"abc")
    [seen] = await uploads.parts(TENANT, upload.id)
    await objects.receive(upload, 1, b"xyz")
    with pytest.raises(Conflict, match="part_mismatch"):
        await uploads.complete(TENANT, upload.id, [seen])


async def test_joined_before_a_crash_completes_after_it(uploads: Uploads, objects: FakeObjects) -> None:
    upload, _ = await uploads.create(TENANT, a_request(size=3))
    await objects.receive(upload, 1, b"abc")
    await objects.join(upload, await objects.parts(upload))
    assert (await uploads.complete(TENANT, upload.id)).state is State.COMPLETED


async def test_an_object_of_another_size_fails_the_upload_and_is_removed(
    uploads: Uploads, objects: FakeObjects, store: FakeStore
) -> None:
    upload, _ = await uploads.create(TENANT, a_request(size=3))
    await objects.receive(upload, 1, b"abcd")
    await objects.join(upload, await objects.parts(upload))
    failed = await uploads.complete(TENANT, upload.id)
    assert (failed.state, failed.error_code) == (State.FAILED, "size_mismatch")
    assert not objects.sizes
    assert store.charged[upload.id] == 0


async def test_what_was_joined_before_a_crash_goes_when_nobody_comes_back(
    uploads: Uploads, objects: FakeObjects, clock: Clock
) -> None:
    aborted, _ = await uploads.create(TENANT, a_request(size=3))
    expired, _ = await uploads.create(TENANT, a_request(size=3))
    for upload in (aborted, expired):
        await objects.receive(upload, 1, b"abc")
        await objects.join(upload, await objects.parts(upload))
    await uploads.abort(TENANT, aborted.id)
    clock.now += LIFETIME + timedelta(seconds=1)
    assert await uploads.expire_stale() == 1
    assert not objects.sizes


@pytest.mark.parametrize(
    ("size", "part_size", "count"),
    [
        (1, MIN_PART_SIZE, 1),
        (MIN_PART_SIZE, MIN_PART_SIZE, 1),
        (MIN_PART_SIZE + 1, MIN_PART_SIZE, 2),
        (MAX_OBJECT, MAX_OBJECT // MAX_PARTS + 1, MAX_PARTS),
    ],
)
async def test_parts_are_equal_and_few_enough(uploads: Uploads, size: int, part_size: int, count: int) -> None:
    upload, parts = await uploads.create(TENANT, a_request(size=size))
    assert (upload.part_size, upload.part_count) == (part_size, count)
    assert sum(len(each.numbers) for each in parts) == min(count, 100)
    assert upload.part_bytes(count) == size - part_size * (count - 1)


async def test_more_than_the_store_takes_is_too_large(uploads: Uploads) -> None:
    with pytest.raises(TooLarge, match="too_large"):
        await uploads.create(TENANT, a_request(size=MAX_OBJECT + 1))


async def test_the_same_request_id_is_the_same_upload(uploads: Uploads, objects: FakeObjects) -> None:
    first, _ = await uploads.create(TENANT, a_request(), "once")
    second, parts = await uploads.create(TENANT, a_request(), "once")
    other, _ = await uploads.create(new_id(), a_request(), "once")
    assert first == second
    assert parts
    assert other.id != first.id
    assert len(objects.multiparts) == 2


async def test_a_part_outside_of_the_upload_is_refused(uploads: Uploads) -> None:
    upload, _ = await uploads.create(TENANT, a_request())
    with pytest.raises(InvalidArgument, match="invalid_part_number"):
        await uploads.sign(TENANT, upload.id, [2])


async def test_an_aborted_upload_takes_nothing_more(uploads: Uploads, objects: FakeObjects) -> None:
    upload, _ = await uploads.create(TENANT, a_request())
    assert (await uploads.abort(TENANT, upload.id)).state is State.ABORTED
    assert (await uploads.abort(TENANT, upload.id)).state is State.ABORTED
    assert not objects.multiparts
    with pytest.raises(Conflict, match="upload_aborted"):
        await uploads.complete(TENANT, upload.id)


async def test_a_stale_upload_expires_and_frees_its_parts(uploads: Uploads, objects: FakeObjects, clock: Clock) -> None:
    upload, _ = await uploads.create(TENANT, a_request())
    assert await uploads.expire_stale() == 0
    clock.now += LIFETIME + timedelta(seconds=1)
    assert await uploads.expire_stale() == 1
    assert (await uploads.get(TENANT, upload.id)).state is State.EXPIRED
    assert not objects.multiparts


async def test_another_tenant_sees_nothing(uploads: Uploads) -> None:
    upload, _ = await uploads.create(TENANT, a_request())
    foreign = new_id()
    for call in (uploads.get, uploads.parts, uploads.complete, uploads.abort):
        with pytest.raises(NotFound, match="upload_not_found"):
            await call(foreign, upload.id)
    assert await uploads.page(foreign, 10, "") == ([], "")


async def test_pages_are_newest_first_and_whole(uploads: Uploads) -> None:
    made = [(await uploads.create(TENANT, a_request()))[0].id for _ in range(5)]
    first, token = await uploads.page(TENANT, 3, "")
    await uploads.create(TENANT, a_request())
    second, end = await uploads.page(TENANT, 3, token)
    assert [each.id for each in (*first, *second)] == sorted(made, reverse=True)
    assert end == ""


async def test_a_page_token_of_somebody_else_is_refused(uploads: Uploads) -> None:
    with pytest.raises(InvalidArgument, match="invalid_page_token"):
        await uploads.page(TENANT, 3, "nonsense")


async def test_bytes_that_are_not_what_was_declared_fail_the_upload(
    uploads: Uploads, objects: FakeObjects, store: FakeStore
) -> None:
    upload, _ = await uploads.create(TENANT, a_request(size=3))
    await objects.receive(upload, 1, b"abc")
    await uploads.complete(TENANT, upload.id)
    for _ in range(2):
        await uploads.contradict(TENANT, upload.asset_id, "checksum_mismatch", "another file")
    await uploads.contradict(TENANT, new_id(), "checksum_mismatch", "nobody's")
    assert [each.state for each in store.said][2:] == [State.FAILED]
    assert (await uploads.get(TENANT, upload.id)).error_code == "checksum_mismatch"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.pdf", ""), ("a.flv", ""), ("a.exe", "video/mp4"), ("a.mp4", "text/html"), ("a", "application/zip")],
)
async def test_what_says_that_it_is_nothing_we_take_is_refused(uploads: Uploads, name: str, kind: str) -> None:
    with pytest.raises(UnsupportedMedia, match="unsupported_type"):
        await uploads.create(TENANT, a_request(file_name=name, content_type=kind))


@pytest.mark.parametrize(
    "name",
    [*("a.MP4", "b.mov", "c.mkv", "d.avi", "e.wmv", "f.webm", "g.ts", "h.jpg", "i.png", "j.webp", "k.gif", "l.mp3"),
     *("no extension", "match 2026.10.10", "видео.mp4", "映画.mov", "a😀b.mp4", "..mp4")],
)  # fmt: skip
async def test_what_we_take_or_says_nothing_passes(uploads: Uploads, name: str) -> None:
    assert (await uploads.create(TENANT, a_request(file_name=name)))[0].file_name == name


@pytest.mark.parametrize("name", ["../a.mp4", "a/b.mp4", "a\\b.mp4", "a\nb.mp4", "a\x7f.mp4", "a\u2028.mp4"])
async def test_a_name_that_is_a_path_is_refused(uploads: Uploads, name: str) -> None:
    with pytest.raises(InvalidArgument, match="invalid_file_name"):
        await uploads.create(TENANT, a_request(file_name=name))
