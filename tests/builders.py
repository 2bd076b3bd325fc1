"""Values for tests, with everything that a test does not care about filled in."""

from __future__ import annotations

from services.upload.domain import Request


def a_request(file_name: str = "match.mp4", size: int | None = 1000, **fields: object) -> Request:
    return Request(**{"file_name": file_name, "size": size, "labels": {}} | fields)  # type: ignore[arg-type]
