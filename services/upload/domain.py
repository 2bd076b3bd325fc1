"""An upload: a file on its way in, from the first part to the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from meshkit.errors import Conflict, FieldError, InvalidArgument, TooLarge
from services.upload.formats import check_file_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from services.upload.formats import Policy

MEBIBYTE = 1 << 20
MIN_PART_SIZE = 16 * MEBIBYTE
MAX_PARTS = 10_000
"""What S3 allows in one multipart upload."""
STREAMED_PART_SIZE = 8 * MEBIBYTE
MAX_STREAMED_PART_SIZE = 16 * MEBIBYTE
"""Whoever streams holds a few parts in memory."""
LIFETIME = timedelta(hours=24)
SIGNED_AT_FIRST = 100
FIRST_LOOK = timedelta(seconds=1)
NEWS_EVERY = timedelta(seconds=1)
HELD = timedelta(seconds=60)
"""For so long whoever appends is believed to be alive after its last word."""
CONTRADICTIONS = frozenset({"checksum_mismatch"})
"""Failures of a job that are the upload's: the bytes are not what was declared."""


class State(StrEnum):
    RECEIVING = "receiving"
    COMPLETED = "completed"
    FAILED = "failed"
    ABORTED = "aborted"
    EXPIRED = "expired"


class Transport(StrEnum):
    """Who brings the bytes to the object store."""

    PRESIGNED = "presigned"
    LOOSE = "loose"
    """The client, in parts of whatever size."""
    STREAMED = "streamed"
    FETCHED = "fetched"

    @property
    def appended(self) -> bool:
        """The bytes come from one end of the file to the other, through us."""
        return self in {Transport.STREAMED, Transport.FETCHED}


class Visibility(StrEnum):
    PRIVATE = "private"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client declares of its file before the first byte; `size` in bytes, None where it is not known."""

    file_name: str
    size: int | None
    content_type: str = ""
    sha256: str = ""
    preset: str = ""
    labels: Mapping[str, str]
    visibility: Visibility = Visibility.PRIVATE
    passthrough: str = ""
    transport: Transport = Transport.PRESIGNED
    client_metadata: str = ""
    source_url: str = ""
    job: Mapping[str, Any] = field(default_factory=dict)
    """What is wanted of the job that follows, beside its preset, in transcode's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part that the object store holds; `size` in bytes."""

    number: int
    etag: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    id: str
    tenant_id: str
    asset_id: str
    state: State
    file_name: str
    size: int
    content_type: str
    sha256: str
    preset: str
    labels: Mapping[str, str]
    visibility: Visibility
    passthrough: str
    part_size: int
    part_count: int
    object_key: str
    multipart_id: str
    expire_time: datetime
    create_time: datetime
    update_time: datetime
    error_code: str = ""
    error_message: str = ""
    transport: Transport = Transport.PRESIGNED
    received: int = 0
    """Bytes that the object store is known to have."""
    size_deferred: bool = False
    """`size` is 0 until the last byte is there."""
    client_metadata: str = ""
    source_url: str = ""
    epoch: int = 0
    """Raised by each who begins to append; only the last one's word counts."""
    tail_key: str = ""
    """The object with the bytes after the last whole part."""
    attempts: int = 0
    held_until: datetime | None = None
    """Somebody appends, and said so not long ago."""
    look_time: datetime | None = None
    """When the store is asked next how much there is."""
    progress_time: datetime | None = None
    job: Mapping[str, Any] = field(default_factory=dict)
    job_id: str = ""
    """That of the job that follows; a completed upload has one."""

    @property
    def whole(self) -> bool:
        """Every byte of a streamed file is there; it only has to be joined."""
        streamed = self.transport is Transport.STREAMED and not self.size_deferred
        return streamed and 0 < self.size == self.received

    @property
    def tail_prefix(self) -> str:
        """No two who append store a tail under the same key."""
        return f"{self.tails}{self.epoch}-"

    @property
    def tails(self) -> str:
        return f"tmp/uploads/{self.id}/"

    def part_bytes(self, number: int) -> int:
        """The size that part `number` must have. Raises InvalidArgument outside of 1..part_count."""
        most = self.part_count if self.part_size else MAX_PARTS
        if not 1 <= number <= most:
            wrong = FieldError("part_numbers", f"part {number} is not among 1 to {most}")
            raise InvalidArgument("invalid_part_number", wrong.message, fields=(wrong,))
        return min(self.part_size, self.size - (number - 1) * self.part_size)

    def receiving(self) -> Upload:
        """The same upload. Raises Conflict when it no longer takes parts."""
        if self.state is not State.RECEIVING:
            raise Conflict(f"upload_{self.state}", f"the upload is {self.state}", state=self.state)
        return self

    def sized(self, size: int) -> Upload:
        """The same upload with the size that it turned out to have."""
        count = max(1, math.ceil(size / self.part_size)) if self.part_size else self.part_count
        return replace(self, size=size, size_deferred=False, part_count=count)

    def held(self, now: datetime) -> bool:
        return self.held_until is not None and self.held_until > now

    def taken(self, now: datetime) -> Upload:
        """Under a new epoch: whoever appended before no longer can."""
        return replace(self.receiving(), epoch=self.epoch + 1, held_until=now + HELD)

    def released(self) -> Upload:
        return replace(self, held_until=None)

    def advanced(self, received: int, now: datetime) -> Upload:
        """So many bytes are there by now; that is news once a second."""
        news = self.progress_time is None or now - self.progress_time >= NEWS_EVERY
        told = now if news and received > self.received else self.progress_time
        lives = now + LIFETIME
        return replace(self, received=received, progress_time=told, update_time=now, expire_time=lives)

    def appended(self, received: int, now: datetime) -> Upload:
        """Whole parts and a tail reach up to `received`. Raises Conflict, or TooLarge for more than was declared."""
        if received < self.received:
            raise Conflict("offset_mismatch", f"{self.received} bytes are there already", offset=self.received)
        if not self.size_deferred and received > self.size:
            raise TooLarge("more_than_declared", f"the file was declared to have {self.size} bytes", limit=self.size)
        if received == self.received:
            return replace(self.receiving(), held_until=now + HELD)
        whole = received % self.part_size == 0 or (received == self.size and not self.size_deferred)
        tail = "" if whole else f"{self.tail_prefix}{received}"
        return replace(self.receiving().advanced(received, now), tail_key=tail, held_until=now + HELD)

    def missing(self, received: Iterable[Part]) -> list[int]:
        """Numbers of the parts that are not there in their full size."""
        whole = {part.number for part in received if part.size == self.part_bytes(part.number)}
        return [number for number in range(1, self.part_count + 1) if number not in whole]

    def complete(self, job_id: str, now: datetime) -> Upload:
        """The same upload, whole. Only a receiving upload can complete."""
        whole = replace(self.receiving(), received=self.size, held_until=None, tail_key="", job_id=job_id)
        return replace(whole, state=State.COMPLETED, update_time=now)

    def fail(self, code: str, message: str, now: datetime) -> Upload:
        return replace(self.receiving(), state=State.FAILED, error_code=code, error_message=message, update_time=now)

    def contradicted(self, code: str, message: str, now: datetime) -> Upload:
        """A completed upload turns out not to be what was declared; one that failed already stays as it is."""
        if self.state is not State.COMPLETED:
            return self
        return replace(self, state=State.FAILED, error_code=code, error_message=message, update_time=now)

    def abort(self, now: datetime) -> Upload:
        return replace(self.receiving(), state=State.ABORTED, update_time=now)

    def expire(self, now: datetime) -> Upload:
        return replace(self.receiving(), state=State.EXPIRED, update_time=now)


