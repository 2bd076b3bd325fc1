"""Whatever the OpenAPI document allows or forbids, the upload routes answer as it says, and never with a 500."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

if TYPE_CHECKING:
    from tests.integration.gateway.conftest import Served

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
# The gateway in the test's other thread may draw a random number while Hypothesis looks whether a strategy did.
RANDOM_ELSEWHERE = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
pytestmark = RANDOM_ELSEWHERE
EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("routes", "least"), [("^/v1/uploads", 5), ("^/v1/tus", 5), ("^/v1/s3", 5), ("^/v1/transcode", 1)]
)
async def test_the_document_is_kept(served: Served, auth: dict[str, str], routes: str, least: int) -> None:
    count = await asyncio.to_thread(tried, served.url, auth, routes)
    assert count >= least


def tried(url: str, auth: dict[str, str], routes: str) -> int:
    """How many operations there were."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json").include(path_regex=routes)
    count = 0
    for operation in schema.get_all_operations():
        assert isinstance(operation, Ok)
        try_operation(operation.ok(), auth)
        count += 1
    return count


def try_operation(operation: Any, auth: dict[str, str]) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        case.call_and_validate(headers=auth, checks=CHECKS, timeout=30)

    check()
