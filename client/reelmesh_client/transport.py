"""HTTP to one mesh: kept connections, timeouts, retries, and problems as exceptions.

Every call of the API that the client makes may be repeated: reads, calls that are the same twice as once, and creates
that carry an Idempotency-Key. So all of them are.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import stamina

from reelmesh_client.errors import ConfigError, FieldProblem, ProblemError, UnreachableError

TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
ATTEMPTS = 4
TRY_AGAIN = frozenset({429, 502, 503, 504})
LONGEST_WAIT = 30.0
# A proxy never leads to this machine.
DIRECT: dict[str, httpx2.BaseTransport | None] = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}


class Bearer(httpx2.Auth):
    def __init__(self, credential: str | Callable[[], str]) -> None:
        self._credential = credential

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        token = self._credential if isinstance(self._credential, str) else self._credential()
        request.headers["Authorization"] = f"Bearer {token}"
        yield request


class Transport:
    def __init__(
        self, url: str, credential: str | Callable[[], str] | None, *, timeout: httpx2.Timeout = TIMEOUT
    ) -> None:
        """`credential`: a key, or what gives the token of the moment; None for calls that need none."""
        self.url = checked(url)
        if isinstance(credential, str) and (not credential.isascii() or not credential.isprintable()):
            raise ConfigError("the API key has characters that no key has")
        auth = None if credential is None else Bearer(credential)
        headers = {"Accept": "application/json"}
        self._http = httpx2.Client(base_url=self.url, headers=headers, auth=auth, timeout=timeout, mounts=DIRECT)

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, path: str, **request: Any) -> Any:
        """The JSON of a good answer. Raises ProblemError or UnreachableError."""
        for attempt in stamina.retry_context(on=worth_another_try, attempts=ATTEMPTS, wait_jitter=0.2, timeout=60.0):
            with attempt:
                return self.once(method, path, **request)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def stream(self, path: str, **request: Any) -> Iterator[httpx2.Response]:
        """A good answer before its body. One attempt: whoever reads a stream knows where to go on."""
        with reaching(self.url), self._http.stream("GET", path, **request) as response:
            if not response.is_success:
                response.read()
                raise problem_of(response)
            yield response

    def once(self, method: str, path: str, **request: Any) -> Any:
        """As `call`, in one attempt."""
        with reaching(self.url):
            response = self._http.request(method, path, **request)
        if not response.is_success:
            raise problem_of(response)
        with understanding(self.url):
            return response.json() if response.content else {}


def checked(url: str) -> str:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL:
        raise ConfigError(f"{url!r} is not an address") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ConfigError(f"{url!r} is not an address such as https://video.example.com")
    return url


@contextmanager
def reaching(url: str) -> Iterator[None]:
    try:
        yield
    except (httpx2.TransportError, httpx2.DecodingError) as error:
        raise UnreachableError(f"cannot reach {url}: {str(error) or type(error).__name__}") from error


@contextmanager
def understanding(url: str) -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreachableError(f"{url} does not answer like a mesh: is the address right?") from error


def worth_another_try(error: Exception) -> bool | float:
    """Whether, or in how many seconds."""
    if isinstance(error, ProblemError) and error.code == "quota_exceeded":
        # Nobody waits for another day, or for others to end.
        return False
    if isinstance(error, ProblemError) and error.status in TRY_AGAIN:
        return True if error.retry_after is None else min(error.retry_after, LONGEST_WAIT)
    return isinstance(error, UnreachableError) and isinstance(error.__cause__, httpx2.TransportError)


def problem_of(response: httpx2.Response) -> ProblemError:
    """Any bad answer; what is no problem+json comes from something in between, and says little."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {}
    return ProblemError(
        status=response.status_code,
        code=str(body.get("code") or f"http_{response.status_code}"),
        detail=str(body.get("detail") or body.get("title") or f"{response.status_code} {response.reason_phrase}"),
        errors=tuple(
            FieldProblem(str(each.get("field", "")), str(each.get("message", "")))
            for each in body.get("errors") or ()
            if isinstance(each, dict)
        ),
        trace_id=str(body.get("trace_id") or ""),
        retry_after=seconds(response.headers.get("Retry-After", "")),
    )


def seconds(value: str) -> float | None:
    return float(value) if value.isdecimal() else None
