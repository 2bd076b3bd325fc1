"""Absolute URLs that the gateway itself serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.metadata.v1 import metadata_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable

STREAMS = ("hls", "dash")


class Links:
    def __init__(self, public_url: str) -> None:
        self._base = public_url.rstrip("/")

    def to(self, path: str) -> str:
        return f"{self._base}{path}"

    def play(self, token: str, path: str) -> str:
        """`token` is a playback id or a signed playback token; `path` is below the playlists' folder."""
        return f"{self._base}/play/{token}/{path}"


def folder(outputs: Iterable[metadata_pb2.Output]) -> str:
    """The folder of the bucket with the newest playlists, as their keys say it; empty while there is none."""
    keys = [output.object_key for output in outputs if output.kind in STREAMS and output.object_key]
    return keys[-1].rpartition("/")[0] if keys else ""


def path(output: metadata_pb2.Output, prefix: str, *, playable: bool) -> str:
    """Where a player finds the output below `prefix`; empty while it cannot, or if it lies somewhere else."""
    growing = playable and output.kind in STREAMS and output.state == metadata_pb2.Output.STATE_PREPARING
    below = prefix.rstrip("/") + "/"
    if not prefix or not output.object_key.startswith(below):
        return ""
    return output.object_key.removeprefix(below) if growing or output.state == metadata_pb2.Output.STATE_READY else ""
