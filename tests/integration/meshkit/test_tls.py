"""With certificates configured, services speak to those of their authority and to nobody else."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID
from grpc.aio import AioRpcError
from pydantic import ValidationError
from reelmesh.identity.v1 import identity_pb2, identity_pb2_grpc

from meshkit.credentials import identity_at
from meshkit.errors import Unavailable
from meshkit.grpc import tls
from meshkit.settings import Settings
from tests.serving import identity_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    cert: bytes
    key: bytes
    authority: bytes

    def settings(self, folder: Path) -> Settings:
        for name in ("cert", "key", "authority"):
            (folder / name).write_bytes(getattr(self, name))
        return Settings(
            grpc_tls_cert=str(folder / "cert"), grpc_tls_key=str(folder / "key"), grpc_tls_ca=str(folder / "authority")
        )

    def credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(self.authority, self.key, self.cert)


def papers() -> Papers:
    """Of an authority that is made for them."""
    root, own = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    authority = _certificate("authority", root, root, "authority")
    cert = _certificate("service", own, root, "authority")
    pem = serialization.Encoding.PEM
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Papers(cert=cert.public_bytes(pem), key=key, authority=authority.public_bytes(pem))


def _certificate(
    name: str, key: EllipticCurvePrivateKey, issuer_key: EllipticCurvePrivateKey, issuer: str
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([local]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Papers]:
    made = papers()
    tls.set_up(made.settings(tmp_path))
    yield made
    tls.set_up(Settings())


@pytest_asyncio.fixture(loop_scope="session")
async def address(ours: Papers) -> AsyncIterator[str]:
    async with identity_server() as running:
        yield running


async def asked(channel: grpc.aio.Channel) -> grpc.StatusCode:
    async with channel:
        try:
            await identity_pb2_grpc.IdentityServiceStub(channel).GetJwks(identity_pb2.GetJwksRequest(), timeout=5)
        except AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


async def test_those_of_one_authority_speak(address: str) -> None:
    async with identity_at(address) as identity:
        assert "keys" in await identity.jwks()


async def test_strangers_get_no_connection(address: str, ours: Papers) -> None:
    nobody = grpc.ssl_channel_credentials(ours.authority)
    other = papers()
    forged = grpc.ssl_channel_credentials(ours.authority, other.key, other.cert)
    for channel in (
        grpc.aio.insecure_channel(address),
        grpc.aio.secure_channel(address, nobody),
        grpc.aio.secure_channel(address, forged),
    ):
        assert await asked(channel) == grpc.StatusCode.UNAVAILABLE
    assert await asked(grpc.aio.secure_channel(address, ours.credentials())) == grpc.StatusCode.OK


async def test_a_service_of_another_authority_is_not_believed(address: str, tmp_path: Path) -> None:
    tls.set_up(papers().settings(tmp_path))
    async with identity_at(address) as identity:
        with pytest.raises(Unavailable, match="identity_unavailable"):
            await identity.jwks()


def test_half_of_it_is_refused() -> None:
    with pytest.raises(ValidationError, match="go together"):
        Settings(grpc_tls_cert="cert.pem")
