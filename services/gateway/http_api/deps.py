"""What a route is given: the mesh behind it, and who calls."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from meshkit.auth import act_for
from meshkit.errors import Unauthenticated, UnsupportedMedia
from meshkit.http import CONTENT_TYPE
from meshkit.objects import Objects
from services.gateway.auth import Authenticator
from services.gateway.channels import Services
from services.gateway.feed import Feed
from services.gateway.links import Links
from services.gateway.playback import Playbacks
from services.gateway.rates import Rates, kind_of
from services.gateway.receiving import Receiver

_bearer = HTTPBearer(auto_error=False, description="An access token, or an API key (`rmk_…`).")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    services: Services
    authenticate: Authenticator
    playbacks: Playbacks
    objects: Objects
    links: Links
    feed: Feed
    rates: Rates
    receiver: Receiver
    redirects: bool
    """Segments are read from the store itself, by signed URLs; else through the gateway."""


async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


GivenCredential = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def _credential(given: GivenCredential) -> str:
    return present(given)


def present(given: HTTPAuthorizationCredentials | None) -> str:
    """Raises Unauthenticated where there is none."""
    if given is None or not given.credentials:
        raise Unauthenticated("unauthenticated", "an access token or an API key is needed")
    return given.credentials


Mesh = Annotated[Gateway, Depends(_gateway)]
Credential = Annotated[str, Depends(_credential)]
ResourceId = UUID
RequestId = Annotated[
    str,
    Header(alias="Idempotency-Key", max_length=255, description="The same key and request give the same resource."),
]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag that the resource must still have.")]
PageSize = Annotated[int, Query(ge=1, le=200)]
PageToken = Annotated[str, Query(max_length=255, description="`next_page_token` of the page before.")]
LongPageToken = Annotated[str, Query(max_length=4096, description="`next_page_token` of the page before.")]
PAGE_SIZE = 50
ExpiresIn = Annotated[int, Query(ge=60, le=604_800, description="Seconds.")]


async def authenticated(request: Request, given: GivenCredential) -> None:
    """From here on the request's task acts for its caller."""
    mesh: Gateway = request.app.state.gateway
    someone = await mesh.authenticate(present(given))
    mesh.rates.count(kind_of(request.method, request.url.path), f"caller {someone.subject}")
    act_for(someone)


async def _protected(request: Request, given: GivenCredential) -> None:
    """One for both: FastAPI takes longer to find its way to a dependency than these to do what they do."""
    await authenticated(request, given)
    await json_body(request)


async def json_body(request: Request) -> None:
    """Raises UnsupportedMedia for a body that is not JSON."""
    headers = request.headers
    empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not empty and media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMedia("unsupported_media_type", "a body here is application/json")


PROTECTED = [Depends(_protected)]
STREAMED = [Depends(authenticated)]
"""For bodies that are files."""

_MEANINGS: dict[int | str, str] = {
    304: "Not modified",
    400: "Invalid argument",
    401: "No valid credential",
    403: "The credential does not have the scope",
    404: "Not found",
    409: "Not in a state for this",
    410: "No longer there",
    412: "Changed meanwhile",
    413: "Too large",
    415: "Not JSON",
    416: "No byte is in the range",
    429: "Too many requests",
    460: "The checksum is another one",
    503: "Try again",
    "default": "Any other problem",
}
_PROBLEM = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """How a route can fail, for the OpenAPI document."""
    keys: tuple[int | str, ...] = (*codes, 503, "default")
    return {key: {"description": _MEANINGS[key], "content": _PROBLEM} for key in keys}


PROTECTED_PROBLEMS = problems(400, 401, 403, 429)
