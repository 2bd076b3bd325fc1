"""The one mapping from MeshError to HTTP: RFC 9457 problem details."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshkit.telemetry import trace_id

if TYPE_CHECKING:
    from meshkit.errors import MeshError

CONTENT_TYPE = "application/problem+json"


def problem(error: MeshError) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers. `code` is the stable reason; the text of an unexpected error is not in it."""
    body = {
        "type": "about:blank",
        "title": error.title,
        "status": error.http_status,
        "detail": error.message if error.http_status != 500 else "internal error",
        "code": error.reason,
        "errors": [{"field": field.field, "message": field.message} for field in error.fields],
        "trace_id": trace_id(),
    }
    headers = {"Content-Type": CONTENT_TYPE}
    if retry_after := error.metadata.get("retry_after"):
        headers["Retry-After"] = retry_after
    elif error.http_status in {429, 503}:
        headers["Retry-After"] = "1"
    return error.http_status, body, headers
