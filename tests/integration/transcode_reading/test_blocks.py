"""Which bytes are fetched, and which are kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from services.transcode.worker.blocks import BLOCK, Blocks

COUNT = 400
SIZE = COUNT * BLOCK - 17


@dataclass
class Store:
    spans: list[tuple[int, int]] = field(default_factory=list)

    async def fetch(self, start: int, size: int) -> bytes:
        self.spans.append((start // BLOCK, -(-(start + size) // BLOCK)))
        return start.to_bytes(8, "big") + bytes(size - 8)

    @property
    def blocks(self) -> list[int]:
        return [number for start, end in self.spans for number in range(start, end)]


def reading(keep_blocks: int = 128) -> tuple[Store, Blocks]:
    store = Store()
    return store, Blocks(SIZE, store.fetch, keep=keep_blocks * BLOCK)


async def test_one_read_through_fetches_every_byte_once() -> None:
    store, blocks = reading()
    blocks.read_whole = True
    sizes = [len(await blocks.block(number)) for number in range(COUNT)]
    assert sum(sizes) == SIZE
    assert store.blocks == list(range(COUNT))
    assert len(store.spans) < COUNT / 8


async def test_a_reader_that_jumps_fetches_only_where_it_lands() -> None:
    store, blocks = reading()
    for number in (7, 300, 20, 399, 150):
        await blocks.block(number)
    assert store.blocks == [7, 300, 20, 399, 150]


async def test_a_reader_that_stops_has_read_little_in_vain() -> None:
    store, blocks = reading()
    for number in range(200):
        await blocks.block(number)
    await blocks.close()
    assert len(store.blocks) <= 200 * 1.05


async def test_a_reader_whose_end_is_expected_asks_seldom_and_reads_little_in_vain() -> None:
    store, blocks = reading()
    blocks.expected = 100
    for number in range(105):
        await blocks.block(number)
    await blocks.close()
    assert len(store.spans) <= 105 / 2.5
    assert len(store.blocks) <= 105 * 1.05


@pytest.mark.parametrize("end", [10, 20, 40, 60, 80])
async def test_a_reader_that_ends_before_it_is_expected_to_has_not_read_much_in_vain(end: int) -> None:
    store, blocks = reading()
    blocks.expected = 100
    for number in range(end):
        await blocks.block(number)
    await blocks.close()
    assert len(store.blocks) <= end * 1.25


async def test_what_came_first_stays() -> None:
    store, blocks = reading(keep_blocks=128)
    index = [390, 391, 392]
    for number in (*index, *range(300)):
        await blocks.block(number)
    await blocks.close()
    store.spans.clear()
    for number in index:
        await blocks.block(number)
    assert store.spans == []
    await blocks.block(150)
    assert store.blocks == [150]
