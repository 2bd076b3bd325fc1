"""The upload service as it runs: real gRPC, Postgres, JetStream and S3."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio
from grpc.aio import AioRpcError
from reelmesh.upload.v1 import upload_pb2, upload_pb2_grpc

from meshkit.errors import NotFound
from meshkit.grpc import client, status
from meshkit.ids import new_id
from services.upload.domain import MIN_PART_SIZE
from services.upload.main import Settings, main
from tests.eventually import eventually
from tests.serving import called, free_port, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from local.infra import Infra
    from meshkit.nats import Bus
    from meshkit.objects import Objects
    from meshkit.settings import S3Settings

    Stub = upload_pb2_grpc.UploadServiceAsyncStub

ALL = ("uploads:read", "uploads:write")
TIMEOUT = 10.0


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(
    infra: Infra,
    s3_settings: S3Settings,
    identity_addr: str,
    database_url: Callable[[str], Awaitable[str]],
    alone: None,
) -> AsyncIterator[str]:
    settings = Settings(
        grpc_port=free_port(),
        database_url=await database_url("upload"),
        nats_url=infra.nats_url,
        identity_addr=identity_addr,
        **s3_settings.model_dump(),
    )
    async with serving(main, settings) as address:
        yield address


@pytest.fixture
def tenant() -> str:
    return new_id()


@pytest_asyncio.fixture(loop_scope="session")
async def uploads(address: str, tenant: str) -> AsyncIterator[Stub]:
    async with called(address, upload_pb2.DESCRIPTOR, tenant, *ALL) as channel:
        yield upload_pb2_grpc.UploadServiceStub(channel)


async def create(stub: Stub, size: int, request_id: str = "") -> upload_pb2.CreateUploadResponse:
    request = upload_pb2.CreateUploadRequest(
        file_name="a.mp4", size=size, content_type="video/mp4", request_id=request_id
    )
    return await stub.CreateUpload(request, timeout=TIMEOUT)


async def put(part: upload_pb2.SignedPart, body: bytes) -> int:
    async with httpx2.AsyncClient() as http:
        return (await http.put(part.url, content=body)).status_code


async def refusal(call: Awaitable[object]) -> tuple[str, int]:
    """The reason and the HTTP status of a call that must fail."""
    with pytest.raises(AioRpcError) as caught:
        await call
    error = status.from_rpc_error(caught.value)
    return error.reason, error.http_status


async def test_a_file_in_parts_becomes_its_bytes(uploads: Stub, objects: Objects) -> None:
    body = bytes(range(256)) * (MIN_PART_SIZE // 256) + b"the end"
    made = await create(uploads, len(body))
    assert [part.part_number for part in made.parts] == [1, 2]
    assert await put(made.parts[1], body[MIN_PART_SIZE:]) == 200
    assert await put(made.parts[0], body[:MIN_PART_SIZE]) == 200
    done = await uploads.CompleteUpload(upload_pb2.CompleteUploadRequest(upload_id=made.upload.id), timeout=TIMEOUT)
    assert done.upload.state == upload_pb2.Upload.STATE_COMPLETED
    stored = await objects.open(done.upload.object_key)
    assert await asyncio.to_thread(stored["Body"].read) == body


async def test_a_part_of_another_size_is_refused_by_the_store(uploads: Stub) -> None:
    made = await create(uploads, 10)
    assert await put(made.parts[0], b"more than ten bytes") == 403
    assert await put(made.parts[0], b"ten bytes!") == 200


async def test_parts_in_series_are_the_same_parts(uploads: Stub) -> None:
    made = await create(uploads, 2 * MIN_PART_SIZE + 1)
    request = upload_pb2.SignPartsRequest(upload_id=made.upload.id, part_numbers=[3, 1, 2])
    signed = await uploads.SignParts(request, timeout=TIMEOUT)
    request.in_series = True
    answer = await uploads.SignParts(request, timeout=TIMEOUT)
    assert [part.part_number for part in signed.parts] == [3, 1, 2]
    assert not signed.series
    assert not answer.parts
    assert [(list(each.part_numbers), each.headers["Content-Length"]) for each in answer.series] == [
        ([3], "1"),
        ([1, 2], str(MIN_PART_SIZE)),
    ]
    last = answer.series[0]
    part = upload_pb2.SignedPart(url=f"{last.url_begin}3{last.url_end}{last.signatures[0]}")
    assert await put(part, b"ab") == 403
    assert await put(part, b"x") == 200


async def test_an_upload_that_is_made_again_answers_in_the_other_way(uploads: Stub) -> None:
    request = upload_pb2.CreateUploadRequest(file_name="clip.mp4", size=3, request_id=new_id())
    parts = await uploads.CreateUpload(request, timeout=TIMEOUT)
    request.in_series = True
    series = await uploads.CreateUpload(request, timeout=TIMEOUT)
    assert series.upload.id == parts.upload.id
    assert [list(each.part_numbers) for each in series.series] == [[1]]
    assert (len(parts.parts), len(parts.series), len(series.parts)) == (1, 0, 0)


async def test_an_object_of_another_size_is_removed(uploads: Stub, objects: Objects) -> None:
    """Such as a store that lost bytes of a part has: here somebody put it there."""
    made = await create(uploads, 3)
    key = f"assets/{made.upload.asset_id}/source"
    [multipart_id] = parse_qs(urlsplit(made.parts[0].url).query)["uploadId"]
    await objects.abort_multipart(key, multipart_id)
    await objects.put(key, b"other", "video/mp4", "")
    request = upload_pb2.CompleteUploadRequest(upload_id=made.upload.id)
    failed = (await uploads.CompleteUpload(request, timeout=TIMEOUT)).upload
    assert (failed.state, failed.error_code) == (upload_pb2.Upload.STATE_FAILED, "size_mismatch")
    with pytest.raises(NotFound):
        await objects.head(key)
    assert await refusal(uploads.CompleteUpload(request, timeout=TIMEOUT)) == ("upload_failed", 409)


async def test_concurrent_completes_complete_once(uploads: Stub, bus: Bus) -> None:
    made = await create(uploads, 3)
    await put(made.parts[0], b"abc")
    request = upload_pb2.CompleteUploadRequest(upload_id=made.upload.id)
    done = await asyncio.gather(*[uploads.CompleteUpload(request, timeout=TIMEOUT) for _ in range(8)])
    assert {each.upload.update_time.ToNanoseconds() for each in done} == {done[0].upload.update_time.ToNanoseconds()}

    async def said() -> bool:
        info = await bus.js.stream_info("UPLOAD", subjects_filter=f"reelmesh.upload.v1.*.{made.upload.id}")
        prefix = "reelmesh.upload.v1"
        facts = {f"{prefix}.created.{made.upload.id}": 1, f"{prefix}.completed.{made.upload.id}": 1}
        return info.state.subjects == facts

    assert await eventually(said)


async def test_parts_are_listed_for_a_client_that_comes_back(uploads: Stub) -> None:
    made = await create(uploads, MIN_PART_SIZE + 1)
    await put(made.parts[1], b"x")
    listed = await uploads.ListParts(upload_pb2.ListPartsRequest(upload_id=made.upload.id), timeout=TIMEOUT)
    assert [(part.part_number, part.size) for part in listed.parts] == [(2, 1)]


async def test_the_same_request_id_is_the_same_upload(uploads: Stub) -> None:
    made = await asyncio.gather(*[create(uploads, 3, request_id="same") for _ in range(5)])
    assert len({each.upload.id for each in made}) == 1


async def test_a_foreign_tenant_finds_nothing(uploads: Stub, address: str) -> None:
    made = await create(uploads, 3)
    async with called(address, upload_pb2.DESCRIPTOR, new_id(), *ALL) as channel:
        foreign = upload_pb2_grpc.UploadServiceStub(channel)
        get = foreign.GetUpload(upload_pb2.GetUploadRequest(upload_id=made.upload.id), timeout=TIMEOUT)
        assert await refusal(get) == ("upload_not_found", 404)


async def test_bad_requests_name_their_fields(uploads: Stub) -> None:
    request = upload_pb2.CreateUploadRequest(file_name="", size=-1)
    with pytest.raises(AioRpcError) as caught:
        await uploads.CreateUpload(request, timeout=TIMEOUT)
    error = status.from_rpc_error(caught.value)
    assert error.reason == "invalid_argument"
    assert {field.field for field in error.fields} == {"file_name", "size"}


async def test_a_token_without_the_scope_is_refused(address: str, tenant: str) -> None:
    async with called(address, upload_pb2.DESCRIPTOR, tenant, "uploads:read") as channel:
        assert await refusal(create(upload_pb2_grpc.UploadServiceStub(channel), 3)) == ("missing_scope", 403)


async def test_no_token_is_refused(address: str) -> None:
    async with client.channel(address, upload_pb2.DESCRIPTOR, client.no_token) as channel:
        assert await refusal(create(upload_pb2_grpc.UploadServiceStub(channel), 3)) == ("unauthenticated", 401)


async def test_a_call_without_a_deadline_is_not_made(uploads: Stub) -> None:
    with pytest.raises(ValueError, match="without a deadline"):
        await uploads.ListUploads(upload_pb2.ListUploadsRequest())
