"""Calls of webhooks as they leave: signed, to the address that was looked at, and to no other."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID
from standardwebhooks import WebhookVerificationError

from meshkit.addresses import resolve_public
from meshkit.errors import InvalidArgument
from services.notify.receivers import http_receivers, retry_after_of
from services.notify.webhook import new_secret
from tests.fakes.webhooks import THEN, a_delivery, a_webhook
from tests.receiver import Receiver, receiving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.receiver import Call

LOOPBACK = partial(resolve_public, allow_loopback=True)
PUBLIC = partial(resolve_public, allow_loopback=False)
DELIVERY = a_delivery(a_webhook(), payload='{"type":"asset.ready","data":{"file_name":"Öl ✓"}}')
SECRET = new_secret().text


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as made:
        yield made


def answering(status: int, **headers: str) -> Any:
    async def answer(_: Call) -> tuple[int, dict[str, str]]:
        return status, {name.replace("_", "-"): value for name, value in headers.items()}

    return answer


async def test_what_we_sign_verifies(receiver: Receiver) -> None:
    another = new_secret().text
    async with http_receivers(LOOPBACK) as receivers:
        outcome = await receivers.post(f"{receiver.url}?a=b", DELIVERY, [SECRET, another])
    [call] = receiver.calls
    for secret in (SECRET, another):
        assert call.verified(secret) == {"type": "asset.ready", "data": {"file_name": "Öl ✓"}}
    with pytest.raises(WebhookVerificationError):
        call.verified(new_secret().text)
    assert (call.id, call.path, call.body.decode()) == (DELIVERY.event_id, "/hook?a=b", DELIVERY.payload)
    assert call.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert call.headers["content-type"] == "application/json"
    assert (outcome.status, outcome.error) == (204, "")
    assert outcome.headers["webhook-signature"] == call.headers["webhook-signature"]


async def test_a_redirect_is_a_failure_and_not_followed(receiver: Receiver) -> None:
    async with receiving() as inner, http_receivers(LOOPBACK) as receivers:
        for status in (301, 302, 303, 307, 308):
            receiver.answer = answering(status, location=inner.url)
            assert (await receivers.post(receiver.url, DELIVERY, [SECRET])).error == f"http_{status}"
    assert inner.calls == []


async def test_what_goes_wrong_is_an_outcome(receiver: Receiver) -> None:
    async def never(_: Call) -> tuple[int, dict[str, str]]:
        await asyncio.Event().wait()
        return 200, {}

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        async with http_receivers(LOOPBACK, timeout=1.5) as receivers:
            receiver.answer = answering(503, retry_after="7")
            refused = await receivers.post(receiver.url, DELIVERY, [SECRET])
            assert (refused.status, refused.error, refused.retry_after) == (503, "http_503", timedelta(seconds=7))
            assert (await receivers.post(nobody, DELIVERY, [SECRET])).error == "connection_failed"
            tls = await receivers.post(receiver.url.replace("http:", "https:"), DELIVERY, [SECRET])
            assert tls.error in {"connection_failed", "timeout"}
            receiver.answer = never
            late = await receivers.post(receiver.url, DELIVERY, [SECRET])
            assert (late.status, late.error) == (0, "timeout")
            assert late.duration >= 1.5


async def test_an_answer_without_an_end_is_not_waited_for() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nand so on")
        await writer.drain()
        await reader.read(-1)
        writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with server, http_receivers(LOOPBACK, timeout=10) as receivers:
        port = server.sockets[0].getsockname()[1]
        outcome = await receivers.post(f"http://127.0.0.1:{port}/", DELIVERY, [SECRET])
    assert (outcome.status, outcome.error) == (200, "")


async def test_loopback_is_refused_unless_it_is_allowed(receiver: Receiver) -> None:
    async with http_receivers(PUBLIC) as receivers:
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"):
            url = f"http://{host}:{receiver.port}/"
            with pytest.raises(InvalidArgument, match="url_not_allowed"):
                await receivers.check(url)
            assert (await receivers.post(url, DELIVERY, [SECRET])).error == "url_not_allowed"
    assert receiver.calls == []


async def test_the_connection_goes_to_the_address_and_the_name_stays(receiver: Receiver, tmp_path: Path) -> None:
    async def resolve(host: str, port: int) -> str:
        assert (host, port) == ("club.example", receiver.port)
        return "127.0.0.1"

    async with http_receivers(resolve) as receivers:
        await receivers.check(f"http://club.example:{receiver.port}/hook")
        assert not (await receivers.post(f"http://club.example:{receiver.port}/hook", DELIVERY, [SECRET])).error
    assert receiver.calls[0].headers["host"] == f"club.example:{receiver.port}"


async def test_tls_is_spoken_with_the_name(tmp_path: Path) -> None:
    certificate = certified("club.example", tmp_path)
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    names: list[str] = []
    serving.sni_callback = lambda _, name, __: names.append(name)
    trusting = ssl.create_default_context(cafile=str(certificate))

    async def resolve(host: str, port: int) -> str:
        return "127.0.0.1"

    async with receiving(ssl_context=serving) as receiver, http_receivers(resolve, ssl_context=trusting) as receivers:
        good = await receivers.post(f"https://club.example:{receiver.port}/", DELIVERY, [SECRET])
        bad = await receivers.post(f"https://else.example:{receiver.port}/", DELIVERY, [SECRET])
    assert (good.status, good.error) == (204, "")
    assert bad.error == "connection_failed"
    assert names == ["club.example", "else.example"]
    assert len(receiver.calls) == 1


def test_a_name_that_changes_its_mind_gains_nothing() -> None:
    class Rebinding(asyncio.SelectorEventLoop):
        """Its resolver says something public first, and something inside from then on."""

        looks = 0

        async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
            self.looks += 1
            address = "8.8.8.8" if self.looks == 1 else "127.0.0.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    async def call() -> tuple[str, int]:
        async with receiving() as receiver, http_receivers(PUBLIC) as receivers:
            await receivers.check(f"http://club.example:{receiver.port}/")
            outcome = await receivers.post(f"http://club.example:{receiver.port}/", DELIVERY, [SECRET])
            return outcome.error, len(receiver.calls)

    with asyncio.Runner(loop_factory=Rebinding) as runner:
        assert runner.run(call()) == ("url_not_allowed", 0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("²", None),
    ],
)
def test_how_long_to_stay_away(value: str, seconds: float | None) -> None:
    wait = retry_after_of([(b"Retry-After", value.encode())], THEN)
    assert (wait.total_seconds() if wait is not None else None) == seconds


def certified(name: str, folder: Path) -> Path:
    """A certificate that it signed itself, and its key, in one file."""
    key, now = generate_private_key(SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file
