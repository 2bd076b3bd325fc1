"""The one mapping between MeshError and gRPC: `google.rpc.Status` with ErrorInfo, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc.aio import AioRpcError
from grpc_status import rpc_status

from meshkit import errors
from meshkit.errors import FieldError, MeshError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from protovalidate import ValidationError

R = TypeVar("R")
DOMAIN = "reelmesh"

CODES: dict[type[MeshError], int] = {
    errors.InvalidArgument: code_pb2.INVALID_ARGUMENT,
    errors.Unauthenticated: code_pb2.UNAUTHENTICATED,
    errors.PermissionDenied: code_pb2.PERMISSION_DENIED,
    errors.NotFound: code_pb2.NOT_FOUND,
    errors.AlreadyExists: code_pb2.ALREADY_EXISTS,
    errors.Conflict: code_pb2.ABORTED,
    errors.TooLarge: code_pb2.OUT_OF_RANGE,
    errors.UnsupportedMedia: code_pb2.FAILED_PRECONDITION,
    errors.Exhausted: code_pb2.RESOURCE_EXHAUSTED,
    errors.Unavailable: code_pb2.UNAVAILABLE,
}
_CLASSES = {code: error for error, code in CODES.items()}


def to_status(error: MeshError) -> grpc.Status:
    """What a server aborts a call with."""
    code = next((CODES[base] for base in type(error).__mro__ if base in CODES), code_pb2.INTERNAL)
    details = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)]
    message = status_pb2.Status(code=code, message=error.message, details=[_packed(detail) for detail in details])
    if error.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=field.field, description=field.message)
            for field in error.fields
        ]
        message.details.append(_packed(error_details_pb2.BadRequest(field_violations=violations)))
    return rpc_status.to_status(message)


async def answered(call: Awaitable[R]) -> R:
    """What the call answers. Raises the MeshError that its failure means."""
    try:
        return await call
    except AioRpcError as error:
        raise from_rpc_error(error) from error


def from_rpc_error(error: AioRpcError) -> MeshError:
    """What a client makes of a failed call; an answer that is not ours becomes Unavailable or an internal error."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # an AioRpcError has code, details and metadata too
    if status is None:
        if error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
            return errors.Unavailable("unavailable", error.details() or "")
        return MeshError("internal", error.details() or "")
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    fields = tuple(FieldError(violation.field, violation.description) for violation in bad.field_violations)
    kind = _CLASSES.get(status.code, MeshError)
    made = kind(info.reason or "internal", status.message, fields=fields)
    made.metadata.update(info.metadata)
    return made


def from_validation(error: ValidationError) -> errors.InvalidArgument:
    """The rules of protos/ that a request breaks, field by field."""
    fields = tuple(
        FieldError(_path(violation.proto.field.elements if violation.proto.field else []), violation.proto.message)
        for violation in error.violations
    )
    return errors.InvalidArgument("invalid_argument", "the request breaks rules of its fields", fields=fields)


def _packed(detail: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


def _path(elements: Iterable[object]) -> str:
    return ".".join(str(getattr(element, "field_name", "")) for element in elements)
