"""One error tree, mapped once to gRPC and once to HTTP, and back."""

from __future__ import annotations

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from meshkit import errors
from meshkit.errors import FieldError, MeshError
from meshkit.grpc import status
from meshkit.http import problem

EVERY = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, MeshError)]


def over_the_wire(error: MeshError) -> MeshError:
    sent = status.to_status(error)
    metadata = Metadata(*sent.trailing_metadata)
    return status.from_rpc_error(AioRpcError(sent.code, Metadata(), metadata, sent.details))


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_survives_the_wire(kind: type[MeshError]) -> None:
    sent = kind("some_reason", "some words", fields=(FieldError("a.b", "is bad"),), limit=5)
    got = over_the_wire(sent)
    assert type(got) is kind
    assert (got.reason, got.message, got.fields, got.metadata) == (
        "some_reason",
        "some words",
        (FieldError("a.b", "is bad"),),
        {"limit": "5"},
    )


def test_a_server_that_is_not_there_is_unavailable() -> None:
    got = status.from_rpc_error(AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), Metadata(), "gone"))
    assert isinstance(got, errors.Unavailable)


def test_a_problem_has_a_stable_code_and_its_fields() -> None:
    code, body, headers = problem(
        errors.InvalidArgument("bad_size", "too small", fields=(FieldError("size", "min 1"),))
    )
    assert code == 400
    assert body["code"] == "bad_size"
    assert body["errors"] == [{"field": "size", "message": "min 1"}]
    assert headers["Content-Type"] == "application/problem+json"


def test_the_text_of_an_unexpected_error_stays_inside() -> None:
    _, body, _ = problem(MeshError("internal", "password is hunter2"))
    assert "hunter2" not in str(body)


def test_too_many_says_when_to_come_back() -> None:
    assert problem(errors.Exhausted("quota", retry_after=30))[2]["Retry-After"] == "30"
