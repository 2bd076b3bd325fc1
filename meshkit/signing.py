"""Presigned S3 URLs: SigV4 in the query, as in AWS's "Authenticating Requests: Using Query Parameters".

boto3 makes the same URLs, at 0.4 ms each: it resolves endpoint, credentials and the day's key anew for every one.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from meshkit.settings import S3Settings

_ALGORITHM = "AWS4-HMAC-SHA256"
_BLOCK = 64
"""Bytes that SHA-256 takes at a time."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


@lru_cache(1024)
def _quoted(text: str, safe: str = "") -> str:
    """Parts of one upload differ in little."""
    return quote(text, safe)


def _now() -> datetime:
    return datetime.now(UTC)


class Signer:
    """Signs for one bucket at one endpoint, with path addressing."""

    def __init__(self, settings: S3Settings, endpoint_url: str, now: Callable[[], datetime] = _now) -> None:
        at = urlsplit(endpoint_url)
        # As clients send it: without the port that they would use anyway.
        self._host = at.netloc.removesuffix(f":{_DEFAULT_PORTS.get(at.scheme)}")
        self.origin = f"{at.scheme}://{at.netloc}"
        self._path = f"{at.path.rstrip('/')}/{settings.s3_bucket}/"
        self._region = settings.s3_region
        self._access_key_id = settings.s3_access_key_id
        self._secret = settings.s3_secret_access_key
        self._now = now
        self._day = self._prefix = self._scope = ""
        self._inner = self._outer = hashlib.sha256()
        """An HMAC with the day's key, as far as it is the same for whatever is signed."""
        self._signed_at = -1

    def url(
        self,
        method: str,
        key: str,
        expires_in: int,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """A URL for `method` on the object, good for `expires_in` seconds (a week at most).

        `headers`, named in lower case, must be sent exactly so.
        """
        asked, said = self._asked(expires_in, headers or {})
        for name, value in sorted((query or {}).items()):
            asked += f"&{_quoted(name)}={_quoted(value)}"
        path = self._path + _quoted(key, "/~")
        signature = self._signature(hashlib.sha256(f"{method}\n{path}\n{asked}{said}".encode()))
        return f"{self.origin}{path}?{asked}&X-Amz-Signature={signature}"

    def parts(
        self, key: str, multipart_id: str, numbers: Iterable[int], expires_in: int, headers: Mapping[str, str]
    ) -> tuple[str, str, list[str]]:
        """As `url`, for PUTs of parts of one multipart upload: what is the same in all of them is made once.

        The URL of a part is the first, its number, the second, and its signature.
        """
        asked, said = self._asked(expires_in, headers)
        path = self._path + _quoted(key, "/~")
        head, rest = f"{asked}&partNumber=", f"&uploadId={_quoted(multipart_id)}"
        begun, end = hashlib.sha256(f"PUT\n{path}\n{head}".encode()), f"{rest}{said}"
        signatures = []
        for number in numbers:
            request = begun.copy()
            request.update(f"{number}{end}".encode())
            signatures.append(self._signature(request))
        return f"{self.origin}{path}?{head}", f"{rest}&X-Amz-Signature=", signatures

    def _asked(self, expires_in: int, headers: Mapping[str, str]) -> tuple[str, str]:
        """The query's beginning, and what the signed request says after the query."""
        now = int(self._now().timestamp())
        if now != self._signed_at:
            self._renew(now)
        signed = sorted([("host", self._host), *headers.items()])
        names = ";".join([name for name, _ in signed])
        # Names of S3's own parameters are in lower case, and so stand behind all of these.
        asked = f"{self._prefix}&X-Amz-Expires={expires_in}&X-Amz-SignedHeaders={_quoted(names)}"
        fields = "".join([f"{name}:{value.strip()}\n" for name, value in signed])
        return asked, f"\n{fields}\n{names}\nUNSIGNED-PAYLOAD"

    def _signature(self, request: hashlib._Hash) -> str:
        # RFC 2104, from where the key was taken in: to take it in again costs more than all the rest of a URL.
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(f"{self._scope}{request.hexdigest()}".encode())
        outer.update(inner.digest())
        return outer.hexdigest()

    def _renew(self, now: int) -> None:
        """What is the same for all that is signed in this second; the key is that of the day, region and service."""
        then = datetime.fromtimestamp(now, UTC)
        day, moment = f"{then:%Y%m%d}", f"{then:%Y%m%dT%H%M%SZ}"
        scope = f"{day}/{self._region}/s3/aws4_request"
        if day != self._day:
            key = f"AWS4{self._secret}".encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            padded = key.ljust(_BLOCK, b"\0")
            self._day = day
            self._inner, self._outer = (hashlib.sha256(bytes(each ^ pad for each in padded)) for pad in (0x36, 0x5C))
        credential = _quoted(f"{self._access_key_id}/{scope}")
        self._prefix = f"X-Amz-Algorithm={_ALGORITHM}&X-Amz-Credential={credential}&X-Amz-Date={moment}"
        self._scope = f"{_ALGORITHM}\n{moment}\n{scope}\n"
        self._signed_at = now
