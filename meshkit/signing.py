"""Presigned S3 URLs: SigV4 in the query, as in AWS's "Authenticating Requests: Using Query Parameters".

boto3 makes the same URLs, at 0.4 ms each: it resolves endpoint, credentials and the day's key anew for every one.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from meshkit.settings import S3Settings

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"http": 80, "https": 443}


def _now() -> datetime:
    return datetime.now(UTC)


class Signer:
    """Signs for one bucket at one endpoint, with path addressing."""

    def __init__(self, settings: S3Settings, endpoint_url: str, now: Callable[[], datetime] = _now) -> None:
        at = urlsplit(endpoint_url)
        # As clients send it: without the port that they would use anyway.
        self._host = at.netloc.removesuffix(f":{_DEFAULT_PORTS.get(at.scheme)}")
        self._origin = f"{at.scheme}://{at.netloc}"
        self._path = f"{at.path.rstrip('/')}/{settings.s3_bucket}/"
        self._region = settings.s3_region
        self._access_key_id = settings.s3_access_key_id
        self._secret = settings.s3_secret_access_key
        self._now = now
        self._day = ""
        self._key = b""

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
        now = self._now()
        day, signed = f"{now:%Y%m%d}", {"host": self._host, **(headers or {})}
        names = ";".join(sorted(signed))
        scope = f"{day}/{self._region}/s3/aws4_request"
        parameters = {
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self._access_key_id}/{scope}",
            "X-Amz-Date": f"{now:%Y%m%dT%H%M%SZ}",
            "X-Amz-Expires": str(expires_in),
            "X-Amz-SignedHeaders": names,
            **(query or {}),
        }
        asked = "&".join(f"{quote(name, '')}={quote(value, '')}" for name, value in sorted(parameters.items()))
        path = self._path + quote(key, "/~")
        fields = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
        request = f"{method}\n{path}\n{asked}\n{fields}\n{names}\nUNSIGNED-PAYLOAD"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{parameters['X-Amz-Date']}\n{scope}\n{digest}"
        signature = hmac.new(self._signing_key(day), text.encode(), hashlib.sha256).hexdigest()
        return f"{self._origin}{path}?{asked}&X-Amz-Signature={signature}"

    def _signing_key(self, day: str) -> bytes:
        """The key of a day, region and service: the same for all that is signed on that day."""
        if day != self._day:
            key = f"AWS4{self._secret}".encode()
            for part in (day, self._region, "s3", "aws4_request"):
                key = hmac.new(key, part.encode(), hashlib.sha256).digest()
            self._day, self._key = day, key
        return self._key
