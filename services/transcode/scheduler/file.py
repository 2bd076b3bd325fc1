"""Plain files that tasks make: posters, storyboards, pictures, films in one piece."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from services.transcode.scheduler.output import Output


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """`name` is its own in the job, `size` in bytes, `duration` in seconds, `bit_rate` in bits per second.

    One that is `errored` was never made, and has no key.
    """

    kind: str
    name: str
    state: str = "ready"
    key: str = ""
    size: int = 0
    content_type: str = ""
    width: int = 0
    height: int = 0
    duration: float = 0.0
    codec: str = ""
    bit_rate: int = 0

    def output(self, job_id: str) -> Output:
        return Output(
            id=str(uuid.uuid5(uuid.UUID(job_id), self.name)),
            kind=self.kind,
            name=self.name,
            state=self.state,
            object_key=self.key,
            width=self.width,
            height=self.height,
            bit_rate=self.bit_rate,
            codec=self.codec,
            size=self.size,
            duration=self.duration,
        )
