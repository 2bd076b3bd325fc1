"""An upload: a file on its way in, from the first part to the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from meshkit.errors import Conflict, FieldError, InvalidArgument, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

MEBIBYTE = 1 << 20
MIN_PART_SIZE = 16 * MEBIBYTE
MAX_PARTS = 10_000
"""What S3 allows in one multipart upload."""
MAX_SIZE = 5 << 40
"""What S3 allows in one object, in bytes."""
LIFETIME = timedelta(hours=24)
SIGNED_AT_FIRST = 100


class State(StrEnum):
    RECEIVING = "receiving"
    COMPLETED = "completed"
    FAILED = "failed"
    ABORTED = "aborted"
    EXPIRED = "expired"


class Visibility(StrEnum):
    PRIVATE = "private"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client declares of its file before the first byte; `size` in bytes."""

    file_name: str
    size: int
    content_type: str = ""
    sha256: str = ""
    preset: str = ""
    labels: Mapping[str, str]
    visibility: Visibility = Visibility.PRIVATE
    passthrough: str = ""


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

    def part_bytes(self, number: int) -> int:
        """The size that part `number` must have. Raises InvalidArgument outside of 1..part_count."""
        if not 1 <= number <= self.part_count:
            field = FieldError("part_numbers", f"part {number} is not among 1 to {self.part_count}")
            raise InvalidArgument("invalid_part_number", field.message, fields=(field,))
        return min(self.part_size, self.size - (number - 1) * self.part_size)

    def receiving(self) -> Upload:
        """The same upload. Raises Conflict when it no longer takes parts."""
        if self.state is not State.RECEIVING:
            raise Conflict(f"upload_{self.state}", f"the upload is {self.state}", state=self.state)
        return self

    def missing(self, received: Iterable[Part]) -> list[int]:
        """Numbers of the parts that are not there in their full size."""
        whole = {part.number for part in received if part.size == self.part_bytes(part.number)}
        return [number for number in range(1, self.part_count + 1) if number not in whole]

    def complete(self, now: datetime) -> Upload:
        """The same upload, whole. Only a receiving upload can complete."""
        return replace(self.receiving(), state=State.COMPLETED, update_time=now)

    def fail(self, code: str, message: str, now: datetime) -> Upload:
        return replace(self.receiving(), state=State.FAILED, error_code=code, error_message=message, update_time=now)

    def abort(self, now: datetime) -> Upload:
        return replace(self.receiving(), state=State.ABORTED, update_time=now)

    def expire(self, now: datetime) -> Upload:
        return replace(self.receiving(), state=State.EXPIRED, update_time=now)


def open_upload(request: Request, *, id: str, asset_id: str, tenant_id: str, now: datetime) -> Upload:  # noqa: A002
    """A new upload, its parts equal and at most MAX_PARTS. Raises TooLarge above MAX_SIZE."""
    if request.size > MAX_SIZE:
        raise TooLarge("too_large", f"a file may have at most {MAX_SIZE} bytes", limit=MAX_SIZE)
    part_size = max(MIN_PART_SIZE, math.ceil(request.size / MAX_PARTS))
    return Upload(
        id=id,
        tenant_id=tenant_id,
        asset_id=asset_id,
        state=State.RECEIVING,
        file_name=request.file_name,
        size=request.size,
        content_type=request.content_type,
        sha256=request.sha256,
        preset=request.preset,
        labels=request.labels,
        visibility=request.visibility,
        passthrough=request.passthrough,
        part_size=part_size,
        # An empty file is one empty part: whatever comes in is taken in, and judged when it is probed.
        part_count=max(1, math.ceil(request.size / part_size)),
        object_key=f"assets/{asset_id}/source",
        multipart_id="",
        expire_time=now + LIFETIME,
        create_time=now,
        update_time=now,
    )
