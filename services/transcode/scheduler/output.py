"""What jobs made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a job made: bits per second, bytes, seconds; `codec` as in RFC 6381."""

    id: str
    kind: str
    name: str
    state: str
    object_key: str
    width: int = 0
    height: int = 0
    bit_rate: int = 0
    codec: str = ""
    size: int = 0
    duration: float = 0.0
