"""A file's way through the mesh, as a client and a player take it."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from local.demo_judge import faults, heard_and_seen, look_at
from local.demo_player import play

if TYPE_CHECKING:
    from reelmesh_client import Asset, Client


async def sent(client: Client, file: Path, **options: object) -> Asset:
    """Uploaded, and waited for until it is ready or failed."""
    return await asyncio.to_thread(_sent, client, file, options)


async def wrong_with_stream(client: Client, asset: Asset, file: Path) -> list[str]:
    """Everything that differs between the source and the stream that a player gets; nothing when it is right."""
    return await asyncio.to_thread(_wrong, client, asset, file)


def _sent(client: Client, file: Path, options: dict[str, object]) -> Asset:
    asset_id = client.upload_file(file, **options)  # type: ignore[arg-type]
    *_, standing = client.watch(asset_id, every=0.1)
    assert standing.asset is not None
    return standing.asset


def _wrong(client: Client, asset: Asset, file: Path) -> list[str]:
    url = client.playback(asset.id).hls_url
    assert url, "no stream"
    with tempfile.TemporaryDirectory() as folder:
        played = play(url, Path(folder))
        return faults(look_at(file), heard_and_seen(played), played.variant)
