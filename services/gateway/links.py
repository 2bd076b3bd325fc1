"""Absolute URLs for clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reelmesh.metadata.v1 import metadata_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Outputs = Sequence[metadata_pb2.Output]

STREAMS = ("hls", "dash")
_JOBS = "/jobs/"


class Links:
    """`sign` gives a URL of the object store for a key, where clients can reach the store."""

    def __init__(self, public_url: str, sign: Callable[[str], str] | None = None) -> None:
        self._base = public_url.rstrip("/")
        self._sign = sign

    def to(self, path: str) -> str:
        return f"{self._base}{path}"

    def play(self, token: str, path: str) -> str:
        """`token` is a playback id or a signed playback token; `path` is below the playlists' folder."""
        return f"{self._base}/play/{token}/{path}"

    def signed(self, key: str) -> str | None:
        """For whoever may see it without a token, for a while; None where only the gateway can be reached."""
        return self._sign(key) if self._sign else None


def below(output: metadata_pb2.Output, prefix: str) -> bool:
    """Whether it is of the job that plays, whose folder is `prefix`."""
    return bool(prefix) and output.object_key.startswith(prefix.rstrip("/") + "/")


def path(output: metadata_pb2.Output, prefix: str, *, playable: bool) -> str:
    """Where it is found, seen from `prefix`; empty while it cannot be. What another job made begins with `jobs/`."""
    ready = output.state == metadata_pb2.Output.STATE_READY
    if below(output, prefix):
        growing = playable and output.kind in STREAMS and output.state == metadata_pb2.Output.STATE_PREPARING
        return output.object_key.removeprefix(prefix.rstrip("/") + "/") if growing or ready else ""
    folder = prefix.rstrip("/").rpartition(_JOBS)[0] + "/"
    other = ready and output.object_key.startswith(folder + _JOBS[1:])
    return output.object_key.removeprefix(folder) if prefix and other else ""


def picture(outputs: Outputs) -> metadata_pb2.Output | None:
    """What stands for an asset: the poster of a video, of a picture its middle size."""
    ready = [output for output in outputs if output.state == metadata_pb2.Output.STATE_READY]
    found = [each for each in ready if each.kind == "poster"] + [each for each in ready if _is_medium(each)]
    return found[0] if found else None


def storyboard(outputs: Outputs) -> metadata_pb2.Output | None:
    """The text that names the tiles of the sprite."""
    return next((each for each in outputs if each.kind == "sprite" and each.name.endswith(".vtt")), None)


def _is_medium(output: metadata_pb2.Output) -> bool:
    return output.kind == "image" and output.name.startswith("medium.")
