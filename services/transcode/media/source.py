"""Where ffmpeg and the probe read a source."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Loopback:
    """A source of `size` bytes that this machine serves in ranges on its own 127.0.0.1:`port`, under a secret path."""

    port: int
    token: str
    size: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/{self.token}"


Source = Path | Loopback
