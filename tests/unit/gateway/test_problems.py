"""Refusals of every origin as problems."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshkit.errors import Exhausted, InvalidArgument, MeshError, NotFound, Unauthenticated, Unavailable
from services.gateway import problems


@pytest.mark.parametrize(
    ("code", "reason", "status"),
    [
        (404, "not_found", 404),
        (405, "method_not_allowed", 405),
        (413, "too_large", 413),
        (415, "unsupported_media_type", 415),
        (400, "invalid_argument", 400),
        (418, "invalid_argument", 400),
        (500, "internal", 500),
    ],
)
def test_what_the_framework_refuses(code: int, reason: str, status: int) -> None:
    error = problems.from_http(code, "detail")
    assert (error.reason, error.http_status) == (reason, status)


def test_wrong_fields_are_named_by_their_paths() -> None:
    error = problems.from_validation(
        [
            {"type": "missing", "loc": ("body", "parts", 0, "etag"), "msg": "Field required"},
            {"type": "int", "loc": ("query", "page_size"), "msg": "too large"},
            {"type": "json_invalid", "loc": ("body", 12), "msg": "JSON decode error"},
        ]
    )
    assert isinstance(error, InvalidArgument)
    assert [field.field for field in error.fields] == ["parts.0.etag", "page_size", ""]


def test_an_id_that_cannot_be_names_nothing() -> None:
    error = problems.from_validation([{"type": "uuid_parsing", "loc": ("path", "asset_id"), "msg": "no"}])
    assert isinstance(error, NotFound)


def test_headers_say_what_to_do_next() -> None:
    assert problems.response(Unauthenticated("x")).headers["www-authenticate"] == "Bearer"
    assert problems.response(Exhausted("x", retry_after=7)).headers["retry-after"] == "7"
    assert problems.response(Unavailable("x")).headers["retry-after"] == "1"
    assert problems.response(NotFound("x")).headers["content-type"] == "application/problem+json"


async def test_a_bug_of_ours_is_a_problem_too() -> None:
    sent: list[Any] = []

    async def buggy(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("the password is …")

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    await problems.Unexpected(buggy)({"type": "http", "method": "GET", "path": "/"}, receive, send)
    assert sent[0]["status"] == 500
    assert json.loads(sent[1]["body"])["detail"] == "internal error"


def test_the_text_of_a_bug_stays_inside() -> None:
    made = problems.response(MeshError("internal", "the password is …"))
    body = json.loads(bytes(made.body))
    assert (made.status_code, body["code"], body["detail"]) == (500, "internal", "internal error")
