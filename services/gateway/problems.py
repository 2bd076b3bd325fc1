"""Every failure as RFC 9457 problem details, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from grpc.aio import AioRpcError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from meshkit import http
from meshkit.errors import FieldError, InvalidArgument, MeshError, NotFound, TooLarge, UnsupportedMedia
from meshkit.grpc import status
from meshkit.telemetry import log
from services.gateway.access import shown

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT = 1 << 20
"""Bytes of a JSON body."""
STREAMED = ("/v1/tus", "/v1/uploads/direct", "/v1/transcode", "/v1/s3/forms")
"""Where bodies are files: they are taken as they come, and never held whole."""


class MethodNotAllowed(MeshError):
    title = "Method not allowed"
    http_status = 405


class RequestTimeout(MeshError):
    title = "Request timeout"
    http_status = 408


class Gone(MeshError):
    title = "Gone"
    http_status = 410


class PreconditionFailed(MeshError):
    title = "Precondition failed"
    http_status = 412


class RangeNotSatisfiable(MeshError):
    title = "Range not satisfiable"
    http_status = 416


class ChecksumMismatch(MeshError):
    title = "Checksum mismatch"
    http_status = 460
    """Of the tus protocol."""


def response(error: MeshError) -> JSONResponse:
    code, body, headers = http.problem(error)
    if code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if code >= 500:
        log.warning("request failed", reason=error.reason, detail=error.message)
    return JSONResponse(body, code, headers, media_type=http.CONTENT_TYPE)


def handle(app: FastAPI) -> None:
    app.add_exception_handler(MeshError, _mesh)
    app.add_exception_handler(AioRpcError, _rpc)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)


async def _mesh(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, MeshError)
    return response(error)


async def _rpc(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AioRpcError)
    return response(status.from_rpc_error(error))


async def _validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return response(from_validation(error.errors()))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    made = response(from_http(error.status_code, str(error.detail)))
    if error.status_code == 405:
        # Starlette names the methods of the first route at this path only.
        here = [route for route in request.app.state.routes if route.path_regex.match(request.scope["path"])]
        made.headers["Allow"] = ", ".join(sorted({method for route in here for method in route.methods}))
    return made


def from_validation(problems: Any) -> MeshError:
    """What FastAPI found wrong with a request. An id that cannot be one names nothing that is there."""
    if any(problem["loc"][0] == "path" for problem in problems):
        return NotFound("not_found", "no such resource")
    fields = tuple(FieldError(_field(problem), str(problem["msg"])) for problem in problems)
    return InvalidArgument("invalid_argument", "the request breaks rules of its fields", fields=fields)


def from_http(code: int, detail: str) -> MeshError:  # noqa: PLR0911 - one line for each
    """What Starlette itself refuses."""
    match code:
        case 404:
            return NotFound("not_found", "no such resource")
        case 405:
            return MethodNotAllowed("method_not_allowed", "the resource does not have this method")
        case 408:
            return RequestTimeout("request_timeout", "the body does not come on")
        case 413:
            return TooLarge("too_large", f"a body may have at most {BODY_LIMIT} bytes", limit=BODY_LIMIT)
        case 415:
            return UnsupportedMedia("unsupported_media_type", detail)
        case _ if code < 500:
            return InvalidArgument("invalid_argument", detail)
        case _:
            return MeshError("internal", detail)


def named(error: MeshError, prefix: str, instead: str) -> MeshError:
    """The same, its fields that begin with `prefix` under the names that the caller has for them."""
    error.fields = tuple(
        FieldError(instead + each.field.removeprefix(prefix), each.message) if each.field.startswith(prefix) else each
        for each in error.fields
    )
    return error


def precondition(error: AioRpcError) -> MeshError:
    """What a service refuses, with the status that HTTP has for an If-Match that no longer holds."""
    refused = status.from_rpc_error(error)
    return PreconditionFailed(refused.reason, refused.message) if refused.reason == "etag_mismatch" else refused


class BodyLimit:
    """Refuses a body above BODY_LIMIT, before it is read where its length is told and while it is read where not."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith(STREAMED):
            await self._app(scope, receive, send)
            return
        if int(Headers(scope=scope).get("content-length", "0")) > BODY_LIMIT:
            await response(from_http(413, ""))(scope, receive, send)
            return
        read = 0

        async def receiving() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > BODY_LIMIT:
                raise HTTPException(413)
            return message

        await self._app(scope, receiving, send)


class Unexpected:
    """Outside of all that is foreseen: logged once, and told to nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            log.exception("request failed", method=scope["method"], path=shown(scope["path"]))
            if started:
                # The client must see that the body ends too early.
                raise
            await response(MeshError("internal"))(scope, receive, send)


def _field(problem: Any) -> str:
    """`body.parts.0.etag` as `parts.0.etag`; a body that is no JSON at all is no field."""
    if problem["type"] == "json_invalid":
        return ""
    return ".".join(str(part) for part in problem["loc"][1:])
