"""Other people's HTTP servers, asked for a file."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import httpx2

from meshkit.addresses import resolve_public
from meshkit.errors import FieldError, InvalidArgument, NotFound, Unavailable
from services.upload.ports import Download

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_TIMEOUT = httpx2.Timeout(30.0, connect=10.0, pool=None)
_PORTS = {"http": 80, "https": 443}
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "Reelmesh"}


class HttpWeb:
    """Connects to public addresses alone, or to loopback where that is allowed, and follows no redirect."""

    def __init__(self, http: httpx2.AsyncClient, *, allow_loopback: bool) -> None:
        self._http = http
        self._allow_loopback = allow_loopback

    async def vet(self, url: str) -> None:
        await self._address(_split(url))

    @asynccontextmanager
    async def get(self, url: str) -> AsyncIterator[Download]:
        at = _split(url)
        address = await self._address(at)
        try:
            # The name was looked up once: the connection goes to what was found then, and TLS checks the name.
            async with self._http.stream(
                "GET",
                _at_address(at, address),
                headers={**_HEADERS, "Host": at.netloc},
                extensions={"sni_hostname": str(at.hostname)},
            ) as answer:
                _check(answer)
                length = answer.headers.get("content-length", "")
                yield Download(size=int(length) if length.isdecimal() else None, chunks=answer.aiter_raw())
        except httpx2.TransportError as error:
            raise Unavailable("fetch_failed", f"the file could not be read: {type(error).__name__}") from error

    async def _address(self, at: SplitResult) -> str:
        port = at.port or _PORTS[at.scheme]
        return await resolve_public(str(at.hostname), port, allow_loopback=self._allow_loopback)


@asynccontextmanager
async def web(*, allow_loopback: bool) -> AsyncIterator[HttpWeb]:
    # A connection is of one name, and not of all that share its address.
    once = httpx2.Limits(max_keepalive_connections=0)
    async with httpx2.AsyncClient(timeout=_TIMEOUT, limits=once, follow_redirects=False, trust_env=False) as http:
        yield HttpWeb(http, allow_loopback=allow_loopback)


def _split(url: str) -> SplitResult:
    """Raises InvalidArgument."""
    try:
        at = urlsplit(url)
        usable = at.scheme in _PORTS and at.hostname and at.port != 0 and at.username is None
    except ValueError:
        raise _wrong("is no URL") from None
    if not usable or not url.isascii() or any(character <= " " for character in url):
        raise _wrong("must be an http or https URL of a host, without a user name in it")
    return at


def _at_address(at: SplitResult, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return at._replace(netloc=f"{host}:{at.port or _PORTS[at.scheme]}", fragment="").geturl()


def _check(answer: httpx2.Response) -> None:
    """Raises MeshError, or Unavailable where another try may help."""
    code = answer.status_code
    if code == 429 or code >= 500:
        raise Unavailable("fetch_failed", f"the server answered {code}")
    if answer.is_redirect:
        raise InvalidArgument("url_redirects", "the URL leads to another one, which is not followed")
    if code != 200:
        raise NotFound("fetch_refused", f"the server answered {code}")
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise InvalidArgument("fetch_refused", "the server sends the file encoded")


def _wrong(message: str) -> InvalidArgument:
    return InvalidArgument("url_not_allowed", f"url {message}", fields=(FieldError("url", message),))