def open_upload(
    request: Request,
    *,
    id: str,  # noqa: A002
    asset_id: str,
    tenant_id: str,
    now: datetime,
    policy: Policy,
) -> Upload:
    """A new upload. Raises InvalidArgument, UnsupportedMedia, or TooLarge for what the policy does not take."""
    check_file_name(request.file_name)
    policy.check_size(request.size or 0)
    policy.check_type(request.file_name, request.content_type)
    part_size = part_size_of(request, policy)
    upload = Upload(
        id=id,
        tenant_id=tenant_id,
        asset_id=asset_id,
        state=State.RECEIVING,
        file_name=request.file_name,
        size=0,
        size_deferred=True,
        content_type=request.content_type,
        sha256=request.sha256,
        preset=request.preset,
        labels=request.labels,
        visibility=request.visibility,
        passthrough=request.passthrough,
        part_size=part_size,
        part_count=0,
        object_key=f"assets/{asset_id}/source",
        multipart_id="",
        expire_time=now + LIFETIME,
        create_time=now,
        update_time=now,
        transport=request.transport,
        client_metadata=request.client_metadata,
        source_url=request.source_url,
        job=request.job,
        look_time=None if request.transport.appended else now + FIRST_LOOK,
    )
    # An empty file is one empty part: whatever comes in is taken in, and judged when it is probed.
    return upload if request.size is None else upload.sized(request.size)


def part_size_of(request: Request, policy: Policy) -> int:
    """Equal parts, at most MAX_PARTS of them; 0 where the client decides. Raises InvalidArgument, TooLarge."""
    match request.transport:
        case Transport.LOOSE:
            return 0
        case Transport.PRESIGNED:
            if request.size is None:
                wrong = FieldError("size", "must be known before the parts are signed")
                raise InvalidArgument("invalid_argument", wrong.message, fields=(wrong,))
            return max(MIN_PART_SIZE, math.ceil(request.size / MAX_PARTS))
        case _:
            longest = MAX_STREAMED_PART_SIZE * MAX_PARTS
            if request.size is not None and request.size > longest:
                raise TooLarge("too_large", f"what is streamed may have at most {longest} bytes", limit=longest)
            most = min(policy.max_size, longest) if request.size is None else request.size
            return max(STREAMED_PART_SIZE, math.ceil(most / MAX_PARTS))
