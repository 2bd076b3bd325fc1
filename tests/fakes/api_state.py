"""What the fake of the public HTTP API holds, what it saw, and what it shall do wrong."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

KEY = "rmk_good"
POWERLESS_KEY = "rmk_powerless"
PART_SIZE = 1000
WHEN = "2026-01-02T03:04:05.678901Z"


@dataclass(slots=True)
class FakeApi:
    """What it holds, what it saw, and what it shall do wrong."""

    url: str = ""
    part_size: int = PART_SIZE
    uploads: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: dict[str, dict[int, bytes]] = field(default_factory=dict)
    assets: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    seen: list[str] = field(default_factory=list)
    """Method and path of every call."""
    idempotency_keys: list[str] = field(default_factory=list)
    puts: Counter[int] = field(default_factory=Counter)
    """How often each part was sent."""
    signed: list[list[int]] = field(default_factory=list)
    """The part numbers of every request to sign."""
    keys_at_store: list[str] = field(default_factory=list)
    """Authorization headers that reached the object store: there must be none."""
    resumed_from: list[str] = field(default_factory=list)
    """The Last-Event-ID of every connection to the feed."""

    outages: int = 0
    """So many of the next calls are answered with 503."""
    part_failures: dict[int, list[int]] = field(default_factory=dict)
    """The statuses that a part's next PUTs are answered with."""
    first_urls_expired: bool = False
    failure: dict[str, str] | None = None
    """Why new assets fail; else they become ready."""
    upload_failure: dict[str, str] | None = None
    """Why uploads fail when they shall complete."""
    hls_url: str = ""
    """Where every asset plays; else at an address of its own."""
    polls_until_known: int = 0
    polls_until_over: int = 2
    cut_after: int = 0
    """The feed breaks off after so many events, until it is 0."""

    def bytes_of(self, upload_id: str) -> bytes:
        return b"".join(body for _, body in sorted(self.parts[upload_id].items()))


def problem(status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None) -> Response:
    body = {"type": "about:blank", "title": "Problem", "status": status, "detail": detail, "code": code}
    body |= {"errors": errors or [], "trace_id": "0af7651916cd43dd8448eb211c80319c"}
    headers = {"Retry-After": "0"} if status == 503 else {}
    return JSONResponse(body, status, headers, "application/problem+json")


def matches(item: dict[str, Any], request: Request) -> bool:
    for name, value in request.query_params.items():
        if name in {"state", "kind", "asset_id"} and item[name] != value:
            return False
        if name.startswith("label.") and item["labels"].get(name.removeprefix("label.")) != value:
            return False
    return True


def page(items: list[dict[str, Any]], request: Request) -> Response:
    """Two at a time, whatever was asked for: a page may always be shorter."""
    start = int(request.query_params.get("page_token", 0))
    more = str(start + 2) if start + 2 < len(items) else None
    return JSONResponse({"items": items[start : start + 2], "next_page_token": more})
