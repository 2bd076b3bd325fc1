"""Assets in their lists and rankings, while more come and many vote."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reelmesh.metadata.v1 import metadata_pb2, metadata_pb2_grpc
from reelmesh.upload.v1 import upload_pb2

from meshkit.ids import new_id
from tests.integration.metadata.steps import (
    TIMEOUT,
    an_upload,
    refusal,
    taken_in,
)
from tests.serving import called

if TYPE_CHECKING:
    from meshkit.nats import Bus

    Stub = metadata_pb2_grpc.MetadataServiceAsyncStub


async def test_assets_are_listed_by_their_labels(bus: Bus, assets: Stub, tenant: str) -> None:
    left, right = an_upload(tenant, match="7", camera="left"), an_upload(tenant, match="7", camera="right")
    for upload in (left, right, an_upload(tenant, match="8")):
        await taken_in(bus, assets, upload)

    async def listed(**labels: str) -> list[str]:
        request = metadata_pb2.ListAssetsRequest(labels=labels)
        return [asset.id for asset in (await assets.ListAssets(request, timeout=TIMEOUT)).assets]

    assert await listed(match="7") == [right.asset_id, left.asset_id]
    assert await listed(match="7", camera="left") == [left.asset_id]
    assert await listed(match="9") == []


async def test_pages_hold_while_assets_come_in(bus: Bus, assets: Stub, tenant: str) -> None:
    uploads = [an_upload(tenant) for _ in range(5)]
    for upload in uploads:
        await taken_in(bus, assets, upload)
    seen: list[str] = []
    token = ""
    while True:
        request = metadata_pb2.ListAssetsRequest(page_size=2, page_token=token)
        answer = await assets.ListAssets(request, timeout=TIMEOUT)
        seen += [asset.id for asset in answer.assets]
        token = answer.next_page_token
        if not token:
            break
        await taken_in(bus, assets, an_upload(tenant))
    assert seen == [upload.asset_id for upload in reversed(uploads)]


async def test_many_vote_at_once_and_the_ranking_follows(bus: Bus, address: str, assets: Stub, tenant: str) -> None:
    uploads = [an_upload(tenant, athlete_id="7") for _ in range(3)]
    for upload in uploads:
        upload.visibility = upload_pb2.VISIBILITY_PUBLIC
        await taken_in(bus, assets, upload)
    first, second, third = (upload.asset_id for upload in uploads)

    async def vote(asset_id: str, *, withdrawn: bool = False) -> None:
        """A user of another tenant, who is in a hurry."""
        async with called(address, metadata_pb2.DESCRIPTOR, new_id(), "assets:read") as channel:
            stub = metadata_pb2_grpc.MetadataServiceStub(channel)
            cast = metadata_pb2.CastVoteRequest(asset_id=asset_id)
            await asyncio.gather(*[stub.CastVote(cast, timeout=TIMEOUT) for _ in range(3)])
            if withdrawn:
                await stub.WithdrawVote(metadata_pb2.WithdrawVoteRequest(asset_id=asset_id), timeout=TIMEOUT)

    await asyncio.gather(
        *[vote(second) for _ in range(5)], *[vote(third, withdrawn=True) for _ in range(3)], vote(third), vote(first)
    )
    seen: list[tuple[str, int]] = []
    token = ""
    for _ in range(3):
        request = metadata_pb2.ListAssetsRequest(
            order_by="votes desc", labels={"athlete_id": "7"}, page_size=1, page_token=token
        )
        answer = await assets.ListAssets(request, timeout=TIMEOUT)
        seen += [(asset.id, asset.votes) for asset in answer.assets]
        token = answer.next_page_token
    assert seen == [(second, 5), (third, 1), (first, 1)]
    assert token == ""


async def test_bad_lists_are_refused(assets: Stub) -> None:
    for wrong in (
        metadata_pb2.ListAssetsRequest(order_by="secret"),
        metadata_pb2.ListAssetsRequest(page_token="nonsense"),
    ):
        reason, code = await refusal(assets.ListAssets(wrong, timeout=TIMEOUT))
        assert (reason, code) in {("invalid_argument", 400), ("invalid_page_token", 400)}
