"""Every way a request can go wrong, as one tree; `meshkit.grpc.status` and `meshkit.http` map it, once each.

MeshError
├── InvalidArgument      400
├── Unauthenticated      401
├── PermissionDenied     403
├── NotFound             404
├── AlreadyExists        409   the thing is there already
├── Conflict             409   the thing is not in a state for this, or changed meanwhile
├── TooLarge             413
├── UnsupportedMedia     415
├── Exhausted            429
└── Unavailable          503   try again: the only one that is
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request, by its path such as `labels.match_id`."""

    field: str
    message: str


class MeshError(Exception):
    """A failure with a `reason` that a client can branch on.

    `reason` is stable snake_case; `message` is for people; `metadata` holds facts such as a limit.
    """

    title: ClassVar[str] = "Internal error"
    http_status: ClassVar[int] = 500

    def __init__(
        self, reason: str, message: str = "", *, fields: tuple[FieldError, ...] = (), **metadata: object
    ) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message or reason.replace("_", " ")
        self.fields = fields
        self.metadata = {name: str(value) for name, value in metadata.items()}

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class InvalidArgument(MeshError):
    title = "Invalid argument"
    http_status = 400


class Unauthenticated(MeshError):
    title = "Unauthenticated"
    http_status = 401


class PermissionDenied(MeshError):
    title = "Permission denied"
    http_status = 403


class NotFound(MeshError):
    title = "Not found"
    http_status = 404


class AlreadyExists(MeshError):
    title = "Already exists"
    http_status = 409


class Conflict(MeshError):
    title = "Conflict"
    http_status = 409


class TooLarge(MeshError):
    title = "Too large"
    http_status = 413


class UnsupportedMedia(MeshError):
    title = "Unsupported media"
    http_status = 415


class Exhausted(MeshError):
    """`metadata["retry_after"]` is in seconds where it is known."""

    title = "Too many requests"
    http_status = 429


class Unavailable(MeshError):
    title = "Unavailable"
    http_status = 503
